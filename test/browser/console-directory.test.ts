/**
 * The directory as administrators use it: the tree by keyboard, people found by pinyin, a leaver disabled and brought back,
 * accounts and departments made by hand, and what an auditor sees of all that.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createUser, getUser, listDepartments, listUsers, updateOrganization, type User } from '@muster/contracts'
import type { Locator, Page } from 'playwright-core'
import { addPerson } from '../sign-in-stack.ts'
import { withoutBrowser } from './chromium.ts'
import { PASSWORD, setConsoleStage, type ConsoleStage } from './console-stage.ts'

const PERSON = { userid: 'OuyangXue', name: '欧阳雪' }

let stage: ConsoleStage
let person: User

before(async () => {
  if (withoutBrowser !== false) return
  stage = await setConsoleStage({ people: 260 })
  addPerson(stage.stack, PERSON.userid, PERSON.name)
  await stage.stack.syncOnce()
  const { items } = await stage.stack.ask(listUsers, { query: { q: PERSON.userid } })
  person = items[0]!
})

after(() => stage?.[Symbol.asyncDispose]())

const button = (within: Page | Locator, name: string) => within.getByRole('button', { name, exact: true })

test('the tree is walked by keyboard, and shows the people of what is selected', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visitAs('owner')
  const { tab } = visit
  const [root] = (await stage.stack.ask(listDepartments, { query: { parentId: 'none' } })).items
  const [first] = (await stage.stack.ask(listDepartments, { query: { parentId: root!.id } })).items

  await visit.open('/people')
  const tree = tab.getByRole('tree', { name: 'Departments' })
  const row = (name: string) => tree.getByRole('treeitem', { name, exact: false })
  await row(first!.name).first().waitFor()
  await tree.focus()
  await tab.keyboard.press('ArrowDown')
  await tab.keyboard.press('Enter')
  await tab.getByRole('heading', { level: 2, name: root!.name }).waitFor()
  const whole = await stage.stack.ask(listUsers, { query: { departmentId: root!.id, nested: 'true', limit: 1 } })
  const { userCount, childCount } = root!
  const counts = `Sub-departments: ${childCount}. People directly in it: ${userCount}, with everything below: ${whole.total}`
  await tab.getByText(counts).waitFor()
  await tree.focus()
  await tab.keyboard.press('ArrowDown')
  await tab.keyboard.press('Enter')
  await tab.getByRole('heading', { level: 2, name: first!.name }).waitFor()
  assert.equal(new URL(tab.url()).searchParams.get('department'), first!.id)
  const { total } = await stage.stack.ask(listUsers, { query: { departmentId: first!.id, nested: 'true' } })
  await tab.getByText(` of ${total}`).waitFor()
  await tab.getByLabel('With sub-departments').uncheck()
  const direct = await stage.stack.ask(listUsers, { query: { departmentId: first!.id } })
  await tab.getByText(` of ${direct.total}`).waitFor()
  await visit.picture('directory-department')
  assert.deepEqual(await visit.barriersOnTheWay(), [])

  // The address is enough to come back to it, with the tree open there.
  await tab.reload()
  await tree.locator(`[aria-selected="true"]`, { hasText: first!.name }).waitFor()
  await tree.focus()
  await tab.keyboard.press('ArrowLeft')
  await tab.keyboard.press('ArrowLeft')
  await tab.keyboard.press('ArrowLeft')
  await tree.locator('[aria-expanded="false"]').first().waitFor()
  assert.equal(await row(first!.name).count(), 0, 'what is closed shows nothing below it')

  await tab.getByLabel('Department: name, pinyin or initials').fill(first!.name)
  await button(tab, first!.name)
    .or(tab.locator('li button', { hasText: first!.name }))
    .first()
    .click()
  await tree.locator('[aria-selected="true"]', { hasText: first!.name }).waitFor()
  assert.deepEqual(visit.complaints, [])
})

test('somebody is found by pinyin, disabled, enabled, deleted and restored', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visitAs('operator')
  const { tab } = visit

  await visit.open('/people')
  for (const typed of ['欧阳', 'ouyangxue', 'oyx', 'OUYANGX']) {
    await tab.getByLabel('Name, pinyin, initials').fill(typed)
    await tab.waitForURL((address) => address.searchParams.get('q') === typed)
    await tab.getByRole('link', { name: PERSON.name }).waitFor()
  }
  await tab.getByRole('link', { name: PERSON.name }).click()
  await tab.getByRole('heading', { level: 1, name: PERSON.name }).waitFor()
  await tab.getByText('WeCom · hq').first().waitFor()
  await visit.picture('person')
  assert.deepEqual(await visit.barriersOnTheWay(), [])

  const act = async (open: () => Promise<void>, go: string, done: string) => {
    await open()
    const dialog = tab.getByRole('dialog')
    await dialog.waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await button(dialog, go).click()
    await tab.getByText(done).first().waitFor()
    await dialog.waitFor({ state: 'hidden' })
  }
  const fromMenu = (name: string) => async () => {
    await button(tab, 'More').click()
    const item = tab.getByRole('menuitem', { name, exact: true })
    await item.click()
    await item.waitFor({ state: 'hidden' })
  }
  await act(() => button(tab, 'Disable').click(), 'Disable', 'Disabled by an administrator')
  assert.equal(await statusOf(person.id), 'disabled')
  await tab.getByText('Neither sync nor signing in enables it again').waitFor()
  await act(() => button(tab, 'Enable').click(), 'Enable', 'The account is enabled.')
  assert.equal(await statusOf(person.id), 'active')
  await act(fromMenu('Sign out everywhere'), 'Sign out everywhere', 'Signed out everywhere.')
  await act(fromMenu('Delete'), 'Delete', 'This account is deleted')
  assert.equal(await statusOf(person.id), 'deleted')
  await act(() => button(tab, 'Restore').click(), 'Restore', 'The account is restored.')
  assert.equal(await statusOf(person.id), 'active')

  await tab.getByRole('tab', { name: 'Timeline' }).click()
  for (const deed of ['restored the account', 'deleted the account', 'disabled the account', 'A run created']) {
    await tab.getByText(deed).first().waitFor()
  }
  await visit.picture('person-timeline')
  assert.deepEqual(await visit.barriersOnTheWay(), [])
  assert.deepEqual(visit.complaints, [])
})

test('explaining shows each step of what a run would do, and writes nothing', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visitAs('operator')
  const { tab } = visit

  await visit.open(`/people/${person.id}?tab=explain`)
  assert.equal(await tab.getByLabel('userid').inputValue(), PERSON.userid)
  await button(tab, 'Explain now').click()
  await tab.getByText(`WeCom shows ${PERSON.name} (${PERSON.userid})`).waitFor()
  for (const step of ['Read', 'In scope', 'Match', 'Decide', 'Write']) await tab.getByText(step).first().waitFor()
  await visit.picture('person-explained')
  assert.deepEqual(await visit.barriersOnTheWay(), [])
  assert.deepEqual(visit.complaints, [])
})

test('accounts, departments and memberships are made by hand', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visitAs('owner')
  const { tab } = visit
  const dialog = tab.getByRole('dialog')

  await visit.open('/people')
  await button(tab, 'New department').click()
  await dialog.getByLabel('Name', { exact: true }).fill('项目组')
  await button(dialog, 'Create department').click()
  await tab.getByRole('heading', { level: 2, name: '项目组' }).waitFor()
  await button(tab, 'Rename or move').click()
  await dialog.getByLabel('Name', { exact: true }).fill('新项目组')
  await button(dialog, 'Save').click()
  await tab.getByRole('heading', { level: 2, name: '新项目组' }).waitFor()

  await button(tab, 'New built-in user').click()
  await dialog.getByLabel('Login name').fill('keeper')
  await dialog.getByLabel('Display name').fill('守夜人')
  await dialog.getByLabel('Password', { exact: true }).fill('keeper123')
  await dialog.getByLabel('Password again').fill('keeper123')
  assert.deepEqual(await visit.barriersOnTheWay(), [])
  await button(dialog, 'Create user').click()
  await dialog.getByText('The password is a name that everybody knows.').waitFor()
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await dialog.getByLabel('Password again').fill(PASSWORD)
  await button(dialog, 'Create user').click()
  await tab.getByRole('heading', { level: 1, name: '守夜人' }).waitFor()
  await tab.getByRole('link', { name: '新项目组' }).waitFor()

  await button(tab, 'Edit').click()
  await dialog.getByLabel('E-mail').fill('keeper@corp.example')
  await button(dialog, 'Save').click()
  await tab.getByText('k****@corp.example').waitFor()
  await button(tab, 'Change memberships').click()
  await button(dialog, 'Take out of the department').click()
  await button(dialog, 'Save').click()
  await tab.getByText('In no department.').waitFor()

  await button(tab, 'More').click()
  await tab.getByRole('menuitem', { name: 'Mark as emergency account' }).click()
  await button(dialog, 'Mark').click()
  await tab.getByText('It is an emergency account now.').waitFor()

  await tab.getByRole('tab', { name: 'Sign-in and sessions' }).click()
  await button(tab, 'Link to a member').click()
  await dialog.getByLabel('userid').fill('Somebody')
  await button(dialog, 'Link').click()
  await tab.getByRole('cell', { name: 'Somebody' }).waitFor()
  await button(tab, 'Remove link').click()
  await button(tab.getByRole('tooltip'), 'Remove link').click()
  await tab.getByText('Linked to nobody in WeCom.').waitFor()

  await tab.goto(stage.address('/people?q=keeper'))
  await tab.getByRole('link', { name: '守夜人' }).waitFor()
  await tab.getByLabel('Department: name, pinyin or initials').fill('xinxiangmu')
  await tab.locator('li button', { hasText: '新项目组' }).click()
  await button(tab, 'Delete').click()
  await button(tab.getByRole('tooltip'), 'Delete').click()
  await tab.getByRole('treeitem', { name: 'Everybody', selected: true }).waitFor()
  assert.deepEqual(visit.complaints, [])
})

test('an organization without built-in users says so and where that is decided', { skip: withoutBrowser }, async () => {
  const { ask } = stage.stack
  const params = { id: person.organizationId }
  await using visit = await stage.visitAs('operator')
  await ask(updateOrganization, { params, body: { builtInUsersAllowed: false } })
  try {
    await visit.open('/people')
    await button(visit.tab, 'New built-in user').click()
    await visit.tab.getByText('This organization allows no built-in users').waitFor()
    await visit.tab.getByRole('link', { name: 'To the settings' }).click()
    await visit.tab.waitForURL('**/console/settings**')
  } finally {
    await ask(updateOrganization, { params, body: { builtInUsersAllowed: true } })
  }
})

test('an operator may not touch whoever has a role, an auditor nobody', { skip: withoutBrowser }, async () => {
  const { ask } = stage.stack
  await using operator = await stage.visitAs('operator')
  const [owner] = (await ask(listUsers, { query: { q: 'owner' } })).items
  await operator.open(`/people/${owner!.id}`)
  await operator.tab.getByText('Only an owner may change whoever has a role here.').waitFor()
  assert.equal(await button(operator.tab, 'Disable').count(), 0)

  await using auditor = await stage.visitAs('auditor', {
    locale: 'zh-CN',
    colorScheme: 'dark',
    viewport: { width: 768, height: 900 },
  })
  const { tab } = auditor
  const changing = /^(新建|编\s?辑|停\s?用|启\s?用|删\s?除|更多|恢\s?复|修改|关联成员|解除关联|结\s?束|立即解释|重命名)/
  const looks = async (path: string, wait: Locator) => {
    await auditor.open(path)
    await wait.first().waitFor()
    assert.equal(await tab.getByRole('button', { name: changing }).count(), 0, path)
    assert.deepEqual(await auditor.barriersOnTheWay(), [], path)
  }
  await looks('/people', tab.locator('a[href*="/people/usr_"]'))
  await looks(`/people?department=${person.departments[0]!.departmentId}`, tab.getByRole('heading', { level: 2 }))
  await looks(`/people/${person.id}`, tab.getByText('来自企业微信'))
  await looks(`/people/${person.id}?tab=access`, tab.getByText(PERSON.userid))
  await looks(`/people/${person.id}?tab=timeline`, tab.getByText('前后对比'))
  await looks(`/people/${person.id}?tab=explain`, tab.getByText('由操作员和所有者执行'))
  await auditor.picture('person-auditor-zh-dark')
  assert.deepEqual([...operator.complaints, ...auditor.complaints], [])
})

test('a name of markup and direction marks is shown as it is', { skip: withoutBrowser }, async () => {
  const name = '<img src=x onerror=alert(1)>\u202Egnp.exe'
  const user = await stage.stack.ask(createUser, { body: { username: 'hostile', displayName: name } })
  await using visit = await stage.visitAs('owner')
  await visit.open(`/people/${user.id}`)
  await visit.tab.getByRole('heading', { level: 1, name: '<img src=x onerror=alert(1)>[U+202E]gnp.exe' }).waitFor()
  await button(visit.tab, 'Disable').click()
  await visit.tab.getByRole('dialog').getByText('[U+202E]gnp.exe').waitFor()
  assert.deepEqual(visit.complaints, [])
})

async function statusOf(id: string): Promise<User['status']> {
  return (await stage.stack.ask(getUser, { params: { id } })).status
}

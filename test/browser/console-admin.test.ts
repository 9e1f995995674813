/**
 * What an owner does in the console besides connections, runs and people, in a real Chromium: applications from their first
 * secret to their end, roles, API tokens, proving once more who is there, the two logs, the overview, language and colours,
 * and the keyboard alone. With MUSTER_TEST_SCREENSHOTS=FOLDER, pictures on the way.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync } from 'node:fs'
import {
  createUser,
  getApplication,
  getOverview,
  listApplications,
  listApplicationSecrets,
  listAudit,
  listRuns,
  listSignIns,
  listUsers,
  updateConnection,
} from '@muster/contracts'
import type { Locator, Page } from 'playwright-core'
import { createSampleApp } from '../../examples/sample-app/src/sample-app.ts'
import { freePort } from '../../tools/free-port.ts'
import { createClient } from '../client.ts'
import { eventually } from '../eventually.ts'
import { movableClock, temporaryFolder, type MovableClock } from '../server.ts'
import { createVisitor } from '../visitor.ts'
import { withoutBrowser } from './chromium.ts'
import { PASSWORD, setConsoleStage, type ConsoleStage, type ConsoleVisit } from './console-stage.ts'

const MINUTE_MS = 60_000

let folder: ReturnType<typeof temporaryFolder>
let clock: MovableClock
let stage: ConsoleStage
let owner: ConsoleVisit

before(async () => {
  if (withoutBrowser !== false) return
  folder = temporaryFolder()
  clock = movableClock(folder.path)
  stage = await setConsoleStage({
    people: 40,
    settings: clock.settings,
    connection: { displayName: '总部', sync: { enabled: true, users: { onlyHere: 'disable' } } },
  })
  await stage.stack.syncOnce()
  await stage.stack.ask(createUser, { body: { username: 'keeper', displayName: '值班', password: PASSWORD } })
  owner = await stage.visitAs('owner')
})

after(async () => {
  await owner?.[Symbol.asyncDispose]()
  await stage?.[Symbol.asyncDispose]()
  folder?.remove()
})

walk('connects a known product, and sees its secret once, with what to enter there', async ({ tab, at, reads }) => {
  await at('/applications')
  await reads('applications-empty')
  await tab.getByRole('button', { name: 'Connect an application' }).click()
  const dialog = tab.getByRole('dialog', { name: 'Connect an application' })
  await dialog.getByRole('radio', { name: 'Grafana' }).click()
  const address = dialog.getByLabel('Address of the product')
  await address.fill('grafana.corp.example')
  await dialog.getByRole('button', { name: 'Create' }).click()
  await dialog.getByText('This is no address').waitFor()
  await address.fill('https://grafana.corp.example/login')
  await choose(dialog.getByLabel('Connections'), '总部 (hq)')
  await reads('application-new')
  await dialog.getByRole('button', { name: 'Create' }).click()

  const made = tab.getByRole('dialog', { name: 'Grafana is created' })
  const secret = await made.getByRole('textbox', { name: 'Client secret' }).first().inputValue()
  assert.match(secret, /^\S{32,}$/)
  await tab.keyboard.press('Escape')
  assert.ok(await made.isVisible(), 'goes away only when somebody says that they have it')
  await reads('application-made')
  await made.getByRole('button', { name: 'I have copied it' }).click()

  await tab.getByRole('heading', { level: 1, name: 'Grafana' }).waitFor()
  await tab.reload()
  await tab.getByRole('heading', { level: 2, name: 'Secrets' }).waitFor()
  assert.ok(!(await tab.content()).includes(secret), 'shown once')
  const [application] = (await stage.stack.ask(listApplications, { query: { q: 'Grafana' } })).items
  assert.deepEqual(application!.redirectUris, ['https://grafana.corp.example/login/generic_oauth'])
  assert.deepEqual(application!.connections, ['hq'])
})

walk('connects one of their own, which people sign in to until it ends', async ({ tab, at, reads }) => {
  const { stack } = stage
  const port = await freePort()
  const url = `http://localhost:${port}`
  const member = stack.someone()

  await at('/applications')
  await tab.getByRole('button', { name: 'Connect an application' }).click()
  const dialog = tab.getByRole('dialog', { name: 'Connect an application' })
  await dialog.getByLabel('Name', { exact: true }).fill('费用报销')
  await dialog.getByLabel('Redirect addresses').fill(`${url}/callback\n`)
  await choose(dialog.getByLabel('Connections'), '总部 (hq)')
  await dialog.getByRole('button', { name: 'Create' }).click()
  const made = tab.getByRole('dialog', { name: '费用报销 is created' })
  const clientId = await made.getByRole('textbox', { name: 'Client ID' }).inputValue()
  const secret = await made.getByRole('textbox', { name: 'Client secret' }).inputValue()
  await made.getByRole('button', { name: 'I have copied it' }).click()
  const id = new URL(tab.url()).pathname.split('/').at(-1)!

  await tab.getByRole('switch', { name: 'Go straight to WeCom, without the sign-in page' }).click()
  await tab.getByRole('checkbox', { name: /^wecom:/ }).uncheck()
  await tab.getByRole('radio', { name: /^its full path/ }).check()
  await tab.getByLabel('Put before each group').fill('muster:')
  await save(tab)
  await reads('application')

  await choose(tab.getByRole('combobox', { name: 'Name, pinyin, initials' }), member.userid)
  await tab.getByText('They can sign in, as far as Muster knows').waitFor()
  const shown = JSON.parse(await tab.getByRole('region', { name: 'Userinfo' }).innerText().then(jsonOf)) as object
  await reads('application-preview')
  assert.deepEqual(await tellsAbout(member.userid, { clientId, secret, port }), shown)

  await tab.getByRole('button', { name: 'Add a second secret' }).click()
  const second = tab.getByRole('dialog', { name: 'Secrets' })
  const newSecret = await second.getByRole('textbox', { name: 'Client secret' }).inputValue()
  assert.notEqual(newSecret, secret)
  await second.getByRole('button', { name: 'I have copied it' }).click()
  await tab.getByText('There are two.').waitFor()
  assert.ok(await tellsAbout(member.userid, { clientId, secret: newSecret, port }), 'the new one is good')
  assert.ok(await tellsAbout(member.userid, { clientId, secret, port }), 'the old one still is')
  await reads('application-two-secrets')
  const { items } = await stack.ask(listApplicationSecrets, { params: { id } })
  const oldest = items.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id))[0]!
  const place = items.findIndex((one) => one.id === oldest.id)
  await tab.getByRole('list', { name: 'Secrets' }).getByRole('listitem').nth(place).getByRole('button').click()
  await tab.getByRole('dialog', { name: 'Delete this secret?' }).getByRole('button', { name: 'Delete' }).click()
  await tab.getByText('There are two.').waitFor({ state: 'detached' })
  assert.equal(await tellsAbout(member.userid, { clientId, secret, port }), undefined, 'the old one is worth nothing')
  assert.ok(await tellsAbout(member.userid, { clientId, secret: newSecret, port }), 'the new one is')

  await tab.getByRole('switch', { name: 'Enabled' }).click()
  await save(tab)
  await tab.getByRole('heading', { level: 1, name: '费用报销 Disabled' }).waitFor()
  assert.equal(await tellsAbout(member.userid, { clientId, secret: newSecret, port }), undefined)

  await tab.getByRole('button', { name: 'Delete the application' }).click()
  await reads('application-delete')
  const question = tab.getByRole('dialog', { name: 'Delete 费用报销?' })
  await question.getByRole('button', { name: 'Delete the application' }).click()
  await tab.getByRole('heading', { level: 1, name: 'Applications' }).waitFor()
  await tab.getByRole('link', { name: 'Grafana' }).waitFor()
  await tab.getByRole('link', { name: '费用报销' }).waitFor({ state: 'detached' })
  await assert.rejects(stack.ask(getApplication, { params: { id } }), { status: 404 })
})

walk('gives a role, changes it and takes it away', async ({ tab, at, reads }) => {
  await at('/settings')
  await tab.getByRole('button', { name: 'Give somebody a role' }).click()
  const dialog = tab.getByRole('dialog', { name: 'Give somebody a role' })
  await choose(dialog.getByRole('combobox'), 'keeper')
  await dialog.getByRole('radio', { name: /^Auditor/ }).check()
  await reads('role-give')
  await dialog.getByRole('button', { name: 'Save' }).click()
  const row = tab.getByRole('row').filter({ hasText: 'keeper' })
  await row.getByRole('cell', { name: 'Auditor' }).waitFor()

  await row.getByRole('button', { name: 'Change role: 值班' }).click()
  const change = tab.getByRole('dialog', { name: 'Change the role of 值班' })
  await change.getByRole('radio', { name: /^Operator/ }).check()
  await change.getByRole('button', { name: 'Save' }).click()
  await row.getByRole('cell', { name: 'Operator' }).waitFor()
  await reads('administrators')

  await row.getByRole('button', { name: 'Take role away: 值班' }).click()
  await tab.getByRole('dialog').getByRole('button', { name: 'Take role away' }).click()
  await row.waitFor({ state: 'detached' })
  const [keeper] = (await stage.stack.ask(listUsers, { query: { q: 'keeper' } })).items
  assert.equal(keeper!.role, null)

  // The last owner stays one, and the page says why.
  const own = tab.getByRole('row').filter({ hasText: 'owner (owner)' })
  await own.getByRole('button', { name: 'Take role away: owner' }).click()
  await tab.getByRole('dialog').getByRole('button', { name: 'Take role away' }).click()
  await tab.getByRole('dialog').getByRole('alert').waitFor()
  await reads('role-last-owner')
  await tab.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
})

walk('makes an API token for a program, and ends it', async ({ tab, at, reads }) => {
  await at('/settings?tab=tokens')
  await tab.getByRole('button', { name: 'Create a token' }).click()
  const dialog = tab.getByRole('dialog', { name: 'Create a token' })
  await dialog.getByLabel('Name').fill('备份脚本')
  await dialog.getByRole('radio', { name: /^Operator/ }).check()
  await dialog.getByRole('button', { name: 'Create a token' }).click()
  const once = tab.getByRole('dialog', { name: '备份脚本' })
  const token = await once.getByRole('textbox', { name: 'API token' }).inputValue()
  await reads('token-once')
  await once.getByRole('button', { name: 'I have copied it' }).click()
  const row = tab.getByRole('row').filter({ hasText: '备份脚本' })
  await row.getByRole('cell', { name: 'Operator' }).waitFor()
  assert.ok(!(await tab.content()).includes(token), 'shown once')

  const program = createClient(stage.origin, token)
  assert.ok(await program.ask(getOverview, {}))
  await row.getByRole('button', { name: 'Delete: 备份脚本' }).click()
  await reads('token-delete')
  await tab.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await row.waitFor({ state: 'detached' })

  await assert.rejects(program.ask(getOverview, {}), { status: 401 })
})

walk('proves who is there before a dangerous act, when that is ten minutes ago', async ({ tab, at, reads }) => {
  await at('/settings?tab=tokens')
  clock.moveTo(clock.now() + 11 * MINUTE_MS)
  await eventually('the session is too old for dangerous acts', async () => {
    const answer = await tab.request.get(`${stage.origin}/api/v1/session`)
    const { session } = (await answer.json()) as { session: { confirmedUntil: string | null } }
    return session.confirmedUntil === null
  })

  await tab.getByRole('button', { name: 'Create a token' }).click()
  const dialog = tab.getByRole('dialog', { name: 'Create a token' })
  await dialog.getByLabel('Name').fill('dangerous')
  await dialog.getByRole('button', { name: 'Create a token' }).click()
  const proof = tab.getByRole('dialog', { name: 'Confirm that it is you' })
  await proof.getByLabel('Password').fill('not the password')
  await reads('confirm')
  await proof.getByRole('button', { name: 'Confirm' }).click()
  await proof.getByRole('alert').waitFor()
  await reads('confirm-wrong')
  assert.equal(await tab.getByRole('dialog', { name: 'dangerous' }).count(), 0)

  await proof.getByLabel('Password').fill(PASSWORD)
  await tab.keyboard.press('Enter')
  const once = tab.getByRole('dialog', { name: 'dangerous' })
  await once.getByRole('button', { name: 'I have copied it' }).click()
  await tab.getByRole('row').filter({ hasText: 'dangerous' }).waitFor()
  assert.equal(await proof.count(), 0)

  // Who closes the question has done nothing, and is told so beside the act.
  clock.moveTo(clock.now() + 11 * MINUTE_MS)
  await eventually('the session is too old again', async () => {
    const answer = await tab.request.get(`${stage.origin}/api/v1/session`)
    const { session } = (await answer.json()) as { session: { confirmedUntil: string | null } }
    return session.confirmedUntil === null
  })
  await tab.getByRole('button', { name: 'Delete: dangerous' }).click()
  const remove = tab.getByRole('dialog', { name: 'Delete the token dangerous?' })
  await remove.getByRole('button', { name: 'Delete' }).click()
  await proof.getByRole('button', { name: 'Close' }).click()
  await remove.getByRole('alert').waitFor()
  await tab.getByRole('row').filter({ hasText: 'dangerous' }).waitFor()
  await remove.getByRole('button', { name: 'Delete' }).click()
  await proof.getByLabel('Password').fill(PASSWORD)
  await proof.getByRole('button', { name: 'Confirm' }).click()
  await tab.getByRole('row').filter({ hasText: 'dangerous' }).waitFor({ state: 'detached' })
})

walk('finds a refused sign-in by its reason, and by the reference that the person reads out', async (walked) => {
  const { tab, at, reads } = walked
  const { stack, origin } = stage
  await stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { loginOnly: true } } })
  const userid = 'Stranger'
  stack.control.addMember({
    corpId: stack.corpId,
    member: { userid, name: '陌生人', department: [1], mobile: '13900000001' },
  })
  stack.control.patchMember({ corpId: stack.corpId, userid, patch: { status: 1 }, unchecked: true })
  const references: string[] = []
  for (let count = 0; count < 2; count++) {
    await using stranger = createVisitor({ onAddress: stack.scansAs(userid) })
    const page = await stranger.follow(`${origin}/signin/start?return_to=/account`)
    const refused = await stranger.follow(stack.hrefIn(page, '/go?connection=hq'))
    references.push(/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}/.exec(refused.text)![0])
  }
  await stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { loginOnly: null } } })
  await using guesser = createVisitor()
  const form = await guesser.follow(`${origin}/signin/start?return_to=/account`)
  await guesser.submit(form, '/password', { username: 'nobody', password: 'wrong password 7' })

  await at('/sign-ins')
  await tab.getByRole('cell', { name: 'Wrong name or password' }).first().waitFor()
  await reads('sign-ins')
  await choose(tab.getByRole('combobox', { name: 'Any reason' }), 'No account here')
  await tab.getByText('2 of 2').waitFor()
  assert.equal(new URL(tab.url()).searchParams.get('reason'), 'not-linked')
  assert.equal(await tab.getByRole('cell', { name: userid, exact: true }).count(), 2)

  await at('/sign-ins')
  const search = tab.getByRole('searchbox', { name: 'Userid or reference' })
  await search.fill(references[0]!)
  await search.press('Enter')
  await tab.getByText('1 of 1').waitFor()
  await tab.getByRole('cell', { name: references[0]! }).waitFor()
  await reads('sign-in-found')

  // Somebody else opens the same address and sees the same.
  await tab.reload()
  await tab.getByText('1 of 1').waitFor()
  assert.equal(await search.inputValue(), references[0])
  const rows = csvRows(await downloaded(tab, 'Export CSV'))
  assert.deepEqual(
    rows.map((row) => row['referenceId']),
    [references[0]],
  )
  const { total } = await stack.ask(listSignIns, { query: { reason: 'not-linked' } })
  assert.equal(total, 2)
})

walk('narrows the audit record, and takes the same rows away as a file', async ({ tab, at, reads }) => {
  await at('/audit')
  await tab.getByRole('cell', { name: 'administrator.create' }).first().waitFor()
  await reads('audit')
  await tab.getByRole('button', { name: 'Only administrator.create' }).first().click()
  await tab.waitForURL(/action=administrator\.create/)
  const { items, total } = await stage.stack.ask(listAudit, { query: { action: 'administrator.create' } })
  await tab.getByText(`${total} of ${total}`).waitFor()
  const table = tab.getByRole('table')
  await eventually(
    'only those are shown',
    async () => (await table.locator('tbody tr[data-row-key]').count()) === total,
  )
  const keys = await table
    .locator('tbody tr[data-row-key]')
    .evaluateAll((rows) => rows.map((row) => (row as unknown as { dataset: { rowKey: string } }).dataset.rowKey))
  const rows = csvRows(await downloaded(tab, 'Export CSV'))
  assert.deepEqual(
    rows.map((row) => row['id']),
    keys,
  )
  assert.deepEqual(
    keys,
    items.map(({ id }) => id),
  )

  const search = tab.getByRole('searchbox', { name: 'Action, name or detail' })
  await search.fill('keeper')
  await search.press('Enter')
  await tab.getByText('1 of 1').waitFor()
  const today = new Date().getFullYear() + 1
  await tab.getByLabel('From day').fill(`${today}-01-01`)
  await tab.keyboard.press('Enter')
  await tab.getByText('Nothing was done that matches these filters.').waitFor()
  await reads('audit-nothing')
  await tab.reload()
  await tab.getByText('Nothing was done that matches these filters.').waitFor()
})

walk('says whether people may be created who do not come from WeCom', async ({ tab, at, reads }) => {
  await at('/settings?tab=organizations')
  const allowed = tab.getByRole('switch', { name: 'Built-in users: Default' })
  const create = (username: string) => stage.stack.ask(createUser, { body: { username, displayName: username } })
  assert.ok(await allowed.isChecked())
  await create('before')

  await allowed.click()
  await tab.locator('[role=switch][aria-checked=false]').waitFor()
  await reads('organizations')
  await assert.rejects(create('between'), { status: 409 })

  await allowed.click()
  await tab.locator('[role=switch][aria-checked=true]').waitFor()
  await create('after')
})

walk('sees on the first page that removals wait, and gets to them', async ({ tab, at, reads }) => {
  const { stack } = stage
  await at('/')
  await tab.getByRole('heading', { level: 2, name: 'Needs a person' }).waitFor()
  await reads('overview')
  const { members } = stack.control.truth({ corpId: stack.corpId })
  const userids = members.slice(0, 30).map(({ userid }) => userid)
  stack.control.removeMembers({ corpId: stack.corpId, userids })
  const held = await stack.syncOnce()
  assert.equal(held.state, 'held')

  await tab.reload()
  const notice = tab.getByRole('alert').filter({ hasText: /removals of “总部” wait/ })
  await notice.waitFor()
  await tab.getByText('Held for approval').waitFor()
  await tab.getByRole('figure', { name: 'People by status' }).waitFor()
  await reads('overview-held')
  await notice.getByRole('link', { name: 'Look at the removals' }).click()
  await tab.waitForURL(stage.address(`/runs/${held.id}`))
  assert.ok((await stack.ask(listRuns, { params: { id: 'hq' }, query: {} })).items.some(({ id }) => id === held.id))

  // A refusal of the chart leads to those who were refused.
  await at('/')
  await tab.getByRole('link', { name: 'Wrong name or password' }).click()
  await tab.waitForURL(stage.address('/sign-ins?reason=password-wrong'))
  await tab.getByRole('radio').first().waitFor({ state: 'detached' })
})

walk('works by keyboard alone', async ({ tab, at, reads }) => {
  const focused = () => tab.locator(':focus')
  await at('/applications')
  await tab.reload() // nothing has the focus
  await tab.getByRole('heading', { level: 1 }).waitFor()
  await tab.getByRole('link', { name: 'Grafana' }).waitFor()

  await tab.keyboard.press('Tab')
  assert.equal(await focused().innerText(), 'Skip to the page')
  await tab.keyboard.press('Enter')
  await tab.keyboard.press('Tab')
  assert.equal(await focused().innerText(), 'Connect an application', 'straight past the navigation')

  await tab.reload()
  await tab.getByRole('link', { name: 'Grafana' }).waitFor()
  await tabTo(tab, 'Settings')
  await tab.keyboard.press('Enter')
  await tab.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
  await tabTo(tab, 'Administrators')
  await tab.keyboard.press('ArrowRight')
  await tab.keyboard.press('Enter')
  await tab.getByRole('button', { name: 'Create a token' }).waitFor()
  await tabTo(tab, 'Create a token')
  await tab.keyboard.press('Enter')

  await tab.getByRole('dialog', { name: 'Create a token' }).waitFor()
  await eventually('the first field waits', async () => (await focused().getAttribute('id')) === 'name')
  await tab.keyboard.type('by hand')
  await tab.keyboard.press('Tab')
  await tab.keyboard.press('ArrowUp')
  assert.ok(await tab.getByRole('radio', { name: /^Operator/ }).isChecked())
  await tab.keyboard.press('Escape')
  await tab.getByRole('dialog').waitFor({ state: 'detached' })
  await eventually('the focus is back', async () => (await focused().innerText()) === 'Create a token')

  await tab.keyboard.press('Enter')
  await eventually('the first field waits', async () => (await focused().getAttribute('id')) === 'name')
  await tab.keyboard.type('by hand')
  await tab.keyboard.press('Enter')
  await tab.getByRole('dialog', { name: 'by hand' }).waitFor()
  await reads('keyboard')
  await tabTo(tab, 'I have copied it')
  await tab.keyboard.press('Enter')
  await tab.getByRole('dialog').waitFor({ state: 'detached' })
  await tab.getByRole('row').filter({ hasText: 'by hand' }).waitFor()
  await eventually('the focus is back', async () => (await focused().innerText()) === 'Create a token')
})

walk('keeps their language and colours', async ({ tab, at, reads }) => {
  const brightness = () =>
    tab.getByRole('banner').evaluate((header) => {
      const page = globalThis as unknown as { getComputedStyle(element: unknown): { backgroundColor: string } }
      return Math.max(...page.getComputedStyle(header).backgroundColor.match(/\d+/g)!.slice(0, 3).map(Number))
    })
  await at('/')
  assert.ok((await brightness()) > 200)

  await tab.getByRole('button', { name: '中文' }).click()
  await tab.getByRole('heading', { level: 1, name: '概览' }).waitFor()
  await tab.getByRole('button', { name: '外观' }).click()
  await tab.getByRole('menuitem', { name: '深色' }).click()
  await tab.reload()
  await tab.getByRole('heading', { level: 1, name: '概览' }).waitFor()

  assert.ok((await brightness()) < 60)
  assert.equal(await tab.locator('html').getAttribute('lang'), 'zh-CN')
  await reads('overview-zh-dark')
})

interface Walk extends ConsoleVisit {
  at(path: string): Promise<void>
  /** A state worth looking at: nothing is in anybody's way. */
  reads(name: string): Promise<void>
}

/** The owner, in English on a wide screen. */
function walk(title: string, steps: (walked: Walk) => Promise<void>): void {
  test(`an owner ${title}`, { skip: withoutBrowser }, async () => {
    const { complaints } = owner
    await steps({
      ...owner,
      at: owner.open,
      async reads(name) {
        await owner.picture(`admin-${name}`)
        assert.deepEqual(await owner.barriersOnTheWay(), [], name)
      },
    })
    assert.deepEqual(complaints, [])
  })
}

/** What is chosen from a list that is searched by typing. */
async function choose(field: Locator, typed: string): Promise<void> {
  await field.fill(typed)
  const tab = field.page()
  await tab.locator('.ant-select-item-option').filter({ hasText: typed }).first().click()
  // The list of a field of several stays open.
  await tab.keyboard.press('Tab')
}

async function save(tab: Page): Promise<void> {
  await tab.getByRole('button', { name: 'Save' }).click()
  await tab.getByRole('status').filter({ hasText: 'Saved.' }).waitFor()
}

async function tabTo(tab: Page, text: string): Promise<void> {
  const passed: string[] = []
  for (let count = 0; count < 60; count++) {
    await tab.keyboard.press('Tab')
    const focused = tab.locator(':focus')
    const reached = (await focused.count()) === 0 ? '' : (await focused.innerText()).trim()
    // A tab says its place first.
    if (reached.replace(/^Tab \d+ of \d+\n/, '') === text) return
    passed.push(reached.slice(0, 40))
  }
  throw new Error(`no way to “${text}” by the tab key: ${passed.join(' → ')}`)
}

function jsonOf(text: string): string {
  return text.slice(text.indexOf('{'))
}

async function downloaded(tab: Page, link: string): Promise<string> {
  const waiting = tab.waitForEvent('download')
  await tab.getByRole('link', { name: link }).click()
  return readFileSync(await (await waiting).path(), 'utf8')
}

/** Fields of our own exports hold no line breaks; quotes are doubled. */
function csvRows(text: string): Record<string, string>[] {
  const lines = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split('\r\n')
  const [names = [], ...rows] = lines.map((line) =>
    Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
      quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
    ),
  )
  return rows.map((row) => Object.fromEntries(names.map((name, place) => [name, row[place]!])))
}

/**
 * Somebody signs in to the sample application in a browser of their own.
 * @returns what its userinfo request was answered; undefined when they did not get in
 */
async function tellsAbout(
  userid: string,
  { clientId, secret, port }: { clientId: string; secret: string; port: number },
): Promise<object | undefined> {
  const app = createSampleApp({ issuer: new URL(stage.stack.issuer), clientId, clientSecret: secret })
  const { url, close } = await app.listen(port)
  const { fetch } = globalThis
  let told: object | undefined
  globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (response.ok && String(input instanceof Request ? input.url : input).endsWith('/oidc/me'))
      told = (await response.clone().json()) as object
    return response
  }
  try {
    await using visit = await stage.visit()
    const { tab } = visit
    await tab.goto(`${url}/login`)
    const scan = tab.locator(`[data-scan="${userid}"]`)
    const end = tab.getByRole('heading', { level: 2 }).or(tab.getByRole('heading', { level: 1 }))
    await scan.or(end).first().waitFor()
    if ((await scan.count()) > 0) {
      await scan.click()
      await tab.waitForURL((address) => address.origin === url)
    }
    if (told !== undefined) assert.ok(await tab.getByText('Signed in as').isVisible())
    return told
  } finally {
    globalThis.fetch = fetch
    await close()
  }
}

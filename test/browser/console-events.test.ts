/**
 * Real time in the console, as an administrator goes about it: the callback is set up, changes are followed, and events say
 * what became of each. What fails is tried again, parked and replayed.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { getConnection, getUser, listEvents, listUsers, type Connection, type Event } from '@muster/contracts'
import type { Page } from 'playwright-core'
import { eventually } from '../eventually.ts'
import { withoutBrowser } from './chromium.ts'
import { setConsoleStage, type ConsoleStage, type ConsoleVisit } from './console-stage.ts'

let stage: ConsoleStage
let owner: ConsoleVisit
let tab: Page

const skip = withoutBrowser

before(async () => {
  if (withoutBrowser !== false) return
  stage = await setConsoleStage({
    people: 20,
    connection: { displayName: '总部企业微信', sync: { enabled: true, users: { onlyHere: 'disable' } } },
  })
  await stage.stack.syncOnce()
  owner = await stage.visitAs('owner')
  tab = owner.tab
})

after(async () => {
  await owner?.[Symbol.asyncDispose]()
  await stage?.[Symbol.asyncDispose]()
})

const read = (): Promise<Connection> => stage.stack.ask(getConnection, { params: { id: 'hq' } })
const button = (name: string | RegExp) =>
  tab.getByRole('button', { name: typeof name === 'string' ? new RegExp(`^(?:loading )?${name}$`) : name })
const field = (label: string) => tab.getByLabel(label, { exact: true })
const rowOf = (userid: string) => tab.getByRole('row').filter({ hasText: userid })

const secrets = { token: '', aesKey: '' }

/** Active people of the company who have a department below the root. */
function people() {
  const { members } = stage.stack.control.truth({ corpId: stage.stack.corpId })
  return members.filter(({ status, enable }) => status === 1 && enable !== 0)
}

async function eventAbout(userid: string, isWanted: (event: Event) => boolean): Promise<Event> {
  return eventually(`an event about ${userid} is as wanted`, async () => {
    const { items } = await stage.stack.ask(listEvents, { query: { q: userid } })
    return items.find(isWanted)
  })
}

test('real time cannot be switched on before there is a callback, and says so', { skip }, async () => {
  await tab.goto(stage.address('/connections/hq?tab=sync'))
  const box = tab.getByRole('checkbox', { name: 'Follow changes between runs' })
  await box.waitFor()
  assert.equal(await box.isDisabled(), true)
  assert.deepEqual(await owner.barriersOnTheWay(), [])

  await tab.getByRole('link', { name: 'Set up the callback' }).click()
  await field('URL that receives events').waitFor()
  assert.equal(await field('URL that receives events').inputValue(), `${stage.origin}/callback/wecom/hq`)
})

test('WeCom accepts what the page shows, and real time is switched on', { skip }, async () => {
  const { control, corpId } = stage.stack
  secrets.token = await field('Token').inputValue()
  secrets.aesKey = await field('EncodingAESKey').inputValue()
  await button('Make up others').click()
  assert.notEqual(await field('Token').inputValue(), secrets.token)
  await field('Token').fill(secrets.token)
  await field('EncodingAESKey').fill(secrets.aesKey)
  const entry = {
    corpId,
    agentId: 0,
    url: `${stage.origin}/callback/wecom/hq`,
    token: secrets.token,
    encodingAesKey: secrets.aesKey,
  }
  assert.equal((await control.setCallback(entry)).ok, false)
  await button('Save both').click()
  await tab.getByText('Saved. Enter both in WeCom now').waitFor()
  await owner.picture('callback')
  assert.equal((await control.setCallback(entry)).ok, true)

  await tab.goto(stage.address('/connections/hq?tab=sync'))
  await tab.getByRole('checkbox', { name: 'Follow changes between runs' }).check()
  const section = tab.locator('.ant-card').filter({ hasText: 'Real time' })
  await section.getByRole('button', { name: 'Save', exact: true }).click()
  await section.getByText('Saved.').waitFor()
  assert.equal((await read()).sync.realTime, true)
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('real-time')
})

test('an event appears by itself and says what became of it, with the way to the run', { skip }, async () => {
  const { control, corpId } = stage.stack
  await tab.goto(stage.address('/events'))
  await tab.getByText('No event yet.').waitFor()
  assert.deepEqual(await owner.barriersOnTheWay(), [])

  control.addMember({
    corpId,
    member: { userid: 'xinren', name: '新人', department: [1], mobile: '13800009999', status: 1 },
    unchecked: true,
  })
  await rowOf('xinren').getByText('Applied', { exact: true }).waitFor()
  await tab.getByRole('link', { name: 'Details of Member created xinren' }).click()
  const panel = tab.getByRole('dialog')
  await panel.getByText('create_user', { exact: true }).waitFor()
  await panel.getByText('The directory was changed:').waitFor()
  await owner.settled()
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('event')
  assert.equal(new URL(tab.url()).searchParams.has('event'), true)

  await panel.getByRole('link', { name: 'the run' }).click()
  await tab.waitForURL(/\/console\/runs\/run_/)
  await tab.getByText('WeCom event').first().waitFor()
  await tab.getByText('新人').first().waitFor()
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('event-run')

  const { items } = await stage.stack.ask(listUsers, { query: { q: 'xinren' } })
  assert.equal(items[0]?.status, 'active')
})

test('what changes nothing says so, and what is not synchronised says why', { skip }, async () => {
  const { control, corpId } = stage.stack
  const [one] = people()
  await tab.goto(stage.address('/events'))
  control.sendEvent({ corpId, agentId: 0, message: { ChangeType: 'update_user', UserID: one!.userid } })
  await rowOf(one!.userid).getByText('Was read again; nothing differed.').waitFor()

  control.changeTag({ corpId, tagid: 7, tagname: '值班', add: { userids: [one!.userid] } })
  await tab.getByText('Tags are not synchronised.').waitFor()
})

test('a delete event is followed after WeCom was asked by name', { skip }, async () => {
  const { control, corpId, ask } = stage.stack
  await rowOf('xinren').first().waitFor()
  control.removeMembers({ corpId, userids: ['xinren'] })
  await tab.getByText('Member deleted', { exact: true }).first().waitFor()
  await eventAbout('xinren', ({ type, state }) => type === 'delete_user' && state === 'applied')

  const { items } = await ask(listUsers, { query: { q: 'xinren' } })
  assert.deepEqual([items[0]?.status, items[0]?.disabledBy], ['disabled', 'source'])
})

test('what fails is named with its remedy and tried again, and a replay works it off', { skip }, async () => {
  const { control, corpId, ask } = stage.stack
  const other = people()[3]!
  control.addFault({ endpoint: 'user/get', effect: { kind: 'errcode', errcode: 60020 } })
  control.patchMember({ corpId, userid: other.userid, patch: { department: [1] } })
  const failed = await eventAbout(other.userid, ({ state }) => state === 'failed')
  await tab.goto(stage.address(`/events?state=failed&event=${failed.id}`))
  const panel = tab.getByRole('dialog')
  await panel.getByText('Failed, tried again').waitFor()
  await panel.getByText('What to do').waitFor()
  await owner.settled()
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('event-failed')

  control.clearFaults()
  await panel.getByRole('button', { name: 'Replay' }).click()
  await panel.getByText('Applied', { exact: true }).waitFor()
  await eventAbout(other.userid, ({ id, state }) => id === failed.id && state === 'applied')
  const { items } = await ask(listUsers, { query: { q: other.userid } })
  const user = await ask(getUser, { params: { id: items[0]!.id } })
  assert.equal(user.departments.filter(({ origin }) => origin === 'wecom').length, 1)
})

test('filters narrow the list, stand in the address, and are cleared together', { skip }, async () => {
  await tab.goto(stage.address('/events'))
  await rowOf('xinren').first().waitFor()
  await field('State').click()
  await tab.getByTitle('Nothing to do', { exact: true }).click()
  await rowOf('xinren').first().waitFor({ state: 'detached' })
  await tab.getByText('Tags are not synchronised.').waitFor()
  assert.equal(new URL(tab.url()).searchParams.get('state'), 'ignored')

  await button('Clear the filters').click()
  await field('Type').click()
  await tab.getByTitle('Member deleted', { exact: true }).click()
  await tab.waitForURL((url) => url.searchParams.get('type') === 'delete_user')
  await rowOf('xinren').waitFor()
  assert.equal(await tab.getByText('Tags are not synchronised.').count(), 0)
  await field('Search objects and types').fill('nobody')
  await field('Search objects and types').press('Enter')
  await tab.getByText('No event matches these filters.').waitFor()
  assert.deepEqual(await owner.barriersOnTheWay(), [])
})

test('an auditor reads events and replays none', { skip }, async () => {
  await using auditor = await stage.visitAs('auditor', {
    colorScheme: 'dark',
    locale: 'zh-CN',
    viewport: { width: 768, height: 1024 },
  })
  const { items } = await stage.stack.ask(listEvents, { query: {} })
  await auditor.open(`/events?event=${items[0]!.id}`)
  const panel = auditor.tab.getByRole('dialog')
  await panel.getByText('处理结果').waitFor()
  await auditor.settled()
  assert.equal(await panel.getByRole('button', { name: '重新处理' }).count(), 0)
  assert.deepEqual(await auditor.barriersOnTheWay(), [])
  await auditor.picture('auditor-event')
  assert.deepEqual(auditor.complaints, [])
})

test('nothing of all this has offended the policy of the pages', { skip }, () => {
  assert.deepEqual(owner.complaints, [])
})

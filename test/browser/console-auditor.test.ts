/**
 * What an auditor finds in a real Chromium: every page of the console opens, nothing on it changes anything, and the API
 * refuses whatever would. The pages are those of the router, so that none is forgotten.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  createAdministrator,
  createApiToken,
  createApplication,
  createConnection,
  createUser,
  diagnoseConnection,
  endpoints,
  listAudit,
  listEvents,
  listConnections,
  listReviews,
  listUsers,
  updateConnection,
  type Endpoint,
} from '@muster/contracts'
import type { Page } from 'playwright-core'
import { extent } from '../../server/test-support/extent.ts'
import { LISTENING, tellOfChanges } from '../listening.ts'
import { withoutBrowser } from './chromium.ts'
import { PASSWORD, setConsoleStage, type ConsoleStage, type ConsoleVisit } from './console-stage.ts'

const ROUTER = join(import.meta.dirname, '../../console/src/router.tsx')

/** What may stand on a page besides links, by role and name: it looks, filters, copies, exports or shows. */
const HARMLESS: readonly RegExp[] = [
  // Of the shell.
  /^button "(中文|Colours|Account of auditor|Menu)"$/,
  // Filters, searches and periods.
  /^(combobox|searchbox|textbox) "(Any|All|Search|Filter|From|To|Until|Userid or reference|Action, name or detail|Name or client ID|Name, pinyin)\b.*"$/,
  /^button "(search|Clear filters|Only .*)"$/,
  /^combobox "(Connection|Result|Started by|Status|Origin|About|Action|Outcome|State|Reason|Type)"$/,
  /^searchbox "(Name or userid|Name or id in WeCom|Department: name, pinyin or initials)"$/,
  // Numbers of a run, which narrow its table.
  /^button "[\d,]+ (Changed|Created|Updated|Held|Skipped|Failed|Unchanged)"( \[pressed\])?$/,
  /^button "(30 days|90 days)"( \[pressed\])?$/,
  // Copying, showing, and more of the same.
  /^button "(download )?Export"$/,
  /^button "Details \S/,
  // A question of the list, which opens beside it.
  /^button "\S+ E\d{6} /,
  /^button "(Copy|copy|Show|Show configuration|Hide|Show more|Expand row|Collapse row)"$/,
  /^button "Copy: /,
]

const PAGES_EACH = extent('quarters of the pages that an auditor opens', { everyday: 1, thorough: 4 })

const CONTROLS = /^(button|switch|checkbox|radio|textbox|searchbox|combobox|spinbutton|slider|menuitem)\b/

/** Not readings by their method, and still for everybody: they decide or look, and change nothing but one's own session. */
const OWN_OR_READING = ['confirmSession', 'previewClaims', 'previewSchedule', 'setUp', 'signOutSession']

let stage: ConsoleStage
let auditor: ConsoleVisit
/** Something to look at on every page that is about one thing, by the first word of its path. */
let ids: Readonly<Record<string, string>>

before(async () => {
  if (withoutBrowser !== false) return
  stage = await setConsoleStage({
    people: 40,
    connection: { displayName: '总部', sync: { enabled: true, users: { onlyHere: 'disable' } } },
  })
  const { stack } = stage
  const { ask } = stack
  // Somebody who is called like an administrator waits for a person, and so does a run that removes half of the people.
  const { members } = stack.control.truth({ corpId: stack.corpId })
  const boss = await ask(createUser, { body: { username: members[0]!.userid, displayName: '老板' } })
  await ask(createAdministrator, { body: { userId: boss.id, role: 'operator' } })
  await stack.syncOnce()
  const userids = members.slice(5, 30).map(({ userid }) => userid)
  stack.control.removeMembers({ corpId: stack.corpId, userids })
  const held = await stack.syncOnce()
  assert.equal(held.state, 'held')
  const [review] = (await ask(listReviews, {})).items
  await ask(diagnoseConnection, { params: { id: 'hq' } })
  await ask(createConnection, { body: { identifier: 'draft', displayName: '草稿' } })
  const application = await ask(createApplication, {
    body: { name: 'Grafana', redirectUris: ['https://grafana.corp.example/cb'], connections: ['hq'] },
  })
  const token = await ask(createApiToken, { body: { name: 'backup', role: 'owner' } })
  await ask(createUser, { body: { username: 'keeper', displayName: '值班', password: PASSWORD } })
  const [person] = (await ask(listUsers, { query: { q: members[1]!.userid } })).items
  await ask(updateConnection, { params: { id: 'hq' }, body: { callback: LISTENING.callback } })
  await tellOfChanges(stack.control, { corpId: stack.corpId, origin: stage.origin, connection: 'hq' })
  stack.control.patchMember({ corpId: stack.corpId, userid: person!.links[0]!.userid, patch: { position: '顾问' } })
  await stack.control.deliveriesSettled()
  const [event] = (await ask(listEvents, {})).items
  ids = {
    connections: 'hq',
    runs: held.id,
    people: person!.id,
    users: person!.id,
    reviews: review!.id,
    events: event!.id,
    applications: application.id,
    administrators: boss.id,
    'api-tokens': token.id,
    organizations: person!.organizationId,
    departments: person!.departments[0]!.departmentId,
    links: person!.links[0]!.id,
  }
  auditor = await stage.visitAs('auditor')
})

after(async () => {
  await auditor?.[Symbol.asyncDispose]()
  await stage?.[Symbol.asyncDispose]()
})

/** States of pages that have an address of their own. */
const further = ['/connections/new?step=kind', '/reviews?review=:review', '/reviews?state=all', '/runs?state=held']

const paths = [...readFileSync(ROUTER, 'utf8').matchAll(/\bpath: '([^']+)'/g)].map(([, path]) => path!)

test('the router has pages, and this test knows one thing for each that is about one', () => {
  assert.ok(paths.length > 10)
  assert.deepEqual(new Set(paths).size, paths.length)
})

for (const [index, path] of [...paths, ...further].entries()) {
  if (index % 4 >= PAGES_EACH) continue
  test(`an auditor opens ${path} and can change nothing there`, { skip: withoutBrowser }, async () => {
    const { tab } = auditor
    await auditor.open(filled(path))
    await changesNothing(path)

    // What is behind the tabs of the page, too.
    const tabs = tab.locator('#page').getByRole('tab')
    const names = await tabs.allInnerTexts()
    for (const [place, name] of names.entries()) {
      await tabs.nth(place).click()
      await auditor.settled()
      await changesNothing(`${path} ${name}`)
    }
    assert.deepEqual(auditor.complaints, [])
  })
}

test('the same look finds what an owner can change', { skip: withoutBrowser }, async () => {
  await using owner = await stage.visitAs('owner')
  await owner.tab.goto(stage.address('/settings'))
  await owner.tab.getByRole('row').filter({ hasText: '老板' }).waitFor()

  const found = await changingControls(owner.tab)

  for (const control of [
    'button "Give somebody a role"',
    'button "Change role: 老板"',
    'button "Take role away: 老板"',
  ])
    assert.ok(found.includes(control), `${control} in ${found.join(', ')}`)
})

test('what changes something is refused to the browser of an auditor', { skip: withoutBrowser }, async () => {
  const above = endpoints.filter(({ role }) => role === 'operator' || role === 'owner')
  assert.ok(above.length > 20)
  await auditor.tab.goto(stage.address())
  for (const endpoint of above) {
    const { status, code } = await callFromPage(endpoint)
    assert.deepEqual([status, code], [403, 'auth/forbidden'], `${endpoint.method} ${endpoint.path}`)
  }

  const others = endpoints.filter(({ role, method }) => method !== 'GET' && role !== 'operator' && role !== 'owner')
  assert.deepEqual(others.map(({ operationId }) => operationId).toSorted(), OWN_OR_READING)
  const [self] = (await stage.stack.ask(listUsers, { query: { q: 'auditor' } })).items
  const { items } = await stage.stack.ask(listAudit, { query: { actorId: self!.id } })
  assert.deepEqual([...new Set(items.map(({ action }) => action))], ['sign-in.succeed'])
  assert.equal((await stage.stack.ask(listConnections, {})).total, 2)
})

async function changesNothing(page: string): Promise<void> {
  assert.deepEqual(await changingControls(auditor.tab), [], page)
  await auditor.picture(`auditor${page.replaceAll(/[^\w]+/g, '-')}`)
  assert.deepEqual(await auditor.barriersOnTheWay(), [], page)
}

/** What can be pressed or filled in on a page and is not known to be harmless, by role and name. */
async function changingControls(tab: Page): Promise<string[]> {
  const tree = await tab.locator('body').ariaSnapshot()
  const controls = tree
    .split('\n')
    .map(controlOf)
    .filter((line) => CONTROLS.test(line) && !line.includes('[disabled]'))
  // A field with a button that copies it is there to be read.
  const copied = new Set(
    controls.map((line) => /^button "Copy: (.*)"$/.exec(line)?.[1]).map((name) => `textbox "${name}"`),
  )
  return controls.filter((line) => !copied.has(line) && !HARMLESS.some((harmless) => harmless.test(line)))
}

/** Role, name and states of a line of the snapshot, which is YAML: a key with a colon in it stands in quotes. */
function controlOf(line: string): string {
  const key = line.replace(/^\s*- /, '')
  const [, quoted] = /^'((?:[^']|'')*)'/.exec(key) ?? []
  const text = quoted?.replaceAll("''", "'") ?? key
  return /^\w+(?: "(?:[^"\\]|\\.)*")?(?: \[[^\]]*\])*/.exec(text)?.[0] ?? ''
}

/** An address with something real in it. */
function filled(path: string): string {
  return path.replace(':review', ids['reviews']!).replaceAll(/\/([\w-]+)\/[$:]id\b/g, (_, area: string) => {
    const id = ids[area]
    assert.ok(id !== undefined, `nothing is known to put into ${path}`)
    return `/${area}/${id}`
  })
}

/** As a script of the console would: with the cookie, the origin and all that browsers say by themselves. */
function callFromPage({ method, path, consumes }: Endpoint): Promise<{ status: number; code: string }> {
  const address = `/api/v1${filled(path).replaceAll(/:\w+/g, 'none')}`
  const type = consumes?.[0] ?? 'application/json'
  return auditor.tab.evaluate(
    async ([method, address, type]) => {
      const page = globalThis as unknown as { fetch(address: string, init: RequestInit): Promise<Response> }
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{}', headers: { 'content-type': type } }
      const response = await page.fetch(address, { method, ...body })
      const { code } = (await response.json()) as { code: string }
      return { status: response.status, code }
    },
    [method, address, type] as const,
  )
}

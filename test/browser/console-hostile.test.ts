/**
 * Two hundred hostile names wherever a name can stand, and every page of the console and of signing in looked at with them:
 * nothing of them runs, no link leads into a script, nothing outside of a name turns its direction, and the policy has
 * nothing to refuse.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listReviews, listSignIns } from '@muster/contracts'
import type { Page } from 'playwright-core'
import { createVisitor } from '../visitor.ts'
import { extent } from '../../server/test-support/extent.ts'
import { withoutBrowser } from './chromium.ts'
import { placesOf, type Place } from './console-places.ts'
import { PASSWORD, setConsoleStage, type ConsoleStage, type ConsoleVisit } from './console-stage.ts'
import { fillWithHostileNames, REDIRECT_URI, type HostileCompany } from './hostile-company.ts'
import { HOSTILE_NAMES } from './hostile-names.ts'

/** Pages of people and departments, all of which are drawn by the same code; every one of them with 200 rounds. */
const EACH =
  Number(process.env['MUSTER_TEST_ROUNDS'] ?? 0) >= 200
    ? Infinity
    : extent('people, departments and applications that are opened', { everyday: 1, thorough: 3 })
const LOCALES = ['en', 'zh-CN'] as const
/** In one language, every second page in the other one, or in both. */
const LANGUAGES_EACH = extent('languages of each page', { everyday: 1, thorough: 2 })
/** Of four things that open a dialog or a list, so many are pressed. */
const OPENERS_EACH = extent('quarters of the dialogs and lists that open', { everyday: 1, thorough: 4 })
/** So far a long list is scrolled. */
const SCREENS = 6

/** Those that are written as they are: what would turn direction is spelled out instead. */
const READABLE = HOSTILE_NAMES.filter((name) => !/[\p{Bidi_Control}\p{Cc}]/u.test(name))

/** What opens a dialog or a list on which there are names, by the place, each by what it begins with in English. */
const OPENERS: readonly (readonly [place: RegExp, openers: readonly string[]])[] = [
  [/^connections$|^wizard-identity$/, ['.ant-select']],
  [/^connection-general$/, ['Remove the connection']],
  [/^connection-services$/, ['Disable']],
  [/^runs$/, ['Start a run', '.ant-select']],
  [/^run-3-held$/, ['Approve…', 'Reject…', 'Details']],
  [/^run-0/, ['Undo the run…', 'Export']],
  [/^run-2/, ['Details', 'Run again']],
  [/^people$/, ['New built-in user', '.ant-select']],
  [/^people-/, ['New department']],
  [/^person-bearer$/, ['Change memberships', 'Edit', 'Disable', 'More']],
  [/^person-0-access$/, ['Link to a member', 'Remove link']],
  [/^person-bearer-timeline$/, ['Before and after']],
  [/^review-/, ['Link to', 'Ignore', 'Create']],
  [/^sign-ins$|^audit$/, ['.ant-select', 'Details']],
  [/^applications$/, ['Connect an application', 'New application']],
  [/^application-0$/, ['Delete', '.ant-select']],
  [/^settings-administrators$/, ['Give somebody a role', 'Change', 'Remove']],
  [/^settings-tokens$/, ['Create a token', 'Delete']],
  [/^settings-organizations$/, ['Create an organization', 'Rename', 'Delete']],
]

describe('hostile names', { skip: withoutBrowser }, () => {
  let stage: ConsoleStage
  let company: HostileCompany
  let places: readonly Place[]
  const seenInAnyLanguage = new Set<string>()

  before(async () => {
    stage = await setConsoleStage({
      people: 2,
      connection: {
        displayName: '"><img src=x onerror=window.taken=201>{{name}}\u202E',
        sync: { enabled: true, users: { onlyHere: 'disable' } },
      },
    })
    company = await fillWithHostileNames(stage)
    await signInAndFail(stage)
    const { items: reviews } = await stage.stack.ask(listReviews, { query: { limit: 2 } })
    assert.deepEqual(
      company.runs.map(({ state }) => state),
      ['partially_succeeded', 'failed', 'partially_succeeded', 'held'],
    )
    places = placesOf({
      connection: 'hq',
      runs: Object.fromEntries(company.runs.map(({ state, id }, index) => [`${index}-${state}`, id])),
      people: { bearer: company.bearer, ...numbered(company.people) },
      applications: numbered(company.applications),
      departments: numbered(company.departments),
      reviews: numbered(reviews.map(({ id }) => id)),
    })
  })
  after(() => stage?.[Symbol.asyncDispose]())

  for (const [turn, locale] of LOCALES.entries()) {
    test(`are names and nothing else on every page of the console, in ${locale}`, async (t) => {
      await using visit = await stage.visitAs('owner', {
        locale,
        viewport: { width: 1024, height: 900 },
      })
      await visit.tab.context().addInitScript({ path: ATTACKED })
      await visit.tab.reload()
      const watch = watched(visit)

      const looked = places.filter((_, index) => (index + turn) % LOCALES.length < LANGUAGES_EACH)
      for (const place of looked) {
        await visit.open(place.path)
        await watch.look(place.name)
        const { pathname } = new URL(visit.tab.url())
        assert.equal(pathname, new URL(stage.address(place.path)).pathname, place.name)
      }

      t.diagnostic(`${looked.length} pages, ${watch.seen.size} of ${READABLE.length} names read`)
      assert.deepEqual(watch.found, [])
      for (const name of watch.seen) seenInAnyLanguage.add(name)
      const isWhole = LANGUAGES_EACH === LOCALES.length
      if (isWhole || turn === LOCALES.length - 1) {
        const seen = isWhole ? watch.seen : seenInAnyLanguage
        assert.deepEqual(
          READABLE.filter((name) => !seen.has(name)),
          [],
          'every name was on some page',
        )
      }
    })
  }

  test('and in the dialogs and lists that open on them', async (t) => {
    await using visit = await stage.visitAs('owner')
    const { tab } = visit
    await tab.context().addInitScript({ path: ATTACKED })
    await tab.reload()
    const watch = watched(visit)
    const unopened: string[] = []
    let opened = 0
    let known = 0
    let shown = ''

    for (const { name, path } of places) {
      for (const opener of OPENERS.flatMap(([place, openers]) => (place.test(name) ? openers : []))) {
        if (known++ % 4 >= OPENERS_EACH) continue
        if (path !== shown || !(await closes(tab))) {
          // The same page is only drawn anew by loading it anew.
          if (new URL(stage.address(path)).pathname === new URL(tab.url()).pathname) await tab.goto('about:blank')
          await visit.open(path)
          shown = path
        }
        const found = opener.startsWith('.')
          ? tab.locator(`#page ${opener}`)
          : tab.locator('#page').getByRole('button', { name: new RegExp(`^${opener}`) })
        if ((await found.count()) === 0) {
          unopened.push(`${name}: ${opener}`)
          continue
        }
        await found.first().click()
        await watch.look(`${name}, ${opener}`)
        opened++
      }
    }

    t.diagnostic(`${opened} opened; not there: ${unopened.join('; ')}`)
    assert.deepEqual(watch.found, [])
    assert.ok(opened >= (OPENERS_EACH === 1 ? 6 : EACH === 1 ? 25 : 35), `${opened} opened`)
  })

  test('and on the pages of signing in, of an account and of signing out', async (t) => {
    await using visit = await stage.visit({ locale: 'zh-CN', viewport: { width: 768, height: 900 } })
    const { tab } = visit
    await tab.context().addInitScript({ path: ATTACKED })
    const watch = watched(visit)

    for (const { name, username } of company.accounts) {
      await tab.context().clearCookies()
      for (const clientId of company.clientIds.slice(0, 2)) {
        await tab.goto(authorizeAddress(stage.stack.issuer, clientId))
        await watch.look(`sign-in for ${name}`)
      }
      await tab.goto(`${stage.origin}/signin/start?return_to=/account`)
      await watch.look('sign-in')
      const folded = tab.locator('details:not([open]):has(input[name="username"]) > summary')
      if ((await folded.count()) > 0) await folded.click()
      await tab.locator('input[name="username"]').fill(username)
      await tab.locator('input[type="password"]').fill(PASSWORD)
      await tab.keyboard.press('Enter')
      await tab.waitForURL((url) => url.pathname === '/account')
      await watch.look(`account of ${name}`)
      await tab.goto(`${stage.origin}/oidc/session/end`)
      await watch.look(`end of the session of ${name}`)
    }

    t.diagnostic(`${watch.seen.size} names read`)
    assert.deepEqual(
      // Chromium says of the panel that WeCom's own pages are somewhere else here.
      watch.found.filter((problem) => !/asked http:\/\/(?:localhost|127\.0\.0\.1):/.test(problem)),
      [],
    )
  })

  test('are no formulas in files that a spreadsheet opens', async () => {
    const files = [
      '/api/v1/audit?format=csv',
      '/api/v1/sign-ins?format=csv',
      ...company.runs.map(({ id }) => `/api/v1/runs/${id}/changes?format=csv`),
    ]
    let formulas = 0
    for (const file of files) {
      const { status, text } = await stage.stack.send(file)
      assert.equal(status, 200, file)
      for (const cell of cells(text)) {
        assert.doesNotMatch(cell, /^[\s\p{Cc}]*[=+\-@＝＋－＠]/u, file)
        if (/^'[\s\p{Cc}]*[=+\-@＝＋－＠]/u.test(cell)) formulas++
      }
    }
    assert.ok(formulas >= 40, `${formulas} formulas were made texts`)
  })
})

/** What was opened goes away by a key. @returns whether it did: some questions wait for an answer */
async function closes(tab: Page): Promise<boolean> {
  const opened = tab.locator('[role="dialog"]:visible, [role="menu"]:visible, .ant-select-dropdown:visible')
  if ((await opened.count()) > 0) await tab.keyboard.press('Escape')
  try {
    await opened.first().waitFor({ state: 'hidden', timeout: 1_000 })
    return true
  } catch {
    return false
  }
}

const ATTACKED = join(import.meta.dirname, 'attacked.js')

function numbered(ids: readonly string[]): Record<string, string> {
  const step = Math.max(1, Math.floor(ids.length / EACH))
  return Object.fromEntries(ids.filter((_, index) => index % step === 0).map((id, index) => [String(index), id]))
}

/** Looks at whatever a visit shows, from its top to its end, and keeps what is wrong and which names were to be read. */
function watched(visit: ConsoleVisit) {
  const { tab, complaints } = visit
  const seen = new Set<string>()
  const found: string[] = []
  let complained = complaints.length
  return {
    seen,
    found,
    async look(name: string): Promise<void> {
      const told = new Set<string>()
      for (let screen = 0; screen < SCREENS; screen++) {
        await visit.settled()
        const read = await tab.evaluate<string[]>(`attacked.seen(${JSON.stringify(READABLE)})`)
        const before = seen.size
        for (const one of read) seen.add(one)
        for (const problem of await tab.evaluate<string[]>('attacked.problems()')) told.add(problem)
        // On and on only where there is something new.
        if (seen.size === before || !(await tab.evaluate<boolean>('attacked.scrollOn()'))) break
      }
      for (const complaint of complaints.slice(complained)) told.add(complaint)
      complained = complaints.length
      for (const problem of told) found.push(`${name}: ${problem}`)
    },
  }
}

function authorizeAddress(issuer: string, clientId: string): string {
  const parameters = {
    client_id: clientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT_URI,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    nonce: 'n',
    state: 's',
  }
  return `${issuer}/auth?${new URLSearchParams(parameters).toString()}`
}

/** The cells of a file of comma-separated values (RFC 4180). */
function cells(text: string): string[] {
  return [...text.matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  )
}

/** People who come in, and people who do not, for the log of sign-ins. */
async function signInAndFail({ stack, origin }: ConsoleStage): Promise<void> {
  const { control, corpId } = stack
  const start = `${origin}/signin/start?return_to=/account`
  control.patchMember({ corpId, userid: 'h002', patch: { status: 2 }, unchecked: true })
  for (const userid of ['h001', 'h002', 'h003', 'h020']) {
    await using visitor = createVisitor({ onAddress: stack.scansAs(userid) })
    if (userid === 'h003') {
      control.addFault({
        endpoint: 'auth/getuserinfo',
        effect: { kind: 'errcode', errcode: 40029, errmsg: HOSTILE_NAMES[5]! },
      })
    }
    await visitor.follow(stack.hrefIn(await visitor.follow(start), '/go?connection=hq'))
    control.clearFaults()
  }
  for (const username of ['<img/src=x/onerror=window.taken=202>', '{{name}}', '__proto__', '=1+1']) {
    await using visitor = createVisitor()
    const page = await visitor.follow(start)
    await visitor.submit(page, '/password', { username, password: PASSWORD })
  }
  const { total } = await stack.ask(listSignIns, {})
  assert.ok(total >= 4, `${total} sign-ins`)
}

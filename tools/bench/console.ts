/**
 * `./muster bench console`: how the directory pages of the console feel with a large company, in a real Chromium, beside
 * the same walk with a small one in the same run. "Smooth" is that size does not show: the ratio is what counts.
 *
 * A walk is what an administrator does: open the people, type a name, look at somebody, go back, scroll through some
 * thousand rows, open the tree and scroll through it. Timed from the key or click to what it is for being visible.
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { call, createAdministrator, createConnection, createUser, listDepartments, listUsers } from '@muster/contracts'
import type { Transport } from '@muster/contracts'
import type { Page } from 'playwright-core'
import { setTimeout as delay } from 'node:timers/promises'
import type { SettingsPatch } from '../../emulator/src/index.ts'
import { startEmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import { startChromium, withoutBrowser } from '../../test/browser/chromium.ts'
import { freePort } from '../free-port.ts'
import { createEmptyDatabase, type DatabaseKind } from './databases.ts'
import { startServer } from './server.ts'
import { describeMachine, NO_LIMITS, onEachDatabase, runToItsEnd, steer, thisMachine } from './surroundings.ts'
import type { Machine, Place } from './surroundings.ts'

export type ConsoleBenchmark = {
  readonly machine: Machine
  readonly results: readonly ConsoleResult[]
  readonly problems: readonly string[]
  readonly skipped: readonly string[]
}

export type ConsoleResult = {
  readonly database: DatabaseKind
  readonly people: number
  readonly departments: number
  /** In the order of the walk. */
  readonly steps: readonly Step[]
}

/** Milliseconds: the median of the walks. */
export type Step = { readonly name: string; readonly ms: number }

const SMALL = 1_000
const WALKS = 3
const PASSWORD = 'correct horse battery 7'
const SYNC_TIMEOUT_MS = 10 * 60_000
const SETTLE_TIMEOUT_MS = 5 * 60_000
/** How far the table is scrolled: some twenty pages of a hundred people. */
const SCROLLS = 150
const SCROLL_PIXELS = 700

export async function benchConsole({
  people,
  databases,
  searchPath,
  signal,
  onProgress,
}: {
  /** Of the large company. */
  people: number
  databases: readonly DatabaseKind[]
  searchPath: string
  signal: AbortSignal
  onProgress: (line: string) => void
}): Promise<ConsoleBenchmark> {
  const machine = thisMachine()
  if (withoutBrowser !== false) return { machine, results: [], problems: [], skipped: [withoutBrowser] }
  await import('../../console/build.ts')
  const results: ConsoleResult[] = []
  const skipped = await onEachDatabase({ databases, searchPath, signal }, async (place) => {
    for (const size of [SMALL, people]) {
      const result = await measure(place, size, signal, (line) => onProgress(`${place.kind}, ${size}: ${line}`))
      results.push(result)
    }
  })
  return { machine, results, problems: [], skipped }
}

async function measure(
  { kind, home, folder }: Place,
  people: number,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<ConsoleResult> {
  await using parts = new AsyncDisposableStack()
  const emulator = await startEmulatorProcess(people)
  parts.defer(() => emulator.stop())
  const database = await createEmptyDatabase(kind, home)
  parts.defer(() => database.remove())
  const port = await freePort()
  const origin = `http://localhost:${port}`
  await steer(emulator, 'changeSettings', { limits: NO_LIMITS } satisfies SettingsPatch)
  const server = await startServer({
    dataDir: mkdtempSync(join(folder, 'data-')),
    settings: {
      MUSTER_DATABASE_URL: database.url,
      MUSTER_LISTEN: `127.0.0.1:${port}`,
      MUSTER_PUBLIC_URL: origin,
      MUSTER_WECOM_API_URL: emulator.apiUrl,
      MUSTER_WECOM_CALLS_PER_MINUTE: '1000000',
    },
    profile: undefined,
    signal,
  })
  parts.defer(() => server.stop())
  const { api } = server
  const { corpId, app } = emulator.company
  await call(
    createConnection,
    { body: { identifier: 'bench', corpId, agentId: app.agentId, secret: app.secret, sync: { enabled: true } } },
    api,
  )
  await runToItsEnd(api, 'bench', AbortSignal.any([signal, AbortSignal.timeout(SYNC_TIMEOUT_MS)]))
  const { items: departments, total } = await call(listDepartments, { query: { limit: 500 } }, api)
  await searchIsReady(api, AbortSignal.any([signal, AbortSignal.timeout(SETTLE_TIMEOUT_MS)]))
  const owner = await call(createUser, { body: { username: 'bench', displayName: 'bench', password: PASSWORD } }, api)
  await call(createAdministrator, { body: { userId: owner.id, role: 'owner' } }, api)
  onProgress('synchronized')

  const browser = await startChromium()
  parts.defer(() => browser.close())
  const page = await browser.newPage({ locale: 'en', viewport: { width: 1440, height: 900 } })
  await page.goto(`${origin}/signin/start?return_to=/console/`)
  await page.locator('input[name="username"]').fill('bench')
  await page.locator('input[type="password"]').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.locator('#page').waitFor()

  const root = departments.find(({ parentId }) => parentId === null)!
  const walks: Step[][] = []
  for (let walk = 1; walk <= WALKS; walk++) {
    signal.throwIfAborted()
    walks.push(await walkOnce(page, origin, root.name))
    onProgress(
      `walk ${walk}: ${walks
        .at(-1)!
        .map(({ name, ms }) => `${name} ${ms.toFixed(0)}`)
        .join(', ')} ms`,
    )
  }
  const steps = walks[0]!.map(({ name }, place) => ({ name, ms: median(walks.map((walk) => walk[place]!.ms)) }))
  return { database: kind, people, departments: total, steps }
}

async function walkOnce(page: Page, origin: string, root: string): Promise<Step[]> {
  const steps: Step[] = []
  const timed = async (name: string, work: () => Promise<unknown>) => {
    const startedAt = performance.now()
    await work()
    steps.push({ name, ms: performance.now() - startedAt })
  }
  const person = page.locator('a[href*="/people/usr_"]')
  const search = page.getByLabel('Name, pinyin, initials')

  await page.goto(`${origin}/console/`)
  await page.locator('#page').waitFor()
  await timed('people: first rows', async () => {
    await page.locator('nav a[href$="/console/people"], aside a[href$="/console/people"]').first().click()
    await person.first().waitFor()
  })
  const before = await person.first().getAttribute('href')
  await timed('people: found by pinyin', async () => {
    await search.fill('wangwei')
    await person
      .first()
      .and(page.locator(`:not([href="${before}"])`))
      .waitFor()
  })
  await timed('person: the whole page', async () => {
    await person.first().click()
    await page.getByRole('tab', { name: 'Timeline' }).waitFor()
    await page.getByText('WeCom · bench').first().waitFor()
  })
  await page.goBack()
  await search.fill('')
  await person
    .first()
    .and(page.locator(`[href="${before}"]`))
    .waitFor()
  const table = page.locator('.ant-table-tbody-virtual-holder')
  steps.push(...(await scrolled(page, 'people: a frame while scrolling', table)))
  await timed('tree: a branch opened', async () => {
    const row = page.getByRole('treeitem', { name: root }).first()
    await row.click()
    await page.keyboard.press('ArrowRight')
    await page.locator('[role="treeitem"][aria-level="2"]').first().waitFor()
  })
  return steps
}

/** The usual and the slow frame: half of them, and 95 of 100, take less. */
async function scrolled(page: Page, name: string, place: ReturnType<Page['locator']>): Promise<Step[]> {
  await place.hover()
  await page.evaluate(`globalThis.frames_ = []; (function next(last) {
    requestAnimationFrame((now) => { if (!globalThis.frames_) return; if (last) globalThis.frames_.push(now - last); next(now) })
  })(0)`)
  for (let count = 0; count < SCROLLS; count++) await page.mouse.wheel(0, SCROLL_PIXELS)
  const frames = await page.evaluate<number[]>(
    '(() => { const all = globalThis.frames_; globalThis.frames_ = undefined; return all })()',
  )
  const sorted = frames.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return [
    { name: `${name}, median`, ms: at(0.5) },
    { name: `${name}, p95`, ms: at(0.95) },
  ]
}

/** What searching looks at is made in the background after a run. */
async function searchIsReady(api: Transport, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { total } = await call(listUsers, { query: { q: 'wangwei', limit: 1 } }, api)
    if (total > 0) return
    await delay(500, undefined, { signal })
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Markdown. Pure. */
export function describeConsoleBenchmark({ machine, results, skipped }: ConsoleBenchmark): string {
  const lines = [
    describeMachine(machine),
    '',
    `The directory pages in Chromium, on the same machine as the server. Ratio: by the same walk with ${SMALL.toLocaleString('en')} people.`,
    '',
    '| database | people | departments | step | ms | ratio |',
    '| --- | ---: | ---: | --- | ---: | ---: |',
  ]
  for (const { database, people, departments, steps } of results) {
    const small = results.find((one) => one.database === database && one.people === SMALL)
    for (const { name, ms } of steps) {
      const floor = small?.steps.find((step) => step.name === name)?.ms ?? Number.NaN
      const ratio = people === SMALL ? '' : (ms / floor).toFixed(2)
      lines.push(
        `| ${database} | ${people.toLocaleString('en')} | ${departments.toLocaleString('en')} | ${name} | ${ms.toFixed(0)} | ${ratio} |`,
      )
    }
  }
  if (skipped.length > 0) lines.push('', 'Not measured:', '', ...skipped.map((reason) => `- ${reason}`))
  return `${lines.join('\n')}\n`
}

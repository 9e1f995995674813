/**
 * What tests of the console share in a real Chromium: a server with the console of this work tree, the emulator behind it,
 * and people with a role who are signed in by password. On SQLite only: what browsers do depends on no database.
 *
 *     await using stage = await setConsoleStage({ people: 60 })
 *     await using visit = await stage.visitAs('owner', { locale: 'en' })
 *     await visit.tab.goto(stage.address('/connections'))
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createAdministrator, createUser, type Role } from '@muster/contracts'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { extent } from '../../server/test-support/extent.ts'
import { eventually } from '../eventually.ts'
import { startProviderStack } from '../provider-stack.ts'
import { temporaryFolder } from '../server.ts'
import type { StackOptions } from '../stack.ts'
import { startChromium } from './chromium.ts'

export const PASSWORD = 'correct horse battery 7'

/** Pictures of the way go here, to be looked at. */
const FOLDER = process.env['MUSTER_TEST_SCREENSHOTS']

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type ConsoleStage = Awaited<ReturnType<typeof setConsoleStage>>

export interface ConsoleVisit extends AsyncDisposable {
  readonly tab: Page
  /** Errors of the page, refusals of its policy, and whatever it asked of another origin. Empty when all is well. */
  readonly complaints: readonly string[]
  /**
   * Goes to a page of the console as a link on it does, which costs a third of loading everything anew, and waits until the
   * page shows all that it has. The first one is loaded.
   */
  open(path: string): Promise<void>
  /** Waits until the page asks for nothing more and shows what it got. */
  settled(): Promise<void>
  /** What is seriously wrong for people who use a keyboard or a screen reader, by axe. Empty when nothing is. */
  barriers(): Promise<string[]>
  /** The same for whoever is on the way somewhere; on an everyday run not at every place. */
  barriersOnTheWay(): Promise<string[]>
  /** A picture, where MUSTER_TEST_SCREENSHOTS names a folder. */
  picture(name: string): Promise<void>
}

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>

/** What a page has that no program of Node has. */
interface PolicedPage {
  readonly tellViolation: (text: string) => void
  readonly document: {
    addEventListener(
      type: 'securitypolicyviolation',
      listener: (violation: { effectiveDirective: string; blockedURI: string; sample: string }) => void,
    ): void
  }
}

/** Run in the page: as whoever follows a link to this address, until the router has drawn its page. */
async function followLink(address: string): Promise<void> {
  const page = globalThis as unknown as {
    readonly history: { pushState(state: object, title: string, address: string): void }
    /** Not there yet just after a page was loaded. */
    readonly __TSR_ROUTER__?: {
      readonly state: { status: string; location: { href: string }; resolvedLocation?: { href: string } }
    }
    requestAnimationFrame(go: () => void): void
  }
  const frame = () => new Promise<void>((go) => page.requestAnimationFrame(go))
  /** What is drawn, once it is whole. */
  const drawn = () => {
    const state = page.__TSR_ROUTER__?.state
    const isWhole = state?.status === 'idle' && state.resolvedLocation?.href === state.location.href
    return isWhole ? state.resolvedLocation : undefined
  }
  let frames = 0
  for (; drawn() === undefined && frames < 2_000; frames++) await frame()
  const before = drawn()
  page.history.pushState({}, '', address)
  for (; frames < 2_000; frames++) {
    await frame()
    const now = drawn()
    if (now !== undefined && now !== before) return
  }
  throw new Error(`waited in vain until ${address} was drawn`)
}

/** Of so many places on a way, so many are looked at for barriers; console-access.test.ts looks at every page. */
const PLACES_ON_A_WAY = 4
let closeLooks: number | undefined
let placesPassed = 0

export async function setConsoleStage(options: StackOptions = {}) {
  await import('../../console/build.ts')
  const parts = new AsyncDisposableStack()
  try {
    const folder = temporaryFolder()
    parts.defer(() => folder.remove())
    const stack = parts.use(await startProviderStack(`sqlite:${join(folder.path, 'muster.db')}`, options))
    const origin = new URL(stack.issuer).origin
    const browser = await startChromium()
    parts.defer(() => browser.close())

    async function visit(options: BrowserContextOptions = {}): Promise<ConsoleVisit> {
      // Without motion, so that colours and places are the ones that stay; `reducedMotion: 'no-preference'` shows it.
      const context = await browser.newContext({
        locale: 'en',
        viewport: { width: 1440, height: 900 },
        reducedMotion: 'reduce',
        ...options,
      })
      context.setDefaultTimeout(15_000)
      const complaints: string[] = []
      // What the policy refuses without a word, too: a probe of eval, an event handler in an attribute.
      await context.exposeBinding('tellViolation', (_source, text: string) => void complaints.push(text))
      await context.addInitScript(() => {
        const page = globalThis as unknown as PolicedPage
        page.document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sample }) => {
          page.tellViolation(`policy: ${effectiveDirective} ${blockedURI} ${sample}`)
        })
      })
      context.on('weberror', (error) => void complaints.push(String(error.error())))
      context.on('console', (message) => {
        // A refused request of the page is what tests are about; they look at what the page says of it.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
          complaints.push(message.text())
      })
      context.on('request', (request) => {
        const { origin: asked, protocol } = new URL(request.url())
        if (protocol.startsWith('http') && asked !== origin && !request.isNavigationRequest())
          complaints.push(`asked ${asked}`)
      })
      context.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      let waiting = 0
      context.on('request', () => waiting++)
      context.on('requestfinished', () => waiting--)
      context.on('requestfailed', () => waiting--)
      const tab = await context.newPage()
      const settled = async () => {
        // Twice in a row, because an answer may make the page ask again.
        let quiet = 0
        await eventually(`${tab.url()} had all that it asked for`, async () => {
          await tab.evaluate(
            'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))))',
          )
          const isPending = await tab.locator('.ant-skeleton:visible, .ant-spin-spinning:visible').count()
          quiet = waiting === 0 && isPending === 0 ? quiet + 1 : 0
          return quiet > 1
        })
      }
      const barriers = async () => {
        // A colour that is still on its way to another one is nobody's contrast.
        await tab.evaluate(
          `Promise.allSettled(document.getAnimations()
            .filter(({ playState, effect }) => playState === 'running' && effect?.getComputedTiming().activeDuration < 5000)
            .map(({ finished }) => finished))`,
        )
        if (!(await tab.evaluate<boolean>("'axe' in globalThis"))) await tab.evaluate(AXE)
        return tab.evaluate(async () => {
          const { axe } = globalThis as unknown as {
            axe: { run: (options: object) => Promise<{ violations: Violation[] }> }
          }
          interface Violation {
            id: string
            impact: string
            help: string
            nodes: { html: string }[]
          }
          const { violations } = await axe.run({ resultTypes: ['violations'] })
          return violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
        })
      }
      return {
        tab,
        complaints,
        settled,
        async open(path) {
          const address = `/console${path}`
          if (tab.url().startsWith(`${origin}/console/`)) await tab.evaluate(followLink, address)
          else await tab.goto(origin + address)
          await tab.getByRole('heading', { level: 1 }).waitFor()
          await settled()
        },
        barriers,
        async barriersOnTheWay() {
          closeLooks ??= extent('looks for barriers at places on a way', { everyday: 1, thorough: PLACES_ON_A_WAY })
          return placesPassed++ % PLACES_ON_A_WAY < closeLooks ? barriers() : []
        },
        async picture(name) {
          if (FOLDER === undefined) return
          mkdirSync(FOLDER, { recursive: true })
          await tab.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true })
        },
        [Symbol.asyncDispose]: () => context.close(),
      }
    }

    const made = new Set<Role>()
    /** The cookies of whoever has signed in by the page, for later visits. */
    const signedIn = new Map<Role, Cookies>()
    return {
      stack,
      origin,
      address: (path = '/') => `${origin}/console${path}`,
      /** Nobody is signed in. */
      visit,
      /** Somebody of this role, who is called like it, in front of the overview. */
      async visitAs(role: Role, options: BrowserContextOptions = {}): Promise<ConsoleVisit> {
        if (!made.has(role)) {
          made.add(role)
          const user = await stack.ask(createUser, { body: { username: role, displayName: role, password: PASSWORD } })
          await stack.ask(createAdministrator, { body: { userId: user.id, role } })
        }
        const visitor = await visit(options)
        const cookies = signedIn.get(role)
        if (cookies !== undefined) await visitor.tab.context().addCookies(cookies)
        await visitor.tab.goto(`${origin}${cookies === undefined ? '/signin/start?return_to=' : ''}/console/`)
        if (cookies !== undefined) {
          await visitor.tab.locator('#page').waitFor()
          return visitor
        }
        // Where WeCom is offered first, the form is folded up.
        const folded = visitor.tab.locator('details:not([open]):has(input[name="username"]) > summary')
        if ((await folded.count()) > 0) await folded.click()
        await visitor.tab.locator('input[name="username"]').fill(role)
        await visitor.tab.locator('input[type="password"]').fill(PASSWORD)
        await visitor.tab.keyboard.press('Enter')
        await visitor.tab.locator('#page').waitFor()
        assert.equal(new URL(visitor.tab.url()).pathname, '/console/')
        signedIn.set(role, await visitor.tab.context().cookies())
        return visitor
      },
      [Symbol.asyncDispose]: () => parts.disposeAsync(),
    }
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}

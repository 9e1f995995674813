/**
 * Every way of signing in to the sample application and out of it, as people go it in a real Chromium: in English on a
 * wide screen, and in Chinese at 320 px. With MUSTER_TEST_SCREENSHOTS=FOLDER, pictures of every page on the way.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createApplication, createUser, updateApplication, updateConnection, updateUser } from '@muster/contracts'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { texts } from '../../server/src/signin/pages/texts.ts'
import { createClient } from '../client.ts'
import { AGENTS } from '../sign-in-browser.ts'
import { addPerson, userOf } from '../sign-in-stack.ts'
import { withoutBrowser } from './chromium.ts'
import { setStage, SITE, startSampleApp, type Stage } from './stage.ts'

const PASSWORD = 'correct horse battery 7'
const FOLDER = process.env['MUSTER_TEST_SCREENSHOTS']
/** Somebody whom the application knows from the first test on. */
const ZHANG = 'ZhangSan'
const WIDTHS = { en: 1280, zh: 320 } as const
const LANGUAGES = ['en', 'zh'] as const
type Language = (typeof LANGUAGES)[number]

let stage: Stage
let app: Awaited<ReturnType<typeof startSampleApp>>
let portalId: string
let count = 0

before(async () => {
  if (withoutBrowser !== false) return
  stage = await setStage(portal)
  const { ask } = stage.stack
  addPerson(stage.stack, ZHANG, '张三')
  app = await startSampleApp(stage.stack, { name: '费用报销' })
  await ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { embedOrigins: [stage.localSite] } } })
  const redirectUris = [`${stage.localSite}/callback`]
  const body = { name: 'Portal', public: true, connections: ['hq'], redirectUris }
  portalId = (await ask(createApplication, { body })).clientId
})

after(async () => {
  await app?.close()
  await stage?.[Symbol.asyncDispose]()
})

flow('by WeCom’s own page, to the account page, and out at the application', async (person) => {
  const { tab } = person

  await tab.goto(app.url)
  await tab.locator('a.button').click()
  await person.reads('sign-in')
  await tab.getByRole('link', { name: person.text.openWecomPage }).click()
  await tab.locator(`[data-scan="${ZHANG}"]`).click()
  await tab.waitForURL(`${app.url}/`)
  await person.reads('application')
  assert.ok(await tab.getByText('张三').first().isVisible())

  await tab.goto(`${SITE}/account`)
  await person.reads('account')
  await tab.goto(app.url)
  await tab.locator('form[action="/logout"] button').click()
  await tab.locator('a[href="/login"]').waitFor()
  await tab.locator('a[href="/login"]').click()
  await tab.getByRole('link', { name: person.text.openWecomPage }).waitFor()
})

flow('by the panel, without leaving the page', async (person) => {
  const { tab } = person

  await tab.goto(`${app.url}/login`)
  const panel = tab.frameLocator('#panel iframe')
  await panel.locator(`[data-scan="${ZHANG}"]`).waitFor()
  await person.reads('panel')
  await panel.locator(`[data-scan="${ZHANG}"]`).click()
  await tab.waitForURL(`${app.url}/`)

  assert.ok(await tab.getByText('张三').first().isVisible())
})

flow('inside WeCom, without any page', async (person) => {
  const { tab, language } = await person.elsewhere({ userAgent: AGENTS.wecom })
  const userid = addPerson(stage.stack, `Inside-${language}`, '王五')
  stage.stack.control.setScanner({ who: { userid }, once: true })
  const shown: string[] = []
  tab.on('response', (response) => {
    if (response.request().isNavigationRequest() && response.status() === 200) shown.push(response.url())
  })

  await tab.goto(`${app.url}/login`)

  assert.deepEqual(shown, [`${app.url}/`])
  assert.ok(await tab.getByText('王五').first().isVisible())
})

flow('with a password', async (person) => {
  const { tab, text, language } = person
  const username = `keeper-${language}`
  await stage.stack.ask(createUser, { body: { username, displayName: 'Keeper', password: PASSWORD } })

  await tab.goto(`${app.url}/login`)
  await tab.getByText(text.withPassword).click()
  await person.typePassword(username, 'wrong', text.signIn)
  await tab.getByRole('alert').waitFor()
  await person.reads('password-wrong')
  await person.typePassword(username, PASSWORD, text.signIn)
  await tab.waitForURL(`${app.url}/`)

  assert.ok(await tab.getByText('Keeper').first().isVisible())
})

flow('asked whose account it is: an own one, or a new one', async (person) => {
  const { tab, text, language } = person
  const { ask } = stage.stack
  const username = `owner-${language}`
  await ask(createUser, { body: { username, displayName: 'Owner', password: PASSWORD } })
  const [bound, made] = [`Bound-${language}`, `Made-${language}`]
  addPerson(stage.stack, bound, '赵六')
  addPerson(stage.stack, made, '孙七')
  await ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { association: 'ask' } } })
  try {
    await person.scans(bound)
    await tab.getByRole('heading', { name: text.bindTitle }).waitFor()
    await person.reads('bind')
    await person.typePassword(username, PASSWORD, text.bind)
    await tab.waitForURL(`${app.url}/`)
    assert.ok(await tab.getByText(username).first().isVisible(), 'the account of the password')

    const other = await person.elsewhere()
    await other.scans(made)
    await other.tab.getByRole('button', { name: text.create }).click()
    await other.tab.waitForURL(`${app.url}/`)
    assert.ok(await other.tab.getByText('孙七').first().isVisible())
  } finally {
    await ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { association: null } } })
  }
  assert.equal((await userOf(stage.stack, username)).links[0]!.userid, bound)
})

flow('in another browser, which is let in nowhere and sends the first one on', async (person) => {
  const { tab, text } = person

  await tab.clock.install()
  await tab.goto(`${app.url}/login`)
  const away = await person.addressAtWecom()
  const second = await person.elsewhere()
  await second.tab.goto(away)
  await second.tab.locator(`[data-scan="${ZHANG}"]`).click()
  await second.tab.getByRole('heading', { name: text.numberAskTitle }).waitFor()
  await second.reads('number-asked')
  // By itself: the page asks every few seconds whether something has happened.
  await tab.clock.fastForward(3_000)
  const number = (await tab.locator('.number').innerText()).trim()
  await person.reads('number-shown')
  await second.tab.getByLabel(text.numberField).fill(number === '10' ? '11' : '10')
  await second.tab.getByRole('button', { name: text.goOn }).click()
  await second.tab.getByText(text.numberWrong).waitFor()
  await second.reads('number-wrong')
  await second.tab.getByLabel(text.numberField).fill(number)
  await second.tab.getByRole('button', { name: text.goOn }).click()
  await second.tab.getByRole('heading', { name: text.numberRightTitle }).waitFor()
  await second.reads('number-right')

  await tab.waitForURL(`${app.url}/`)
  assert.ok(await tab.getByText('张三').first().isVisible())
  await second.tab.goto(`${app.url}/login`)
  await second.tab.getByRole('link', { name: text.openWecomPage }).waitFor()
})

flow('who may not come in reads why, and may go back to the application', async (person) => {
  const { tab, text, language } = person
  const { ask } = stage.stack
  const userid = addPerson(stage.stack, `Refused-${language}`, '吴九')
  const refusedAs = async (reason: keyof typeof text.refusals) => {
    await tab.getByRole('heading', { name: text.refusals[reason].title }).waitFor()
    await person.reads(`refused-${reason}`)
  }

  await person.scans(':stranger')
  await refusedAs('not-a-member')
  await tab.getByRole('link', { name: text.again }).click()
  await tab.getByRole('link', { name: text.openWecomPage }).click()
  await tab.locator(`[data-scan="${userid}"]`).click()
  await tab.waitForURL(`${app.url}/`)

  const { id } = await userOf(stage.stack, userid)
  await ask(updateUser, { params: { id }, body: { status: 'disabled' } })
  await person.scans(userid)
  await refusedAs('disabled')

  await ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { loginOnly: true } } })
  try {
    await person.scans(addPerson(stage.stack, `Unknown-${language}`, '郑十'))
    await refusedAs('not-linked')
  } finally {
    await ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { loginOnly: null } } })
  }
  await tab.getByRole('button', { name: '费用报销' }).click()
  await tab.waitForURL(`${app.url}/`)
  await tab.locator('a[href="/login"]').waitFor()
})

flow('in a small window that the application opens, which tells it', async (person) => {
  const { tab, text } = person
  await tab.goto(stage.localSite)
  const opened = tab.waitForEvent('popup')
  await tab.getByRole('button').click()
  const small = await opened
  await small.getByRole('link', { name: text.openWecomPage }).click()
  await small.locator(`[data-scan="${ZHANG}"]`).click()
  await tab.getByText('signed-in').waitFor()

  assert.deepEqual(
    tab
      .context()
      .pages()
      .map((page) => page.url()),
    [`${stage.localSite}/`],
  )
})

flow('an application that cannot say who asks has to be confirmed', async (person) => {
  const { tab } = person
  const goal = new URLSearchParams({ client_id: app.clientId, post_logout_redirect_uri: `${app.url}/` })
  await person.scans(ZHANG)
  await tab.waitForURL(`${app.url}/`)

  await tab.goto(`${SITE}/oidc/session/end?${goal.toString()}`)
  await person.reads('sign-out')
  await tab.locator('button:not([name])').click()
  await tab.waitForURL(`${app.url}/`)
  await tab.goto(`${SITE}/account`)
  assert.equal(new URL(tab.url()).pathname, '/account', 'still signed in')

  await tab.goto(`${SITE}/oidc/session/end?${goal.toString()}`)
  await tab.locator('button[name=logout]').click()
  await tab.waitForURL(`${app.url}/`)
  await tab.goto(`${SITE}/account`)
  await tab.waitForURL(`${SITE}/signin/**`)

  // Nobody is signed in now, so nobody is asked.
  await tab.goto(`${SITE}/oidc/session/end`)
  await tab.waitForURL(/\/oidc\/session\/end\/success|signed-out/)
  await person.reads('signed-out')
  await tab.goto(`${SITE}/oidc/auth?client_id=nobody`)
  await person.reads('wrong-request')
})

flow('out at an application that sends people straight on to WeCom', async (person) => {
  const { tab } = person
  const patch = (skipSignInPage: boolean) =>
    stage.stack.ask(updateApplication, {
      params: { id: app.id },
      body: { skipSignInPage, postLogoutRedirectUris: [`${app.url}/`, `${app.url}/login`] },
    })
  const goal = new URLSearchParams({ client_id: app.clientId, post_logout_redirect_uri: `${app.url}/login` })
  await patch(true)
  try {
    await tab.goto(`${app.url}/login`)
    await tab.locator(`[data-scan="${ZHANG}"]`).click()
    await tab.waitForURL(`${app.url}/`)

    await tab.goto(`${SITE}/oidc/session/end?${goal.toString()}`)
    await tab.locator('button[name=logout]').click()

    await tab.waitForURL('https://login.work.weixin.qq.com/**')
  } finally {
    await patch(false)
  }
})

flow('in and out without scripts', async (person) => {
  const { tab, text, reads } = await person.elsewhere({ javaScriptEnabled: false })

  await tab.goto(`${app.url}/login`)
  await tab.getByRole('link', { name: text.openWecomPage }).click()
  await tab.locator(`[data-scan="${ZHANG}"]`).click()
  await tab.waitForURL(`${app.url}/`)
  await tab.locator('form[action="/logout"] button').click()
  await tab.getByRole('heading', { name: text.signingOutTitle }).waitFor()
  await reads('signing-out')
  await tab.getByRole('button', { name: text.signOut }).click()

  await tab.waitForURL(`${app.url}/`)
  await tab.locator('a[href="/login"]').waitFor()
})

flow('on the account page, a member is bound and let go again', async (person) => {
  const { tab, text, language } = person
  const username = `binder-${language}`
  const userid = addPerson(stage.stack, `Added-${language}`, '钱二')
  await stage.stack.ask(createUser, { body: { username, displayName: 'Binder', password: PASSWORD } })

  await tab.goto(`${SITE}/account`)
  await tab.getByText(text.withPassword).click()
  await person.typePassword(username, PASSWORD, text.signIn)
  await tab.waitForURL(`${SITE}/account`)
  await tab.locator('form[action="/account/links/bind"] button').click()
  await tab.locator(`[data-scan="${userid}"]`).click()
  await tab.waitForURL(`${SITE}/account`)
  await tab.getByText(userid).waitFor()
  await person.reads('account-bound')
  assert.equal((await userOf(stage.stack, username)).links[0]!.userid, userid)

  await tab.locator('form[action="/account/links/unbind"] button').click()
  // The session came through what is gone.
  await tab.getByText(text.withPassword).click()
  await person.typePassword(username, PASSWORD, text.signIn)
  await tab.locator('form[action="/account/links/bind"] button').waitFor()
  await person.reads('account-unbound')
  await tab.locator('form[action="/signout"] button').click()
  await tab.waitForURL(`${SITE}/signed-out`)
  await person.reads('signed-out-here')
})

interface Person {
  readonly tab: Page
  readonly language: Language
  readonly text: (typeof texts)[Language]
  /** The same person with another browser. */
  elsewhere(options?: BrowserContextOptions): Promise<Person>
  /** Looks at a page: it fits, it is in the language, and there is a picture of it where somebody wants one. */
  reads(page: string): Promise<void>
  /** From the application to its sign-in page, to WeCom's, and back as somebody. */
  scans(as: string): Promise<void>
  /** Where the link to WeCom leads. */
  addressAtWecom(): Promise<string>
  typePassword(username: string, password: string, button: string): Promise<void>
}

/** A way, gone with a browser of its own that has nothing to complain of; in turn in one language, for pictures in both. */
function flow(name: string, go: (person: Person) => Promise<void>): void {
  for (const language of FOLDER === undefined ? [LANGUAGES[count++ % 2]!] : LANGUAGES) {
    test(`${name} (${language})`, { skip: withoutBrowser }, () => goIn(language, go))
  }
}

async function goIn(language: Language, go: (person: Person) => Promise<void>): Promise<void> {
  await using visits = new AsyncDisposableStack()
  const complaints: (readonly string[])[] = []
  await go(await enter())
  assert.deepEqual(complaints.flat(), [])

  async function enter(options: BrowserContextOptions = {}): Promise<Person> {
    const visit = visits.use(
      await stage.visit({
        locale: language === 'zh' ? 'zh-CN' : 'en',
        viewport: { width: WIDTHS[language], height: language === 'zh' ? 640 : 900 },
        ...options,
      }),
    )
    complaints.push(visit.complaints)
    visit.context.setDefaultTimeout(10_000)
    const tab = await visit.context.newPage()
    const text = texts[language]
    return {
      tab,
      language,
      text,
      elsewhere: enter,
      async reads(page) {
        await tab.waitForLoadState()
        const seen = await tab.evaluate<{ width: number; language: string }>(
          '({ width: document.documentElement.scrollWidth, language: document.documentElement.lang })',
        )
        if (FOLDER !== undefined) {
          mkdirSync(FOLDER, { recursive: true })
          await tab.screenshot({ path: join(FOLDER, `flow-${page}-${language}.png`), fullPage: true })
        }
        assert.ok(seen.width <= WIDTHS[language], `${page} is ${seen.width} px wide`)
        assert.ok(seen.language.startsWith(language), `${page} is in ${seen.language}`)
      },
      async scans(as) {
        await tab.goto(`${app.url}/login`)
        await tab.getByRole('link', { name: text.openWecomPage }).click()
        await tab.locator(`[data-scan="${as}"]`).click()
      },
      async addressAtWecom() {
        const href = await tab.getByRole('link', { name: text.openWecomPage }).getAttribute('href')
        const other = await visit.context.newPage()
        await other.goto(new URL(href!, tab.url()).href)
        const address = other.url()
        await other.close()
        return address
      },
      async typePassword(username, password, button) {
        await tab.getByLabel(text.username).fill(username)
        await tab.getByLabel(text.password, { exact: true }).fill(password)
        await tab.getByRole('button', { name: button, exact: true }).click()
      },
    }
  }
}

/** An application that has its sign-in in a small window, as docs/embedding.md says. */
function portal({ url }: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url ?? '/', stage.localSite)
  const verifier = 'a-verifier-that-nobody-has-to-guess-in-a-test'
  const common = { client_id: portalId, redirect_uri: `${stage.localSite}/callback` }
  const show = (script: string) =>
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><title>Portal</title><script src="${SITE}/signin/embed.js"></script>${script}`)
  if (pathname === '/login') {
    const asked = new URLSearchParams({
      ...common,
      response_type: 'code',
      scope: 'openid',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    response.writeHead(303, { location: `${SITE}/oidc/auth?${asked.toString()}` }).end()
  } else if (pathname === '/callback') {
    const code = searchParams.get('code') ?? ''
    const grant = { ...common, grant_type: 'authorization_code', code, code_verifier: verifier }
    const body = new URLSearchParams(grant)
    const { send } = createClient(stage.stack.server.origin, null)
    void send('/oidc/token', { method: 'POST', body }).then(({ status }) =>
      show(`<script>muster.finish('${status === 200 ? 'signed-in' : 'refused'}')</script>`),
    )
  } else {
    show(`<button>Sign in</button><p></p><script>
      document.querySelector('button').onclick = async () => {
        document.querySelector('p').textContent = await muster.signIn({ url: '/login' })
      }</script>`)
  }
}

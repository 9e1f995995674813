import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignInReason } from '@muster/contracts'
import { createPages } from './pages.ts'
import { chooseLanguage } from './texts.ts'
import type { OtherView, PasswordProblem, SignInView, ViewContext, Way } from './views.ts'

const render = createPages({
  sdk: '/assets/sdk.js',
  signIn: '/assets/sign-in.js',
  popUp: '/assets/pop-up.js',
  signOut: '/assets/sign-out.js',
})

const FORM = { action: '/signin/u1/step', token: 'token-of-the-form' }
const CONTEXT: ViewContext = {
  language: 'en',
  application: { name: 'GitLab', logoUrl: 'https://cdn.example.com/logo.png' },
  cancel: FORM,
  embedOrigins: [],
  nonce: 'abcdefghijklmnop',
  selfHref: '/signin/u1?connection=hq',
}
const PANEL: Way & { kind: 'panel' } = {
  kind: 'panel',
  parameters: {
    login_type: 'CorpApp',
    appid: 'ww0123456789abcdef',
    agentid: '1000002',
    redirect_uri: 'https://muster.example.com/auth/wecom/hq/callback',
    state: 'aB3',
    lang: 'en',
  },
  loginUrl: 'https://login.work.weixin.qq.com',
  linkHref: '/signin/u1/go?connection=hq',
}

test('every reason has its sentence in both languages, and they differ', () => {
  const seen = new Set<string>()
  for (const reason of SignInReason.options) {
    const [en, zh] = (['en', 'zh'] as const).map((language) =>
      textOf(
        { kind: 'refused', reason, referenceId: '4K7P-2MXQ-9R', againHref: null },
        { ...CONTEXT, language, application: null, selfHref: null, cancel: null },
      ),
    ) as [string, string]

    assert.match(en, /4K7P-2MXQ-9R/)
    assert.doesNotMatch(en, /\p{Script=Han}/u, reason)
    assert.match(zh, /\p{Script=Han}/u, reason)
    seen.add(en).add(zh)
  }
  assert.equal(seen.size, 2 * SignInReason.options.length, 'each says something of its own')
})

test('WeCom comes first, then the password, which stays closed until something is wrong with it', () => {
  const closed = markupOf(signIn({ connections: [connection('总部')], password: credentials(null) }))
  const open = markupOf(signIn({ connections: [connection('总部')], password: credentials({ kind: 'wrong' }) }))

  assert.ok(closed.indexOf('Continue with WeCom') < closed.indexOf('<details'))
  assert.match(closed, /<details\s*>/)
  assert.match(open, /<details\s+open\s*>/)
})

test('a connection that is called WeCom is not called so twice', () => {
  assert.match(textOf(signIn({ connections: [connection('企业微信')] })), /Continue with 企业微信/)
})

test('companies stand below the name of their connection, and are what the buttons say', () => {
  const of = (displayName: string, company: string) => ({ ...connection(displayName), company })
  const connections = [of('集团', '甲公司'), of('集团', '乙\u202e公司'), connection('客户'), of('伙伴', '丙公司')]
  const markup = markupOf(signIn({ connections }))

  const order = [
    '客户',
    '<h2><bdi>集团',
    'Continue with <bdi>甲公司',
    'Continue with <bdi>乙',
    '<h2><bdi>伙伴',
    '丙公司',
  ]
  const places = order.map((text) => markup.indexOf(text))
  assert.ok(!places.includes(-1), String(places))
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  )
  assert.equal(markup.match(/class="button main"/g)?.length, 1, 'one button stands out')
  assert.doesNotMatch(markup, /\u202e/, 'names of companies are other people’s words')
  const chosen = [{ ...of('集团', '甲公司'), isChosen: true }, of('集团', '乙公司')]
  const others = markupOf(signIn({ connections: chosen, way: { kind: 'open-app', href: '/signin/u1/go' } }))
  assert.match(others, /<h2>Other ways[^]*<h3><bdi>集团[^]*乙公司/)
  assert.equal(others.match(/甲公司/g)?.length, 1, 'named as the chosen one, and not offered again')
})

test('the page names the chosen connection, or the company that was chosen of it', () => {
  const way: Way = { kind: 'open-app', href: '/signin/u1/go' }
  const leadOf = (one: { displayName: string; company: string | null }) =>
    textOf(signIn({ connections: [{ ...connection('x', true), ...one }, connection('海外分公司')], way }))

  assert.match(leadOf({ displayName: '总部', company: null }), /With 总部/)
  assert.match(leadOf({ displayName: '集团', company: '甲公司' }), /With 甲公司/)
  assert.doesNotMatch(textOf(signIn({ connections: [connection('总部'), connection('海外分公司')] })), /With 总部/)
})

test('the panel of a suite names no agent', () => {
  const way: Way = { ...PANEL, parameters: { ...PANEL.parameters, login_type: 'ServiceApp', agentid: null } }

  const { html } = render(signIn({ connections: [connection('isv', true)], way }), CONTEXT)

  assert.match(html, /data-login-type="ServiceApp"/)
  assert.doesNotMatch(html, /data-agentid/)
})

test('the panel is there with its script, its host and a plain link', () => {
  const { html, csp } = render(signIn({ connections: [connection('hq', true)], way: PANEL }), CONTEXT)

  assert.match(html, /src="\/assets\/sdk\.js"/)
  assert.match(html, /href="\/signin\/u1\/go\?connection=hq"/)
  assert.match(csp, /frame-src https:\/\/login\.work\.weixin\.qq\.com;/)
})

test('with another host than the one WeCom’s script knows there is the link alone', () => {
  const way: Way = { ...PANEL, loginUrl: 'http://127.0.0.1:9999' }

  const { html, csp } = render(signIn({ connections: [connection('hq', true)], way }), CONTEXT)

  assert.doesNotMatch(html, /sdk\.js|id="panel"/)
  assert.match(html, /href="\/signin\/u1\/go\?connection=hq"/)
  assert.match(csp, /frame-src 'none'/)
})

test('a page without a way has no script, and asks the server nothing', () => {
  const { html, csp } = render(signIn({ connections: [connection('a'), connection('b')] }), CONTEXT)

  assert.doesNotMatch(html, /<script/)
  assert.match(csp, /connect-src 'none'/)
})

test('a new password is refused in the words of the policy', () => {
  const view: OtherView = {
    kind: 'change-password',
    form: FORM,
    username: 'zhangsan',
    isForced: true,
    asksCurrent: true,
    minimumLength: 8,
    problem: { kind: 'refused', text: { en: 'Too well known.', zh: '太常见。' } },
  }

  assert.match(textOf(view), /Too well known\./)
  assert.match(textOf(view, { ...CONTEXT, language: 'zh' }), /太常见。/)
})

test('how long to wait is said, rounded up', () => {
  const text = textOf(signIn({ password: credentials({ kind: 'throttled', retryAfterSeconds: 61 }) }))

  assert.match(text, /Try again in 2 minutes\./)
})

test('a password is never in a page', () => {
  const fields = markupOf(signIn({ password: credentials({ kind: 'wrong' }) })).match(
    /<input[^>]*type="password"[^>]*>/g,
  )

  assert.equal(fields?.length, 1)
  assert.doesNotMatch(fields[0], /value=/)
})

test('only a logo that a browser can fetch is shown, and only its origin is allowed', () => {
  const shown = render({ kind: 'expired' }, CONTEXT)
  const signInPage = render(signIn({}), CONTEXT)
  assert.match(signInPage.html, /<img[^>]+src="https:\/\/cdn\.example\.com\/logo\.png"/)
  assert.match(shown.csp, /img-src https:\/\/cdn\.example\.com;/)

  for (const logoUrl of [
    'javascript:alert(1)',
    'data:image/svg+xml,<svg onload=alert(1)>',
    'https://a:b@cdn.example.com',
    'x',
  ]) {
    const { html, csp } = render(signIn({}), { ...CONTEXT, application: { name: 'GitLab', logoUrl } })

    assert.doesNotMatch(html, /<img/)
    assert.match(csp, /img-src 'none'/)
  }
})

test('a connection with a picture shows it, from our own origin and no other', () => {
  const iconHref = '/signin/icons/con_1?v=1'
  const connections = [{ ...connection('a'), iconHref }, connection('b')]
  const { html, csp } = render(signIn({ connections }), { ...CONTEXT, application: null })

  assert.equal(html.match(/<img[^>]+src="\/signin\/icons\/con_1\?v=1"[^>]*alt=""/g)?.length, 1)
  assert.match(csp, /img-src 'self';/)
  assert.match(
    render(signIn({ connections: [connection('b')] }), { ...CONTEXT, application: null }).csp,
    /img-src 'none'/,
  )
})

test('the language is changed by a link that keeps the rest of the address', () => {
  assert.match(markupOf(signIn({})), /href="\/signin\/u1\?connection=hq&amp;lang=zh"/)
})

test('forms of signing in may be answered by this server only, that of signing out by an application', () => {
  const out: OtherView = {
    kind: 'confirm-sign-out',
    action: '/oidc/session/end/confirm',
    token: { name: 'xsrf', value: 'x' },
    displayName: null,
    isAsked: false,
  }

  assert.match(render(signIn({ password: credentials(null) }), CONTEXT).csp, /form-action 'self';/)
  assert.match(render(out, CONTEXT).csp, /form-action 'self' https: /)
})

test('going on needs no script', () => {
  const markup = markupOf({ kind: 'going-on', href: 'https://app.example.com/cb?code=1&state=2' })

  assert.match(markup, /http-equiv="refresh"\s+content="0;url=https:\/\/app\.example\.com\/cb\?code=1&amp;state=2"/)
  assert.match(markup, /<a[^>]+href="https:\/\/app\.example\.com\/cb\?code=1&amp;state=2"/)
})

test('a choice on a page outranks the application, and that the browser', () => {
  const acceptLanguage = 'fr, en;q=0.2, zh-CN;q=0.8'

  assert.equal(chooseLanguage({ chosen: 'en', locales: ['zh-CN'], acceptLanguage }), 'en')
  assert.equal(chooseLanguage({ chosen: 'xx', locales: ['de', 'en-GB'], acceptLanguage }), 'en')
  assert.equal(chooseLanguage({ chosen: undefined, locales: ['de'], acceptLanguage }), 'zh')
  assert.equal(chooseLanguage({ chosen: undefined, locales: [], acceptLanguage: 'fr' }), 'en')
  assert.equal(chooseLanguage({ chosen: ['zh'], locales: [], acceptLanguage: undefined }), 'en')
})

type SignInPage = SignInView & { kind: 'sign-in' }

function signIn(given: Partial<SignInPage>): SignInPage {
  return { kind: 'sign-in', connections: [], way: null, password: null, statusHref: '/signin/u1/status', ...given }
}

function connection(displayName: string, isChosen = false) {
  return { displayName, company: null as string | null, iconHref: null, href: '/signin/u1?connection=hq', isChosen }
}

function credentials(problem: PasswordProblem | null) {
  return { ...FORM, username: 'zhangsan', problem }
}

function markupOf(view: SignInView | OtherView): string {
  return render(view, CONTEXT).html
}

function textOf(view: SignInView | OtherView, context = CONTEXT): string {
  const body = render(view, context).html.replace(/^.*<body>/s, '')
  return body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
}

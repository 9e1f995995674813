/**
 * Every page of signing in and out, filled with ordinary or with hostile names, on a server of its own: to be looked at
 * (screenshots.ts) and to be attacked (pages.test.ts).
 */
import fastify from 'fastify'
import type { SignInReason } from '@muster/contracts'
import type { Language } from '../../server/src/errors.ts'
import type { AccountView } from '../../server/src/signin/account-view.ts'
import { assetHref, mountAssets } from '../../server/src/signin/assets.ts'
import { renderAccount } from '../../server/src/signin/pages/account.ts'
import { createPages } from '../../server/src/signin/pages/pages.ts'
import { texts } from '../../server/src/signin/pages/texts.ts'
import type { OtherView, SignInView, ViewContext } from '../../server/src/signin/pages/views.ts'

export interface Gallery extends AsyncDisposable {
  readonly origin: string
  /** Address of one page. */
  href(page: string, set?: keyof typeof NAMES, language?: Language): string
}

/** Who and what the pages speak of. */
export const NAMES = {
  ordinary: {
    application: '费用报销',
    connection: '企业微信',
    second: '海外分公司',
    member: '张三',
    user: 'zhang.san',
  },
  markup: everywhere(
    `</title></style><script>window.taken=1</script><img src=x onerror="window.taken=2"><base href="//evil.example">` +
      `" autofocus onfocus="window.taken=3" x='\` \${window.taken=4} &quot;&#39; <a href="javascript:window.taken=5">x</a>`,
  ),
  address: everywhere('javascript:window.taken=6//'),
  direction: everywhere('abc\u202Egnp.exe\u202C \u2066مرحبا\u2069 \u200F'),
  /** Without a place to break, with what stands above and below its line. */
  long: everywhere(`${'长W'.repeat(240)}👩🏽‍💻🏳️‍🌈\u0301\u0301\u0301Z̸̧a̶l̷g̴o̵𠮷野家`),
} as const

function everywhere(name: string) {
  return { application: name, connection: name, second: name, member: name, user: name }
}

export const REASONS = Object.keys(texts.en.refusals) as SignInReason[]

const TOKEN = 'dG9rZW4gb2YgYSBmb3JtLCBhbmQgb2Ygb25lIG9ubHk'

type View = SignInView | OtherView

/** By what is looked at; the views of `sign-in` come in several states. */
export function views(set: keyof typeof NAMES): Record<string, View> {
  const { connection, second, member, user, application } = NAMES[set]
  const form = (step: string) => ({ action: `/signin/x/${step}`, token: TOKEN })
  const connections = [
    { displayName: connection, company: null, iconHref: null, href: '/signin/x?connection=hq', isChosen: true },
    { displayName: second, company: null, iconHref: null, href: '/signin/x?connection=abroad', isChosen: false },
  ]
  const companies = [member, application].map((company) => ({ ...connections[1]!, company }))
  const password = { ...form('password'), username: '', problem: null }
  const signIn = { kind: 'sign-in', connections, password, statusHref: '/signin/x/status' } as const
  const parameters = {
    login_type: 'CorpApp',
    appid: 'ww0123456789abcdef',
    agentid: '1000002',
    redirect_uri: 'https://sso.example.com/auth/wecom/hq/callback',
    state: '0123456789abcdef0123456789abcdef01234567',
    lang: 'zh',
  } as const
  const loginUrl = 'https://login.work.weixin.qq.com'
  const linkHref = '/signin/x/go?connection=hq'
  const refused = { kind: 'refused', referenceId: '4K7P-2MXQ-9R', againHref: '/signin/x?again=1' } as const
  return {
    panel: { ...signIn, connections: connections.slice(0, 1), way: { kind: 'panel', parameters, loginUrl, linkHref } },
    plain: { ...signIn, way: { kind: 'panel', parameters, loginUrl: 'http://127.0.0.1:9', linkHref } },
    choice: { ...signIn, connections: connections.map((one) => ({ ...one, isChosen: false })), way: null },
    companies: { ...signIn, connections: companies, way: null },
    phone: { ...signIn, password: null, way: { kind: 'open-app', href: linkHref } },
    wechat: { ...signIn, way: { kind: 'open-in-wecom', link: `https://sso.example.com/signin/x?connection=hq` } },
    'password-only': { ...signIn, connections: [], way: null },
    'password-wrong': { ...signIn, way: null, password: { ...password, username: user, problem: { kind: 'wrong' } } },
    'password-throttled': {
      ...signIn,
      connections: [],
      way: null,
      password: { ...password, username: user, problem: { kind: 'throttled', retryAfterSeconds: 847 } },
    },
    'no-way': { ...signIn, connections: [], way: null, password: null },
    'number-shown': { kind: 'number-shown', number: '47', refreshSeconds: 3600 },
    'number-asked': { kind: 'number-asked', form: form('number'), applicationName: application, isWrong: false },
    'number-wrong': { kind: 'number-asked', form: form('number'), applicationName: application, isWrong: true },
    'number-right': { kind: 'number-right' },
    bind: {
      kind: 'bind',
      memberName: member,
      connectionName: connection,
      form: { ...form('bind'), username: user, problem: null },
      create: form('create'),
    },
    'bind-only': {
      kind: 'bind',
      memberName: member,
      connectionName: connection,
      form: { ...form('bind'), username: user, problem: { kind: 'wrong' } },
      create: null,
    },
    waiting: { kind: 'waiting', refreshSeconds: 3600 },
    expired: { kind: 'expired' },
    ...Object.fromEntries(REASONS.map((reason) => [`refused-${reason}`, { ...refused, reason }])),
    'change-password': {
      kind: 'change-password',
      form: form('new-password'),
      username: user,
      isForced: true,
      asksCurrent: false,
      minimumLength: 10,
      problem: null,
    },
    'change-password-wished': {
      kind: 'change-password',
      form: form('new-password'),
      username: user,
      isForced: false,
      asksCurrent: true,
      minimumLength: 10,
      problem: { kind: 'too-common' },
    },
    'confirm-sign-out': {
      kind: 'confirm-sign-out',
      action: '/oidc/session/end/confirm',
      token: { name: 'xsrf', value: TOKEN },
      displayName: member,
      isAsked: false,
    },
    'signed-out': { kind: 'signed-out', againHref: '/account' },
    authorised: { kind: 'authorised' },
    error: {
      kind: 'error',
      code: 'signin/foreign-form',
      title: { en: 'The form does not come from a page of this server', zh: '表单并非来自本服务的页面' },
      remedy: { en: 'Open the page again and allow its cookies.', zh: '请重新打开页面并允许其 Cookie。' },
      requestId: 'req_2b1f0e9c-7a52-4c6e-9f0b-1a2b3c4d5e6f',
    },
    'application-error': {
      kind: 'application-error',
      signOutHref: null,
      error: 'invalid_request',
      description: application,
      requestId: 'req_2b1f0e9c',
    },
    'sign-out-error': {
      kind: 'application-error',
      signOutHref: '/account',
      error: 'invalid_request',
      description: application,
      requestId: 'req_2b1f0e9c',
    },
    'pop-up-refused': { kind: 'pop-up-done', origin: 'https://portal.example.com', outcome: 'refused' },
  }
}

/** The name of the account page, which is drawn by itself. */
export const ACCOUNT = 'account'

function accountOf(set: keyof typeof NAMES): AccountView {
  const { member, user, application, connection, second } = NAMES[set]
  const at = Date.UTC(2026, 10, 20, 3)
  const session = {
    isThis: false,
    door: 'panel',
    address: '192.0.2.10',
    userAgent: user,
    createdAt: at,
    lastSeenAt: at,
  } as const
  return {
    displayName: member,
    username: user,
    token: TOKEN,
    hasPassword: true,
    done: 'unbound',
    problem: null,
    links: [{ id: 'lnk_1', connectionName: connection, company: application, userid: user, lastSignInAt: at }],
    canUnbind: true,
    bindable: [{ identifier: 'abroad', displayName: second, company: { corpId: 'wpk0', name: application } }],
    sessions: [
      { ...session, id: 'ses_1', isThis: true },
      { ...session, id: 'ses_2' },
    ],
  }
}

/** Pages without an application: our own. */
const OWN = new Set(['change-password', 'change-password-wished', 'signed-out', 'pop-up-refused', 'expired'])

export async function startGallery(): Promise<Gallery> {
  const http = fastify()
  mountAssets(http)
  const render = createPages({
    sdk: assetHref('wecom-jssdk.js'),
    signIn: assetHref('sign-in.js'),
    popUp: assetHref('pop-up.js'),
    signOut: assetHref('sign-out.js'),
  })
  const contextFor = (selfHref: string): ViewContext => ({
    language: 'zh',
    application: null,
    cancel: null,
    embedOrigins: [],
    nonce: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url'),
    selfHref,
  })
  /** The same server under a name that is another origin to browsers. */
  const elsewhere = () => `http://localhost:${new URL(origin).port}/elsewhere`
  http.get('/signin/x/status', async () => ({ state: 'here' }))
  http.get<{ Params: { set: keyof typeof NAMES; page: string; language: Language } }>(
    '/gallery/:set/:language/:page',
    async ({ params, url }, reply) => {
      const { set, page, language } = params
      if (page === ACCOUNT) {
        const answer = renderAccount(accountOf(set), { language, nonce: contextFor(url).nonce })
        return reply.headers(answer.headers).send(answer.html)
      }
      const view = views(set)[page]
      if (view === undefined) return reply.code(404).send()
      const name = NAMES[set].application
      const logoUrl = set === 'address' ? name : null
      const isOwn = OWN.has(page)
      const answer = render(view, {
        ...contextFor(url),
        language,
        application: isOwn ? null : { name, logoUrl },
        cancel: isOwn ? null : { action: '/signin/x/cancel', token: TOKEN },
      })
      return reply.headers(answer.headers).send(answer.html)
    },
  )
  // Forms end elsewhere: by the page that goes on, or by a redirect.
  http.addContentTypeParser('application/x-www-form-urlencoded', (_request, body, done) =>
    body.resume().on('end', done),
  )
  http.post('/signin/x/password', async (_request, reply) => {
    const answer = render({ kind: 'going-on', href: elsewhere() }, contextFor('/'))
    return reply.headers(answer.headers).send(answer.html)
  })
  http.post('/signin/x/bind', async (_request, reply) => reply.redirect(elsewhere(), 303))
  http.get('/elsewhere', async () => 'arrived')
  const origin = await http.listen({ host: '127.0.0.1', port: 0 })
  return {
    origin,
    href: (page, set = 'ordinary', language = 'zh') => `${origin}/gallery/${set}/${language}/${page}`,
    [Symbol.asyncDispose]: () => http.close(),
  }
}

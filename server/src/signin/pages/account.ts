/** The account page as HTML: pure, in two languages, and without scripts. */
import type { Door } from '@muster/contracts'
import type { Language } from '../../errors.ts'
import { html, nameHtml, type Html, type Page } from '../../html.ts'
import type { AccountView, Done, ShownLink, ShownSession } from '../account-view.ts'
import { alert, button, drawings, field, formOf, inShell, linkButton, longName, type ShellParts } from './shell.ts'

export interface AccountContext {
  readonly language: Language
  /** A one-time value for the style. */
  readonly nonce: string
}

export function renderAccount(view: AccountView, context: AccountContext): Page {
  const { language } = context
  const words = WORDS[language]
  const { done, problem } = view
  return draw(context, {
    title: words.title,
    heading: words.title,
    // A login suite shows no names, so whoever came through it is called by their userid.
    lead:
      view.displayName === view.username
        ? html`<p>${nameHtml(view.username)}</p>`
        : html`<p>${nameHtml(view.displayName)} · ${nameHtml(view.username)}</p>`,
    content: [
      done !== null && html`<p class="note" role="status">${words.done[done]}</p>`,
      problem !== null && alert('problem', html`${problem.title[language]}<br />${problem.remedy[language]}`),
      drawLinks(view, context),
      drawSessions(view, context),
      drawPassword(view, words),
      html`<section class="part">
        ${formOf({ action: '/signout', token: view.token }, button(words.signOut, 'other'))}
      </section>`,
    ],
  })
}

/** The answer to a form whose end lies at WeCom. */
export function renderGoingOn(href: string, context: AccountContext): Page {
  const words = WORDS[context.language]
  return draw(context, {
    title: words.goingOn,
    heading: words.goingOn,
    sign: drawings.wait,
    content: linkButton(href, words.goOn),
    refresh: { seconds: 0, href },
  })
}

export function renderSignedOut(context: AccountContext): Page {
  const words = WORDS[context.language]
  return draw(context, {
    title: words.signedOut,
    heading: words.signedOut,
    lead: html`<p>${words.signedOutWhy}</p>`,
    sign: drawings.good,
    content: linkButton('/account', words.signInAgain, 'other'),
  })
}

function draw({ language, nonce }: AccountContext, parts: ShellParts): Page {
  return inShell({ language, nonce, application: null, embedOrigins: [], selfHref: '/account' }, parts)
}

function ofCompany(name: string | null): Html | false {
  return name !== null && html` (${nameHtml(name)})`
}

function drawLinks({ links, bindable, canUnbind, token }: AccountView, { language }: AccountContext): Html {
  const words = WORDS[language]
  const adding = bindable.map(({ identifier, displayName, company }) =>
    formOf(
      { action: '/account/links/bind', token },
      html`${hidden('connection', identifier)}${company !== null && hidden('corp', company.corpId)}
      ${button(html`${words.bind} ${nameHtml(displayName)}${ofCompany(company?.name ?? null)}`, 'other')}`,
    ),
  )
  return html`<section class="part">
    <h2>${words.links}</h2>
    ${links.length === 0 && html`<p class="soft">${words.noLinks}</p>`}
    <ul class="stack">
      ${links.map((link) => drawLink(link))}
    </ul>
    ${links.length > 0 && !canUnbind && html`<p class="soft">${words.lastWayIn}</p>`}
    <div class="stack">${adding}</div>
  </section>`

  function drawLink(link: ShownLink): Html {
    const used =
      link.lastSignInAt === null ? words.neverUsed : html`${words.lastUsed} ${time(link.lastSignInAt, language)}`
    return html`<li>
      <p>
        ${longName(link.connectionName)}${ofCompany(link.company)} · ${nameHtml(link.userid)}<br /><span class="soft"
          >${used}</span
        >
      </p>
      ${
        canUnbind &&
        formOf(
          { action: '/account/links/unbind', token },
          html`${hidden('link', link.id)}${button(words.unbind, 'other')}`,
        )
      }
    </li>`
  }
}

function drawSessions({ sessions, token }: AccountView, { language }: AccountContext): Html {
  const words = WORDS[language]
  return html`<section class="part">
    <h2>${words.sessions}</h2>
    <ul class="stack">
      ${sessions.map((session) => drawSession(session))}
    </ul>
    ${
      sessions.length > 1 &&
      html`<div class="actions">
        ${formOf({ action: '/account/sessions/end-others', token }, button(words.endOthers, 'other'))}
      </div>`
    }
  </section>`

  function drawSession(session: ShownSession): Html {
    const where = session.address === null ? '' : ` · ${session.address}`
    return html`<li>
      <p>
        <strong>${browserOf(session.userAgent) ?? words.unknownBrowser}</strong>
        ${session.isThis && html`<span class="soft">(${words.thisSession})</span>`}<br />
        <span class="soft"
          >${words.doors[session.door]}${where}<br />${words.began} ${time(session.createdAt, language)}<br />${words.lastUsed}
          ${time(session.lastSeenAt, language)}</span
        >
      </p>
      ${
        !session.isThis &&
        formOf(
          { action: '/account/sessions/end', token },
          html`${hidden('session', session.id)}${button(words.end, 'other')}`,
        )
      }
    </li>`
  }
}

function drawPassword({ hasPassword, username, token }: AccountView, words: Words): Html {
  if (!hasPassword) {
    return html`<section class="part">
      <h2>${words.password}</h2>
      <p class="soft">${words.noPassword}</p>
    </section>`
  }
  const fields = [
    ['password', words.currentPassword, 'current-password', undefined],
    ['newPassword', words.newPassword, 'new-password', words.passwordRule],
    ['newPasswordAgain', words.newPasswordAgain, 'new-password', undefined],
  ] as const
  const asked = fields.map(([name, label, autocomplete, hint]) =>
    field({ name, label, type: 'password', autocomplete, form: 'change', ...(hint === undefined ? {} : { hint }) }),
  )
  return html`<section class="part">
    <h2>${words.password}</h2>
    ${formOf({ action: '/account/password', token }, html`<input type="text" name="username" value="${username}" autocomplete="username" readonly hidden />${asked}${button(words.changePassword)}`)}
  </section>`
}

function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}" />`
}

function time(at: number, language: Language): Html {
  const text = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en', {
    // Short in Chinese, so that it stays on a line of a phone.
    dateStyle: language === 'zh' ? 'short' : 'medium',
    timeStyle: 'short',
    timeZone: language === 'zh' ? 'Asia/Shanghai' : 'UTC',
  }).format(at)
  return html`<time datetime="${new Date(at).toISOString()}">${text} ${language === 'zh' ? '北京时间' : 'UTC'}</time>`
}

/** Enough to tell one's own browsers apart. Order matters: each claims to be the ones below it. */
function browserOf(userAgent: string | null): string | undefined {
  const of = (names: readonly (readonly [RegExp, string])[]) => names.find(([sign]) => sign.test(userAgent ?? ''))?.[1]
  const browser = of([
    [/wxwork/i, 'WeCom'],
    [/MicroMessenger/i, 'WeChat'],
    [/Edg/, 'Edge'],
    [/Firefox/, 'Firefox'],
    [/Chrome|CriOS/, 'Chrome'],
    [/Safari/, 'Safari'],
  ])
  const system = of([
    [/OpenHarmony|HarmonyOS/, 'HarmonyOS'],
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ])
  if (browser === undefined) return system
  return system === undefined ? browser : `${browser}, ${system}`
}

interface Words {
  readonly title: string
  readonly done: Readonly<Record<Done, string>>
  readonly doors: Readonly<Record<Door, string>>
  readonly links: string
  readonly noLinks: string
  readonly lastWayIn: string
  readonly bind: string
  readonly unbind: string
  readonly neverUsed: string
  readonly lastUsed: string
  readonly sessions: string
  readonly thisSession: string
  readonly unknownBrowser: string
  readonly began: string
  readonly end: string
  readonly endOthers: string
  readonly password: string
  readonly noPassword: string
  readonly currentPassword: string
  readonly newPassword: string
  readonly newPasswordAgain: string
  readonly passwordRule: string
  readonly changePassword: string
  readonly signOut: string
  readonly signedOut: string
  readonly signedOutWhy: string
  readonly signInAgain: string
  readonly goingOn: string
  readonly goOn: string
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    title: 'Your account',
    done: {
      password: 'The password is changed. All other sessions have ended.',
      unbound: 'The way in is removed. Sessions that came through it have ended.',
      ended: 'The session has ended.',
      'others-ended': 'All other sessions have ended.',
    },
    doors: {
      password: 'With a password',
      panel: 'With WeCom',
      qr: 'With WeCom',
      'in-wecom': 'Inside WeCom',
      phone: 'With WeCom on a phone',
      'mobile-sdk': 'With an app on a phone',
    },
    links: 'Sign-in with WeCom',
    noLinks: 'No member of WeCom is bound to this account.',
    lastWayIn: 'This is your only way in, so it cannot be removed. An administrator can give you a password.',
    bind: 'Bind',
    unbind: 'Remove',
    neverUsed: 'Not used yet',
    lastUsed: 'Last used',
    sessions: 'Where you are signed in',
    thisSession: 'this browser',
    unknownBrowser: 'Unknown browser',
    began: 'Signed in',
    end: 'End',
    endOthers: 'End all other sessions',
    password: 'Password',
    noPassword: 'This account has no password. An administrator can set one.',
    currentPassword: 'Current password',
    newPassword: 'New password',
    newPasswordAgain: 'New password, once more',
    passwordRule: 'At least 8 characters; 12 or more for administrators. Several words are easy to remember.',
    changePassword: 'Change the password',
    signOut: 'Sign out',
    signedOut: 'You are signed out',
    signedOutWhy: 'In this browser. Applications that you opened may have sessions of their own.',
    signInAgain: 'Sign in again',
    goingOn: 'Going on to WeCom',
    goOn: 'Go on',
  },
  zh: {
    title: '我的账号',
    done: {
      password: '密码已修改，其他会话已全部结束。',
      unbound: '已解除绑定，通过该方式登录的会话已结束。',
      ended: '会话已结束。',
      'others-ended': '其他会话已全部结束。',
    },
    doors: {
      password: '密码登录',
      panel: '企业微信登录',
      qr: '企业微信登录',
      'in-wecom': '企业微信客户端内',
      phone: '手机企业微信登录',
      'mobile-sdk': '手机应用登录',
    },
    links: '企业微信登录',
    noLinks: '该账号尚未绑定企业微信成员。',
    lastWayIn: '这是您唯一的登录方式，因此不能解除绑定。管理员可以为您设置密码。',
    bind: '绑定',
    unbind: '解除绑定',
    neverUsed: '尚未使用',
    lastUsed: '最近使用',
    sessions: '已登录的位置',
    thisSession: '当前浏览器',
    unknownBrowser: '未知浏览器',
    began: '登录时间',
    end: '结束',
    endOthers: '结束所有其他会话',
    password: '密码',
    noPassword: '该账号没有密码。管理员可以设置。',
    currentPassword: '当前密码',
    newPassword: '新密码',
    newPasswordAgain: '再次输入新密码',
    passwordRule: '至少 8 个字符，管理员建议 12 个以上。用几个词组成的密码便于记忆。',
    changePassword: '修改密码',
    signOut: '退出登录',
    signedOut: '您已退出登录',
    signedOutWhy: '仅限当前浏览器。您打开过的应用可能仍保持登录。',
    signInAgain: '重新登录',
    goingOn: '正在前往企业微信',
    goOn: '继续',
  },
}

/**
 * The pages of the browser doors, in Chinese and English, without anything from elsewhere: who scans, what an app may see,
 * what went wrong. They do not imitate WeCom's looks: nobody should mistake them for the real thing.
 */

import { createHash } from 'node:crypto'

import type { App } from '../company/apps.ts'
import type { Door, PageError } from './authorization.ts'
import { textOf } from '../company/company.ts'
import type { Member } from '../company/company.ts'
import { installParameter } from '../providers/install.ts'
import { panelJson, panelScript } from './panel.ts'
import type { PanelData } from './panel.ts'
import { corpParameter, outsiders, scanParameter } from './people.ts'
import type { Choice } from './people.ts'
import type { PrivateField } from '../company/private-fields.ts'

export type Language = 'zh' | 'en'

/** Text that is markup already. Everything else is escaped on its way into a page. */
class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Piece = string | number | Markup | readonly Markup[] | undefined

const style = `
body { font: 16px/1.4 system-ui, sans-serif; margin: 0; color-scheme: light dark }
main { max-width: 30rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.2rem; margin: 0 0 .5rem } p { margin: .5rem 0; overflow-wrap: anywhere }
ul { list-style: none; padding: 0; margin: .5rem 0 } li a { display: block; padding: .25rem 0; overflow-wrap: anywhere }
input[type=search] { font: inherit; width: 60% } button { font: inherit }
`

const words = {
  title: ['企业微信登录（模拟）', 'WeCom sign-in (emulated)'],
  whoScans: ['谁来扫码？', 'Who scans?'],
  whoIsSignedIn: ['谁在企业微信客户端中？', 'Who is signed in to the WeCom client?'],
  goesTo: ['登录后前往', 'Afterwards to'],
  search: ['姓名、别名或 userid', 'Name, alias or userid'],
  find: ['查找', 'Find'],
  nobody: ['没有找到成员', 'No member found'],
  ':stranger': ['非企业成员', 'Somebody who is not a member'],
  ':customer': ['外部联系人', 'An external contact'],
  ':refuses': ['取消登录', 'Refuse'],
  disabled: ['已禁用', 'disabled'],
  notActivated: ['未激活', 'not activated'],
  left: ['已退出', 'left'],
  outOfRange: ['不在可见范围', 'out of range'],
  mayRead: ['申请读取你的：', 'would like to read your:'],
  agree: ['同意', 'Agree'],
  decline: ['拒绝', 'Refuse'],
  whoInstalls: ['哪个企业授权？', 'Which company authorises?'],
  authorizes: ['选择企业即表示其管理员同意授权。', 'By choosing a company its administrator agrees.'],
  noCompany: ['没有企业', 'There is no company'],
  installed: ['授权成功', 'Authorised'],
  failed: ['无法继续', 'Cannot go on'],
  done: ['登录成功', 'Signed in'],
  refused: ['已取消登录', 'The sign-in was cancelled'],
  inClient: ['此浏览器的企业微信客户端身份：', 'In this browser, the one signed in to the WeCom client is'],
  noOne: ['无', 'nobody'],
  forget: ['清除', 'Forget'],
  gender: ['性别', 'gender'],
  avatar: ['头像', 'avatar'],
  qr_code: ['个人二维码', 'QR code'],
  mobile: ['手机号', 'mobile'],
  email: ['邮箱', 'e-mail'],
  biz_mail: ['企业邮箱', 'corporate e-mail'],
  address: ['地址', 'address'],
} as const satisfies Record<string, readonly [string, string]>

/** Only our own style and the panel's script, both by their digest. A redirect may go anywhere, so forms are not bound. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src '${digestOf(style)}'`,
  `script-src '${digestOf(panelScript)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
].join('; ')

/** What the page keeps in its links: the address it was opened with. */
export interface Opened {
  readonly language: Language
  readonly query: URLSearchParams
  /** Present in the frame of the SDK. */
  readonly panel?: PanelData | undefined
}

/** What stands above the people: where one signs in, and where one goes afterwards. */
export interface PickerHeading {
  readonly door: Door
  /** The company, or the provider of a suite. */
  readonly company: string
  readonly app: string | undefined
  readonly host: string
}

export function pickerPage(opened: Opened, heading: PickerHeading, choices: readonly Choice[]): string {
  const { language, query } = opened
  const { company, app, host, door } = heading
  const people = choices.map((choice) => {
    const notes = notesOf(choice).map((note) => ` · ${word(language, note)}`)
    const from = choice.companyName === undefined ? '' : html` · <bdi>${choice.companyName}</bdi>`
    const label = html`<bdi>${choice.name}</bdi> ${choice.scanAs}${notes.join('')}${from}`
    return html`<li>${pick(opened, choice, label)}</li>`
  })
  const others = outsiders.map(
    (outsider) => html`<li>${pick(opened, { scanAs: outsider }, html`${word(language, outsider)}`)}</li>`,
  )
  return page(
    opened,
    html`<h1>${word(language, door === 'client' ? 'whoIsSignedIn' : 'whoScans')}</h1>
      <p><bdi>${company}</bdi> · <bdi>${app}</bdi><br />${word(language, 'goesTo')} ${host}</p>
      <form method="get">
        ${hidden(query, ['q'])}
        <input
          type="search"
          id="q"
          name="q"
          maxlength="64"
          value="${query.get('q') ?? ''}"
          aria-label="${word(language, 'search')}"
          placeholder="${word(language, 'search')}"
        />
        <button id="find">${word(language, 'find')}</button>
      </form>
      <ul id="people">
        ${people.length > 0 ? people : html`<li>${word(language, 'nobody')}</li>`}
      </ul>
      <ul>
        ${others}
      </ul>`,
  )
}

/** A refusal is an answer too: it goes back without a code. */
export function consentPage(
  opened: Opened,
  { app, member, fields }: { app: App; member: Member; fields: readonly PrivateField[] },
): string {
  const { language, query } = opened
  const boxes = fields.map(
    (field) =>
      html`<li>
        <label><input type="checkbox" name="field" value="${field}" checked /> ${word(language, field)}</label>
      </li>`,
  )
  return page(
    opened,
    html`<h1><bdi>${app.name}</bdi> ${word(language, 'mayRead')}</h1>
      <p><bdi>${textOf(member.name)}</bdi> ${textOf(member.userid)}</p>
      <form method="get">
        ${hidden(query, ['q', 'field', 'consent', scanParameter])}
        <input type="hidden" name="${scanParameter}" value="${textOf(member.userid)}" />
        <ul>
          ${boxes}
        </ul>
        <button name="consent" value="agrees">${word(language, 'agree')}</button>
        <button name="consent" value="refuses">${word(language, 'decline')}</button>
      </form>`,
  )
}

/** What a company is asked to authorise, whose it is, and where its administrator goes afterwards. */
export interface InstallHeading {
  readonly provider: string
  readonly apps: readonly string[]
  readonly host: string | undefined
}

export function installPage(
  opened: Opened,
  { provider, apps, host }: InstallHeading,
  companies: readonly { corpId: string; name: string }[],
): string {
  const { language, query } = opened
  const links = companies.map(({ corpId, name }) => {
    const parameters = new URLSearchParams(query)
    parameters.set(installParameter, corpId)
    return html`<li>
      <a data-install="${corpId}" href="?${parameters.toString()}" rel="nofollow"><bdi>${name}</bdi> ${corpId}</a>
    </li>`
  })
  const afterwards = host === undefined ? undefined : html`<br />${word(language, 'goesTo')} ${host}`
  return page(
    opened,
    html`<h1>${word(language, 'whoInstalls')}</h1>
      <p><bdi>${provider}</bdi> · ${apps.map((app) => html`<bdi>${app}</bdi> `)}${afterwards}</p>
      <p>${word(language, 'authorizes')}</p>
      <ul>
        ${links.length > 0 ? links : html`<li>${word(language, 'noCompany')}</li>`}
      </ul>`,
  )
}

/** After an invitation nobody is sent anywhere: the provider hears of it by itself. */
export function installedPage(opened: Opened, company: string): string {
  const { language } = opened
  return page(
    opened,
    html`<h1>${word(language, 'installed')}</h1>
      <p><bdi>${company}</bdi></p>`,
  )
}

/** In the frame of a panel, when somebody had scanned already: the script goes on from here. */
export function donePage(opened: Opened): string {
  return page(opened, html``)
}

export function errorPage(opened: Opened, error: PageError): string {
  const { language } = opened
  return page(
    opened,
    html`<h1>${word(language, 'failed')}</h1>
      <p>${messageOf(error, language)}</p>
      ${error.errCode === 0 ? undefined : html`<p>${error.errCode}</p>`}`,
  )
}

/** Behind the address without a path: what is here, and who this browser's client belongs to. */
export function frontPage(language: Language, paths: readonly string[], person: string | undefined): string {
  return page(
    { language, query: new URLSearchParams() },
    html`<h1>${word(language, 'title')}</h1>
      <ul>
        ${paths.map((path) => html`<li>${path}</li>`)}
      </ul>
      <p>
        ${word(language, 'inClient')} ${person ?? word(language, 'noOne')}.
        <a href="/?forget=1">${word(language, 'forget')}</a>
      </p>`,
  )
}

export function messageOf(error: PageError, language: Language): string {
  return language === 'zh' ? error.zh : error.message
}

function page({ language, panel }: Opened, content: Markup): string {
  const script = panel && [
    element('script', panelJson(panel), ' type="application/json" id="panel"'),
    element('script', panelScript),
  ]
  return html`<!doctype html>
    <html lang="${language === 'zh' ? 'zh-CN' : 'en'}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${word(language, 'title')}</title>
        ${element('style', style)}
      </head>
      <body>
        <main data-done="${word(language, 'done')}" data-refused="${word(language, 'refused')}">${content}</main>
        ${script}
      </body>
    </html> `.text
}

/** Exactly this text inside, by which the policy knows it. The formatter would break lines in a template. */
function element(tag: 'style' | 'script', text: string, attributes = ''): Markup {
  return new Markup(`<${tag}${attributes}>${text}</${tag}>`)
}

function pick({ query }: Opened, { scanAs, corpId }: Pick<Choice, 'scanAs' | 'corpId'>, label: Markup): Markup {
  const parameters = new URLSearchParams(query)
  parameters.delete('q')
  parameters.set(scanParameter, scanAs)
  if (corpId !== undefined) parameters.set(corpParameter, corpId)
  return html`<a data-scan="${scanAs}" href="?${parameters.toString()}" rel="nofollow">${label}</a>`
}

function hidden(query: URLSearchParams, without: readonly string[]): Markup[] {
  return [...query]
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)
}

function notesOf({ status, isInRange }: Choice): (keyof typeof words)[] {
  const notes: (keyof typeof words)[] = []
  if (status === 2) notes.push('disabled')
  if (status === 4) notes.push('notActivated')
  if (status === 5) notes.push('left')
  if (!isInRange) notes.push('outOfRange')
  return notes
}

function word(language: Language, key: keyof typeof words): string {
  return words[key][language === 'zh' ? 0 : 1]
}

function html(parts: TemplateStringsArray, ...pieces: Piece[]): Markup {
  let text = parts[0] ?? ''
  for (const [index, piece] of pieces.entries()) text += render(piece) + (parts[index + 1] ?? '')
  return new Markup(text)
}

function render(piece: Piece): string {
  if (piece === undefined) return ''
  if (piece instanceof Markup) return piece.text
  if (typeof piece === 'object') return piece.map(({ text }) => text).join('')
  return String(piece).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

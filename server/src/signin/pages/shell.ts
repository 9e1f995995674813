/**
 * What all pages of signing in and of the account share: the card with its heading, the switch between languages, fields,
 * buttons and drawings. Pure.
 */
import type { Language } from '../../errors.ts'
import { html, nameHtml, page, trusted, type Html, type Page, type PageAllowances, type Piece } from '../../html.ts'
import { style } from './style.ts'
import { LANGUAGES, texts } from './texts.ts'
import type { Form, ShownApplication } from './views.ts'

export interface Shell {
  readonly language: Language
  readonly nonce: string
  readonly application: ShownApplication | null
  readonly embedOrigins: readonly string[]
  readonly selfHref?: string | null
  readonly formTargets?: readonly string[]
}

export interface ShellParts {
  /** Text of the tab. */
  readonly title: string
  readonly heading: Piece
  /** Below the heading. */
  readonly lead?: Piece
  /** Above the heading; the logo of the application, if nothing is said. */
  readonly sign?: Html
  readonly content: Piece
  /** Below the card. */
  readonly below?: Piece
  /** Addresses of scripts of ours. */
  readonly scripts?: readonly string[]
  /** Where to go by itself, and when. Works without scripts. */
  readonly refresh?: { readonly seconds: number; readonly href: string | null }
  /** Whether a form of the page is answered with a redirect to an application. */
  readonly redirects?: boolean
  readonly allows?: PageAllowances
}

export function inShell(shell: Shell, parts: ShellParts): Page {
  const { language, nonce, application } = shell
  const logo = logoOf(application)
  const { refresh } = parts
  return page({
    language: LANGUAGES[language].tag,
    title: parts.title,
    nonce,
    head: html`<style nonce="${nonce}">
        ${trusted(style)}
      </style>
      ${
        refresh !== undefined &&
        html`<meta
          http-equiv="refresh"
          content="${refresh.seconds}${refresh.href !== null && html`;url=${refresh.href}`}"
        />`
      }
      ${(parts.scripts ?? []).map((href) => html`<script nonce="${nonce}" src="${href}" defer></script> `)}`,
    body: html`<body>
      <main>
        <div class="card">
          <header>
            ${parts.sign ?? signOf(application, logo)}
            <h1>${parts.heading}</h1>
            ${parts.lead}
          </header>
          ${parts.content}
        </div>
        ${parts.below}
      </main>
      ${languageSwitch(language, shell.selfHref ?? null)}
    </body>`,
    allows: {
      ...parts.allows,
      images: [...(parts.allows?.images ?? []), ...(logo === undefined ? [] : [logo.origin])],
      forms: [...(parts.redirects === true ? ANYWHERE : []), ...(shell.formTargets ?? [])],
      ancestors: shell.embedOrigins,
    },
  })
}

/**
 * Chromium holds every redirect after a form against the `form-action` of its page. Forms of signing in are answered with
 * a page that goes on by itself (`going-on`), so they need nothing but ourselves. The form of signing out belongs to the
 * provider, which redirects to an address of the application.
 */
const ANYWHERE = ['https:', 'http://localhost:*', 'http://127.0.0.1:*']

/** The logo, or a letter in its place; nothing for a page of ours. */
function signOf(application: ShownApplication | null, logo: URL | undefined): Html {
  if (application === null) return html`<div class="logo tile">${drawings.person}</div>`
  if (logo !== undefined) return html`<img class="logo" src="${logo.href}" alt="" width="56" height="56" />`
  const letter = /[\p{L}\p{N}]/u.exec(application.name)?.[0] ?? '?'
  return html`<div class="logo tile" aria-hidden="true">${letter.toUpperCase()}</div>`
}

/** Only what a browser fetches without a person's doing and without running it. */
function logoOf(application: ShownApplication | null): URL | undefined {
  const url = URL.parse(application?.logoUrl ?? '')
  const isFit = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  return isFit ? url : undefined
}

/** Links, so that they need no script: the same page with `lang` in its address. */
function languageSwitch(language: Language, selfHref: string | null): Html | null {
  if (selfHref === null) return null
  const [path = '', query = ''] = selfHref.split('?')
  const links = (['zh', 'en'] as const).map((one) => {
    const { tag, name } = LANGUAGES[one]
    if (one === language) return html`<li><span lang="${tag}" aria-current="true">${name}</span></li>`
    const parameters = new URLSearchParams(query)
    parameters.set('lang', one)
    return html`<li><a lang="${tag}" hreflang="${tag}" href="${path}?${parameters.toString()}">${name}</a></li>`
  })
  return html`<footer>
    <nav aria-label="${texts[language].language}">
      <ul>
        ${links}
      </ul>
    </nav>
  </footer>`
}

/** A form with its token. What it asks for comes between. */
export function formOf({ action, token }: Form, content: Piece): Html {
  return html`<form method="post" action="${action}">
    <input type="hidden" name="token" value="${token}" />
    ${content}
  </form>`
}

export function button(label: Piece, look: 'main' | 'other' = 'main', icon?: Html): Html {
  return html`<button class="button${look === 'main' && ' main'}" type="submit">
    ${icon}<span class="long">${label}</span>
  </button>`
}

export function linkButton(href: string, label: Piece, look: 'main' | 'other' = 'main', icon?: Html): Html {
  return html`<a class="button${look === 'main' && ' main'}" href="${href}"
    >${icon}<span class="long">${label}</span></a
  >`
}

export interface Field {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'password'
  readonly autocomplete: string
  readonly value?: string
  readonly hint?: string
  /** Id of the message that says what is wrong with it. */
  readonly problemId?: string | undefined
  readonly takesFocus?: boolean
  /** Tells apart the fields of several forms on a page. */
  readonly form: string
}

export function field({ name, label, type, autocomplete, value, hint, problemId, takesFocus, form }: Field): Html {
  const id = `${form}-${name}`
  const described = [problemId, hint === undefined ? undefined : `${id}-hint`].filter((one) => one !== undefined)
  return html`<div class="field">
    <label for="${id}">${label}</label>
    <input
      id="${id}"
      name="${name}"
      type="${type}"
      autocomplete="${autocomplete}"
      required
      maxlength="${type === 'password' ? 1024 : 512}"
      ${
        type === 'text' && html` autocapitalize="none" spellcheck="false" dir="auto"`
      }${value !== undefined && html` value="${value}"`}${described.length > 0 && html` aria-describedby="${described.join(' ')}"`}${
        problemId !== undefined && html` aria-invalid="true"`
      }${takesFocus === true && html` autofocus`}
    />
    ${hint !== undefined && html`<p class="soft" id="${id}-hint">${hint}</p>`}
  </div>`
}

/** Said aloud at once, and first in what a field is described by. */
export function alert(id: string, message: Piece): Html {
  return html`<p class="alert" role="alert" id="${id}">${message}</p>`
}

/** Names may be as long as their makers like; a page shows as much as helps. */
export function longName(name: string): Html {
  return html`<strong>${nameHtml(name)}</strong>`
}

/** Drawn here; none is a trade mark of somebody else. */
export const drawings = {
  /** Two speech bubbles. */
  chat: trusted(
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" aria-hidden="true"><path d="M9.5 4C5.4 4 2 6.7 2 10c0 1.9 1.1 3.6 2.8 4.700L4.3 17l2.6-1.400c.8.2 1.7.4 2.6.4"/><path d="M22 15.200c0-2.9-2.9-5.2-6.4-5.200s-6.4 2.3-6.4 5.2 2.9 5.2 6.4 5.200c.8 0 1.6-.1 2.3-.3l2.3 1.2-.4-2c1.4-.9 2.2-2.4 2.2-4.100Z"/></svg>',
  ),
  person: trusted(
    '<svg width="30" height="30" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" aria-hidden="true"><circle cx="12" cy="8" r="4"/><path d="M4.5 20.500c.8-4 3.7-6 7.5-6s6.7 2 7.5 6"/></svg>',
  ),
  stop: trusted(
    '<div class="logo tile stop"><svg width="30" height="30" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" aria-hidden="true"><path d="M12 5v9M12 18.500v.1"/></svg></div>',
  ),
  good: trusted(
    '<div class="logo tile good"><svg width="30" height="30" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="m5 12.5 4.5 4.500L19 7.5"/></svg></div>',
  ),
  wait: trusted('<div class="logo tile"><div class="spin"></div></div>'),
  lock: trusted(
    '<div class="logo tile"><svg width="28" height="28" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><rect x="5" y="10.5" width="14" height="9.5" rx="2.5"/><path d="M8 10.500V7.500a4 4 0 0 1 8 0v3"/></svg></div>',
  ),
} as const

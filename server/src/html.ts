/**
 * HTML from templates that escape whatever is put into them, and the frame of a page with its headers. `html` is the only
 * way to markup; a string is text everywhere, also in attributes, which are always quoted. Knows no page of ours.
 */

/** Markup that was made by `html`, and so is safe to put into other markup. */
export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

/** null, undefined and false leave nothing behind. */
export type Piece = Html | string | number | null | undefined | false | readonly Piece[]

export function html(texts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(texts.reduce((markup, text, index) => `${markup}${markupOf(pieces[index - 1])}${text}`))
}

/** For texts of this repository only: styles, and drawings. Never for anything that somebody sent. */
export function trusted(markup: string): Html {
  return new Html(markup)
}

/**
 * A name that people or other systems chose: it cannot turn the direction of what stands around it, and characters that
 * would turn its own are shown instead of obeyed.
 */
export function nameHtml(name: string): Html {
  const parts = name.split(DIRECTION_CONTROL).map((part, index) => {
    return index % 2 === 0 ? html`${part}` : html`<span class="mark">${spell(part)}</span>`
  })
  return html`<bdi>${parts}</bdi>`
}

/** The same where only text can stand: titles, values of fields. */
export function nameText(name: string): string {
  return name.replace(new RegExp(DIRECTION_CONTROL, 'gu'), spell)
}

/** Embeddings, overrides, isolates and marks; and what a terminal or an old browser takes for control. */
const DIRECTION_CONTROL = /((?![\t\n])[\p{Bidi_Control}\p{Control}])/u

function spell(character: string): string {
  return `[U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`
}

export interface PageParts {
  readonly language: string
  readonly title: string
  /** What may run and be styled: elements that carry it. */
  readonly nonce: string
  readonly head?: Html
  readonly body: Html
  readonly allows?: PageAllowances
}

/** What a page may do beyond showing itself. Values are origins, or schemes with their colon. */
export interface PageAllowances {
  readonly images?: readonly string[]
  readonly frames?: readonly string[]
  /** Where scripts of the page may ask. */
  readonly connections?: readonly string[]
  /** Where forms may lead, and the redirects that answer them. */
  readonly forms?: readonly string[]
  /** Who may show the page in a frame, or keep hold of it in a window. */
  readonly ancestors?: readonly string[]
}

export interface Page {
  readonly html: string
  readonly csp: string
  /** All of them, the policy included. */
  readonly headers: Readonly<Record<string, string>>
}

/** A whole document. It is never stored, and tells nobody where people came from. */
export function page({ language, title, nonce, head, body, allows = {} }: PageParts): Page {
  const csp = policyOf(nonce, allows)
  return {
    html: html`<!doctype html>
      <html lang="${language}">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex" />
          <title>${title}</title>
          ${head}
        </head>
        ${body}
      </html> `.markup,
    csp,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': csp,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      // A page that opens ours in a window loses hold of it, unless it is listed: a pop-up has to answer its opener.
      'cross-origin-opener-policy': sources(allows.ancestors).length === 0 ? 'same-origin' : 'unsafe-none',
    },
  }
}

function policyOf(nonce: string, allows: PageAllowances): string {
  if (!/^[A-Za-z0-9+/_-]{16,}={0,2}$/.test(nonce)) throw new TypeError('a nonce is at least 16 characters of base64')
  const only = `'nonce-${nonce}'`
  return Object.entries({
    'default-src': ["'none'"],
    'script-src': [only],
    'style-src': [only],
    'img-src': sources(allows.images),
    'frame-src': sources(allows.frames),
    'connect-src': sources(allows.connections),
    'form-action': ["'self'", ...sources(allows.forms)],
    'frame-ancestors': sources(allows.ancestors),
    'base-uri': ["'none'"],
  })
    .map(([name, values]) => `${name} ${values.length === 0 ? "'none'" : values.join(' ')}`)
    .join('; ')
}

/** A source that is not plainly one would change the policy, so it is left out, which allows less. */
function sources(given: readonly string[] = []): string[] {
  return [...new Set(given)].filter((one) => SOURCE.test(one) && !RUNS.test(one))
}

const SOURCE =
  /^(?:'self'|https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::(?:\d{1,5}|\*))?|[A-Za-z][A-Za-z0-9+.-]*:)$/
/** Schemes whose addresses are programs or documents themselves. */
const RUNS = /^(?:javascript|data|blob|filesystem|about|view-source):/i

function markupOf(piece: Piece): string {
  if (piece instanceof Html) return piece.markup
  if (piece === null || piece === undefined || piece === false) return ''
  if (typeof piece === 'object') return piece.map(markupOf).join('')
  return String(piece).replaceAll(/[&<>"'`]/g, (character) => ESCAPES[character]!)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

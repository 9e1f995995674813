/**
 * Takes secrets and people out of text before it can reach a message, a stack or a log. WeCom carries access tokens and
 * secrets in the query string and some errmsg texts echo what was sent, so both the exact values of the call and
 * everything that looks like a credential, a mail address or a mobile number is replaced.
 * Called by the constructor of WecomError, so no error of this package exists unredacted.
 */

export type Redact = (text: string) => string

const MARK = '[redacted]'

/** Longer texts are cut before anything is searched in them: the patterns take time with the square of the length. */
const MAX_TEXT_LENGTH = 2000

const SECRET_PARAMETERS =
  /\b((?:[a-z_]*access_token|[a-z_]*secret|[a-z_]*code|[a-z_]*ticket|encoding_aeskey|userid|mobile|email)(?:=|%3D|["']?\s*:\s*["']?))[^&"'\s,}]+/gi
const MAIL_ADDRESS = /[^\s@"'<>(),;:=&]+(?:@|%40)[^\s@"'<>(),;:=&]+/g
const MOBILE_NUMBER = /\+\d[\d -]{6,}\d|(?<!\d)1[3-9]\d{9}(?!\d)/g

/** Tokens and digests, but not the names of errors: UNABLE_TO_GET_ISSUER_CERT_LOCALLY must stay readable. */
const OPAQUE_VALUE = /(?<![\w-])(?![A-Z_]+(?![\w-]))[\w-]{32,}/g

/** @param values what this call sent that must not come back: secret, token, code, ticket, ids and numbers of people. */
export function createRedactor(values: readonly string[]): Redact {
  const spellings = values.flatMap(spellingsOf).sort((a, b) => b.length - a.length)
  return (whole) => {
    // Cut at a space, so that no half of a secret is left over that no pattern knows.
    const text = whole.length <= MAX_TEXT_LENGTH ? whole : whole.slice(0, MAX_TEXT_LENGTH).replace(/\S{1,2000}$/, '')
    // Nearly always none. A pattern of all of them took longer to make than everything else about an error, and a sync
    // may get a thousand: one for everybody who has left. In capitals, whatever the pattern would find is found as well.
    const capitals = text.toUpperCase()
    const found = spellings.filter((spelling) => capitals.includes(spelling.toUpperCase()))
    const known = found.length === 0 ? text : text.replace(new RegExp(found.map(asPattern).join('|'), 'gi'), MARK)
    return known
      .replace(SECRET_PARAMETERS, `$1${MARK}`)
      .replace(MAIL_ADDRESS, MARK)
      .replace(MOBILE_NUMBER, MARK)
      .replace(OPAQUE_VALUE, MARK)
  }
}

/**
 * A copy of a thrown value that is safe to keep as `cause`: name, code and redacted message, for at most three levels.
 * The original is dropped, because undici, TLS and JSON errors carry sockets, certificates and pieces of the body.
 */
export function redactedCause(thrown: unknown, redact: Redact, depth = 3): Error | undefined {
  if (thrown === undefined || depth === 0) return undefined
  const copy = new Error(redact(messageOf(thrown)), { cause: redactedCause(causeOf(thrown), redact, depth - 1) })
  copy.name = thrown instanceof Error ? thrown.name : 'Error'
  const code = errorCodeOf(thrown)
  copy.stack = `${copy.name}${code === undefined ? '' : ` [${code}]`}: ${copy.message}`
  return code === undefined ? copy : Object.assign(copy, { code })
}

/** The `code` of Node's, undici's and OpenSSL's errors; of the first one when several addresses were tried. */
export function errorCodeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  return thrown instanceof AggregateError ? errorCodeOf(thrown.errors[0]) : undefined
}

function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'a value that is not an error'
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join('; ')
  return thrown.message
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined
}

function spellingsOf(value: string): string[] {
  if (value === '') return []
  // Nothing in it that any of them would write in another way.
  if (/^[\w.-]+$/.test(value)) return [value]
  const json = JSON.stringify(value).slice(1, -1)
  const form = new URLSearchParams({ v: value }).toString().slice(2)
  return [...new Set([value, json, form, encodeURIComponent(value.toWellFormed())])]
}

/** A userid may be one letter; replacing every such letter would leave no message, so short values must stand alone. */
function asPattern(value: string): string {
  const literal = value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return value.length >= 4 ? literal : `(?<![\\w])${literal}(?![\\w])`
}

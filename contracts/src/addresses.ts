/**
 * Which addresses an application may be registered with: where browsers are sent back to (RFC 9700, section 2.1), and what
 * is called or shown. They are compared byte for byte later, so one that can be read in two ways is refused here, in words
 * that say how to write it.
 */

/** Why this cannot be a redirect URI; null when it can. App schemes are for native apps only, see `isAppScheme`. */
export function redirectUriProblem(text: string): string | null {
  return textProblem(text) ?? (/^https?:/i.test(text) ? webProblem(text) : appSchemeProblem(text))
}

/** Why this is no web address; null when it is one. */
export function webAddressProblem(text: string): string | null {
  return textProblem(text) ?? webProblem(text)
}

/** Why this is no https address; null when it is one. */
export function httpsAddressProblem(text: string): string | null {
  return webAddressProblem(text) ?? (text.startsWith('https:') ? null : 'Has to begin with https://')
}

/** Whether a redirect URI belongs to a native app. */
export function isAppScheme(redirectUri: string): boolean {
  return !/^https?:/i.test(redirectUri)
}

/** What RFC 3986 allows, without the fragment and without the star, which nobody is to take for a pattern. */
const URI_TEXT = /^[A-Za-z0-9\-._~:/?[\]@!$&'()+,;=%]+$/
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

function textProblem(text: string): string | null {
  if (text.includes('#')) return 'Has a fragment, which is not allowed'
  if (text.includes('*')) return 'Has a wildcard; write each address out'
  if (!URI_TEXT.test(text)) return 'Has characters that are not allowed in an address; percent-encode them'
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return 'Has a % that is not followed by two hexadecimal digits'
  if (/%(?:[01][0-9A-F]|7F)/i.test(text)) return 'Has an encoded control character'
  // Some servers take what follows the semicolon for a parameter and `..` for the folder above.
  if (/\/\.\.?;/.test(text)) return 'Has a dot segment; write the path it leads to'
  return null
}

/** Part by part: the parser mends what it is given, and what it mends is not what would be compared. */
function webProblem(text: string): string | null {
  const [, scheme, authority = '', path] = /^(https?):\/\/([^/?]+)(\/[^?]*)?(?:\?.*)?$/.exec(text) ?? []
  if (scheme === undefined) return 'Has to begin with https:// in lower case, or http:// for this machine, and a host'
  if (authority.includes('@')) return 'Has a user name'
  const [, host] = /^([^:[\]]+|\[[^[\]]+\])(?::[1-9]\d*)?$/.exec(authority) ?? []
  const url = URL.parse(text)
  if (host === undefined || url === null) return 'Has no valid host and port'
  if (url.hostname !== host || host.endsWith('.')) return 'Write the host in its usual form: lower case, no final dot'
  if (path !== undefined && url.pathname !== path) return 'Has a dot segment; write the path it leads to'
  if (scheme === 'http' && !LOOPBACK.has(host))
    return 'Plain http is for localhost, 127.0.0.1 and [::1] only; use https'
  return null
}

/** A reverse domain name (RFC 8252, section 7.1): nobody has it by accident, and no browser does anything else with it. */
function appSchemeProblem(text: string): string | null {
  if (!/^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:\//.test(text)) {
    return 'Has to begin with https://, or with the scheme of a native app and a slash: com.example.app:/callback'
  }
  if (text.includes('@')) return 'Has a user name'
  if (URL.parse(text)?.href !== text) return 'Has a dot segment or no valid host'
  return null
}

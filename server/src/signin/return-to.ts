/**
 * Where our own pages may send a browser after signing in: a path of this origin, and nothing that a browser could read as
 * another address (threats.md SI-12). Pure. Applications have redirect URIs of their own, which oidc/ compares exactly.
 */

export const DEFAULT_PAGE = '/account'

/** Anything that is not plainly such a path is the default page; nobody is told, because nobody honest sees it. */
export function safeReturnTo(given: unknown, origin: string): string {
  if (typeof given !== 'string' || given.length > LONGEST || !given.startsWith('/') || !PATH.test(given)) {
    return DEFAULT_PAGE
  }
  // Encoded once more by a proxy or a framework, it would still have to be a path: so no encoded slash, backslash,
  // percent sign, at sign or control character.
  if (/%(?:2f|5c|25|40|[01][0-9a-f]|7f)/i.test(given)) return DEFAULT_PAGE
  const url = URL.parse(given, origin)
  if (url === null || url.origin !== new URL(origin).origin || url.username !== '' || url.password !== '') {
    return DEFAULT_PAGE
  }
  const path = `${url.pathname}${url.search}`
  // What the parser made of dots and the like must still be a path.
  return path.startsWith('/') && PATH.test(path) ? path : DEFAULT_PAGE
}

const LONGEST = 1_000

/** Never two slashes together, and no sign that a path of ours does not have: no backslash, colon, at sign, space. */
const PATH = /^(?:\/[A-Za-z0-9\-._~%]+)*\/?(?:\?[A-Za-z0-9\-._~=&%+]*)?$/

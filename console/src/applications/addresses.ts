/** What a form about an application says in one text, as the API wants it, and back. Pure. */

/** One address a line; empty lines are no addresses. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** What somebody pasted as the address of a product: its origin, or undefined where it is none. */
export function originOf(text: string): string | undefined {
  const url = URL.parse(text.trim())
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  return url.origin
}

/** Where an application finds the provider. */
export function endpointsOf(publicUrl: string) {
  const issuer = `${publicUrl}/oidc`
  return {
    issuer,
    discovery: `${issuer}/.well-known/openid-configuration`,
    authorization: `${issuer}/auth`,
    token: `${issuer}/token`,
    userinfo: `${issuer}/me`,
    jwks: `${issuer}/jwks`,
    endSession: `${issuer}/session/end`,
  } as const
}

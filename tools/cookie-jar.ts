/** The cookies of one browser, for programs that play one: kept and sent as RFC 6265 says, ports alike. */

interface Cookie {
  readonly host: string
  readonly name: string
  readonly value: string
  readonly path: string
}

export function createCookieJar() {
  const kept = new Map<string, Cookie>()

  return {
    /** @param lines the values of `Set-Cookie` in an answer from this address */
    keep({ hostname }: URL, lines: string | string[] | undefined): void {
      for (const line of [lines ?? []].flat()) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
        const cut = pair.indexOf('=')
        const cookie = {
          host: hostname,
          name: pair.slice(0, cut),
          value: pair.slice(cut + 1),
          path: attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/',
        }
        const key = `${cookie.host} ${cookie.path} ${cookie.name}`
        const expires = attributes.find((one) => /^expires=/i.test(one))?.slice(8)
        const isOver = attributes.some((one) => /^max-age=(?:0|-)/i.test(one)) || Date.parse(expires ?? '') < Date.now()
        if (isOver) kept.delete(key)
        else kept.set(key, cookie)
      }
    },

    /** For a request to this address. */
    headers({ hostname, pathname }: URL): { cookie?: string } {
      const pairs = [...kept.values()]
        .filter(({ host, path }) => host === hostname && isBelow(pathname, path))
        .map(({ name, value }) => `${name}=${value}`)
      return pairs.length === 0 ? {} : { cookie: pairs.join('; ') }
    },

    /** Of a host, whatever their path, as `name=value`. */
    ofHost: (hostname: string): string[] =>
      [...kept.values()].filter(({ host }) => host === hostname).map(({ name, value }) => `${name}=${value}`),
  }
}

/** RFC 6265, section 5.1.4. */
function isBelow(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}

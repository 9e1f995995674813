/** What WeCom has to be told about our addresses. Pure. */

/** The host as WeCom wants it, with the port where the address has one. */
export function domainOf(url: string): string {
  return URL.parse(url)?.host ?? url
}

/** Whether WeCom could reach it at all: a name, over https, that is not of this machine. */
export function isPublic(url: string): boolean {
  const parsed = URL.parse(url)
  if (parsed === null || parsed.protocol !== 'https:') return false
  const { hostname } = parsed
  const isAddress = /^[\d.]+$|^\[/.test(hostname)
  return !isAddress && hostname.includes('.') && !hostname.endsWith('.localhost')
}

/** What attackers and careless parsers make of a redirect URI (threats.md O-01): hundreds of texts, none of them the same. */

/** @returns at least five hundred for an https address with a path */
export function redirectMutations(uri: string): string[] {
  const { protocol, hostname, host, pathname } = new URL(uri)
  const scheme = protocol.slice(0, -1)
  const foreign = 'evil.example'
  const found = new Set<string>()
  const add = (...texts: string[]) => texts.forEach((text) => found.add(text))

  // something before, behind or in the place of
  for (const end of [
    '/',
    '//',
    '?',
    '#',
    '?x=1',
    '#x',
    '&x=1',
    ';x',
    '/..',
    '/../',
    '/.',
    '/%2e%2e',
    '%2f',
    '%00',
    '%0a',
    '%0d%0a',
    ' ',
    '%20',
    '.',
    '\\',
    '%5c',
    '*',
    ',',
    '\t',
    '\u3000',
    '\u200b',
    '..;/',
    '/..;/',
    '?code=1',
    '#code=1',
    '@',
    ':',
    '~',
    "'",
    '"',
    '<',
    '>',
    '|',
    '^',
    '`',
    '{}',
    '[]',
    '$',
    '!',
    '=',
    '+',
    '%',
    '%zz',
    '?#',
    '/?',
    '??',
    'x',
    '1',
    '_',
    '-',
  ])
    add(uri + end)
  for (const start of [
    ' ',
    '\t',
    '%20',
    '//',
    '/',
    '\\',
    'x',
    'javascript:',
    'data:text/html,',
    `https://${foreign}/`,
    `https://${foreign}?`,
    `https://${foreign}#`,
    `//${foreign}/`,
    'blob:',
    'view-source:',
    'file://',
    'urn:',
  ])
    add(start + uri)
  add(
    '',
    ' ',
    '/',
    pathname,
    `//${host}${pathname}`,
    host + pathname,
    scheme,
    `${scheme}:`,
    `${scheme}://`,
    'null',
    'about:blank',
  )

  // scheme, host and port
  for (const other of [
    'http',
    'HTTPS',
    'Https',
    'ftp',
    'ws',
    'wss',
    'javascript',
    'data',
    'file',
    'httpss',
    'https+x',
    'com.example',
  ])
    add(uri.replace(`${scheme}:`, `${other}:`))
  for (const separator of [':/', ':', ':///', ':////', ':\\\\', ':/\\', ':\\/', '%3a//', ':%2f%2f', '://.', ':// '])
    add(uri.replace('://', separator))
  for (const port of ['443', '80', '8443', '0', '65535', '65536', '00443', '443 ', '', '-1', '4 43', '443@', 'x'])
    add(`${scheme}://${hostname}:${port}${pathname}`)
  const hosts = [
    hostname.toUpperCase(),
    `${hostname}.`,
    `${hostname}..`,
    `.${hostname}`,
    `www.${hostname}`,
    `${hostname}.${foreign}`,
    `${foreign}.${hostname}`,
    `${hostname}${foreign}`,
    foreign,
    `x${hostname}`,
    `${hostname}x`,
    hostname.replace('.', '%2e'),
    hostname.replace('.', '。'),
    hostname.replace('.', '．'),
    hostname.replace('.', ''),
    hostname.replace('a', 'а'),
    hostname.replace('a', 'ａ'),
    hostname.replace('o', '0'),
    `xn--${hostname}`,
    `[${hostname}]`,
    hostname.split('.').slice(1).join('.'),
    hostname.replace('a', '%61'),
    hostname.replace('a', '%2561'),
    `${hostname}%00`,
    `${hostname}%00.${foreign}`,
    `${hostname}%0a.${foreign}`,
    `${hostname}\\.${foreign}`,
    `${hostname}/.${foreign}`,
    `${hostname}%2f.${foreign}`,
    `${hostname}%23.${foreign}`,
    `${hostname}%3f.${foreign}`,
    '127.0.0.1',
    'localhost',
    '[::1]',
    '2130706433',
    '0x7f.1',
    `${hostname}&${foreign}`,
    `${hostname};${foreign}`,
    `${hostname},${foreign}`,
    `*.${hostname}`,
    '*',
  ]
  for (const other of hosts)
    add(`${scheme}://${other}${pathname}`, `http://${other}${pathname}`, `${scheme}://${other}`)
  for (const user of [
    'user',
    'user:pass',
    hostname,
    `${hostname}:443`,
    foreign,
    '%40',
    '',
    ':',
    ' ',
    `${foreign}%40`,
    `${foreign}/`,
    `${foreign}\\`,
    `${foreign}#`,
    `${foreign}?`,
  ])
    add(
      `${scheme}://${user}@${host}${pathname}`,
      `${scheme}://${hostname}@${foreign}${pathname}`,
      `${scheme}://${user}@${foreign}${pathname}`,
    )

  // paths
  const paths = [
    '',
    '/',
    `/${pathname}`,
    pathname.toUpperCase(),
    `${pathname}/../..`,
    `/x/..${pathname}`,
    `/.${pathname}`,
    `/..${pathname}`,
    `/%2e${pathname}`,
    `/%2e%2e${pathname}`,
    `/x/%2e%2e${pathname}`,
    `/..;${pathname}`,
    `/;${pathname}`,
    `${pathname};`,
    `${pathname};jsessionid=1`,
    `${pathname}.html`,
    `${pathname}.php`,
    `${pathname}/evil`,
    `${pathname}%2fevil`,
    `${pathname}%252fevil`,
    `${pathname}\\evil`,
    `\\${pathname.slice(1)}`,
    `/\\${pathname.slice(1)}`,
    `%2f${pathname.slice(1)}`,
    pathname.slice(0, -1),
    pathname.slice(1),
    `${pathname}${pathname}`,
    `/redirect?to=https://${foreign}`,
    '/logout',
    '/*',
  ]
  for (const other of paths) add(`${scheme}://${host}${other}`, `${scheme}://${foreign}${other}`)
  for (let at = 1; at < pathname.length; at++) {
    const character = pathname[at]!
    const code = character.charCodeAt(0).toString(16)
    const replaced = (by: string) => `${scheme}://${host}${pathname.slice(0, at)}${by}${pathname.slice(at + 1)}`
    add(
      replaced(`%${code}`),
      replaced(`%25${code}`),
      replaced(`%u00${code}`),
      replaced(character.toUpperCase()),
      replaced(''),
      replaced(`${character}${character}`),
      replaced('*'),
      replaced('?'),
      replaced(`${character}/`),
      replaced(`${character}\u200d`),
    )
  }

  // every control character, at the end and in front of the path
  for (let code = 0; code < 0x20; code++) {
    const escaped = `%${code.toString(16).padStart(2, '0')}`
    add(
      `${uri}${escaped}`,
      `${scheme}://${host}/${escaped}${pathname.slice(1)}`,
      `${scheme}://${host}${escaped}${pathname}`,
    )
  }

  // queries: more, fewer, twice
  for (const query of [
    '?',
    '?=',
    '?a',
    '?a=1',
    '?a=1&a=2',
    '?redirect_uri=x',
    `?next=https://${foreign}`,
    `?${foreign}`,
    '?%23',
    '?a#b',
    '?;a',
    '?a=%0d%0aLocation:x',
  ])
    add(`${uri}${query}`, `${scheme}://${foreign}${pathname}${query}`, `${scheme}://${host}/${query}`)
  add(
    `${uri} ${uri}`,
    `${uri},${uri}`,
    `${uri}&redirect_uri=https://${foreign}`,
    encodeURIComponent(uri),
    encodeURI(`${uri} `),
    uri.split('').join(' '),
  )

  found.delete(uri)
  return [...found]
}

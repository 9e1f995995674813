import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpsAddressProblem, isAppScheme, redirectUriProblem, webAddressProblem } from './addresses.ts'

const accepted = [
  'https://gitlab.example.com/users/auth/openid_connect/callback',
  'https://gitlab.example.com',
  'https://gitlab.example.com/',
  'https://gitlab.example.com:8443/callback',
  'https://gitlab.example.com:443/callback',
  'https://gitlab.example.com/callback?tenant=1&next=/a@b',
  'https://gitlab.example.com?tenant=1',
  'https://gitlab.example.com/call%20back/%E4%B8%AD',
  "https://gitlab.example.com/a;b,c(d)'e!$f~g",
  'https://my_app.internal/callback',
  'https://xn--fiqs8s.example/callback',
  'https://[2001:db8::1]/callback',
  'https://192.0.2.7/callback',
  'https://gitlab.example.com//callback',
  'http://localhost:8090/callback',
  'http://localhost/callback',
  'http://127.0.0.1:3000/callback',
  'http://[::1]:3000/callback',
  'com.example.app:/callback',
  'com.example.app://callback',
  'com.example.my-app:/call/back?x=1',
]

/** What each would be mended to, or taken for, by some parser. */
const refused = [
  // not an address
  '',
  ' ',
  'gitlab.example.com/callback',
  '//gitlab.example.com/callback',
  '/callback',
  'callback',
  'https:',
  'https:gitlab.example.com/callback',
  'https:/gitlab.example.com/callback',
  'https:///gitlab.example.com/callback',
  'https://',
  'https://?x=1',
  // schemes
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  'java\tscript:alert(1)',
  'javascript://gitlab.example.com/%0Aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://gitlab.example.com/1',
  'about:blank',
  'ftp://gitlab.example.com/callback',
  'ws://gitlab.example.com/callback',
  'view-source:https://gitlab.example.com/',
  'urn:ietf:wg:oauth:2.0:oob',
  'myapp://callback',
  'myapp:/callback',
  'mailto:a@example.com',
  'tel:+8613800000000',
  'com.example.app:callback',
  'com.example.app:',
  'Com.Example.App:/callback',
  '.example:/callback',
  'com..example:/callback',
  'com.example.app:/callback#x',
  'com.example.app://user@callback',
  'com.example.app:/a/../callback',
  'com.example.app:/a/%2e%2e/callback',
  // plain http
  'http://gitlab.example.com/callback',
  'http://localhost.example.com/callback',
  'http://127.0.0.2/callback',
  'http://127.0.0.1.example.com/callback',
  'http://127.1/callback',
  'http://2130706433/callback',
  'http://0x7f000001/callback',
  'http://0177.0.0.1/callback',
  'http://0.0.0.0/callback',
  'http://[::]/callback',
  'http://[0:0:0:0:0:0:0:1]/callback',
  'http://[::ffff:127.0.0.1]/callback',
  'http://localhost./callback',
  'http://LOCALHOST/callback',
  'http://10.0.0.1/callback',
  // the host
  'HTTPS://gitlab.example.com/callback',
  'Https://gitlab.example.com/callback',
  'https://GitLab.example.com/callback',
  'https://gitlab.example.com./callback',
  'https://gitlab.example.com:/callback',
  'https://gitlab.example.com:0443/callback',
  'https://gitlab.example.com:65536/callback',
  'https://gitlab.example.com:x/callback',
  'https://gitlab.example.com:80:90/callback',
  'https://user@gitlab.example.com/callback',
  'https://user:secret@gitlab.example.com/callback',
  'https://@gitlab.example.com/callback',
  'https://gitlab.example.com@evil.example/callback',
  'https://gitlab.example.com%2eevil.example/callback',
  'https://gitlab%00.example.com/callback',
  'https://münchen.example/callback',
  'https://例子.example/callback',
  'https://ｇitlab.example.com/callback',
  'https://gitlab。example.com/callback',
  'https://[2001:DB8::1]/callback',
  'https://[2001:db8::1/callback',
  'https://2001:db8::1/callback',
  'https://*.example.com/callback',
  'https://*/callback',
  'https://..example..com../callback',
  // the path and what follows
  'https://gitlab.example.com/*',
  'https://gitlab.example.com/callback*',
  'https://gitlab.example.com/callback#',
  'https://gitlab.example.com/callback#code=x',
  'https://gitlab.example.com#callback',
  'https://gitlab.example.com/a/../callback',
  'https://gitlab.example.com/a/./callback',
  'https://gitlab.example.com/a/%2e%2e/callback',
  'https://gitlab.example.com/a/.%2E/callback',
  'https://gitlab.example.com/a/%2e/callback',
  'https://gitlab.example.com/..;/callback',
  'https://gitlab.example.com/a/.;x/callback',
  'https://gitlab.example.com/callback/..',
  'https://gitlab.example.com\\callback',
  'https:\\\\gitlab.example.com\\callback',
  'https://gitlab.example.com\\@evil.example/callback',
  'https://gitlab.example.com/call back',
  ' https://gitlab.example.com/callback',
  'https://gitlab.example.com/callback ',
  'https://gitlab.example.com/callback\n',
  'https://gitlab.example.com/call\rback',
  'https://gitlab.example.com/call\tback',
  'https://gitlab.example.com/call\0back',
  'https://gitlab.example.com/call%00back',
  'https://gitlab.example.com/call%0d%0aback',
  'https://gitlab.example.com/call%0Aback',
  'https://gitlab.example.com/call%7fback',
  'https://gitlab.example.com/call%xback',
  'https://gitlab.example.com/call%2',
  'https://gitlab.example.com/callback?x=%0a',
  'https://gitlab.example.com/<script>',
  'https://gitlab.example.com/"onload="x',
  'https://gitlab.example.com/{tenant}/callback',
  'https://gitlab.example.com/a|b',
  'https://gitlab.example.com/a^b`c',
  'https://gitlab.example.com/中文',
  'https://gitlab.example.com/\u202ecallback',
  'https://gitlab.example.com/\u200bcallback',
  'https://gitlab.example.com/\ud800',
]

test('addresses that can be read in one way only may be registered', () => {
  for (const uri of accepted) assert.equal(redirectUriProblem(uri), null, uri)
})

test('addresses that somebody could read in another way may not, and are told how to be written', () => {
  assert.ok(refused.length > 100)
  for (const uri of refused) assert.match(redirectUriProblem(uri) ?? '', /^[A-Z].{10,}[^.]$/, JSON.stringify(uri))
})

test('of one good address, no change of a character brings in another scheme, a fragment or a user', () => {
  const good = 'https://gitlab.example.com/cb'
  const strange = [
    '\0',
    '\t',
    '\n',
    '\r',
    ' ',
    '#',
    '*',
    '\\',
    '<',
    '>',
    '"',
    '{',
    '|',
    '^',
    '`',
    '\x7f',
    '\u00a0',
    '\u2028',
    '。',
    '%',
    '%0',
  ]
  let checked = 0
  for (let at = 0; at <= good.length; at++) {
    for (const text of strange) {
      for (const uri of [good.slice(0, at) + text + good.slice(at), good.slice(0, at) + text + good.slice(at + 1)]) {
        // Behind a % two characters of the address may happen to be digits: that is an ordinary encoding.
        if (/%[0-9a-f]{2}/i.test(uri)) continue
        assert.notEqual(redirectUriProblem(uri), null, JSON.stringify(uri))
        checked++
      }
    }
  }
  assert.ok(checked > 1_000)
})

test('what is accepted is what a parser makes of it, but for a path and a port that may be left out', () => {
  for (const uri of accepted) {
    const { href } = new URL(uri)

    assert.ok([uri, uri.replace(':443/', '/'), `${uri}/`, uri.replace('com?', 'com/?')].includes(href), uri)
  }
})

test('pages that are called or shown are of the web, pictures only over https', () => {
  assert.equal(webAddressProblem('https://gitlab.example.com/logout'), null)
  assert.equal(webAddressProblem('http://localhost:8090/logout'), null)
  assert.equal(httpsAddressProblem('https://gitlab.example.com/logo.png'), null)
  for (const uri of ['com.example.app:/logout', 'http://gitlab.example.com/logout', ...refused]) {
    assert.notEqual(webAddressProblem(uri), null, JSON.stringify(uri))
    assert.notEqual(httpsAddressProblem(uri), null, JSON.stringify(uri))
  }
  for (const uri of ['http://localhost/logo.png', 'data:image/svg+xml,<svg/>']) {
    assert.notEqual(httpsAddressProblem(uri), null, uri)
  }
})

test('the scheme of a native app is told from the web', () => {
  assert.deepEqual(['com.example.app:/cb', 'https://a.example/cb', 'http://localhost/cb'].map(isAppScheme), [
    true,
    false,
    false,
  ])
})

test('a long text is judged in a moment', () => {
  const long = `https://a.example/${'..;/%'.repeat(200_000)}`

  assert.notEqual(redirectUriProblem(long), null)
  assert.notEqual(redirectUriProblem(`com${'.a'.repeat(500_000)}`), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safeReturnTo } from './return-to.ts'

const ORIGIN = 'https://muster.example.com'

test('a path of ours is kept', () => {
  for (const path of [
    '/account',
    '/console',
    '/console/users?status=active&q=li',
    '/',
    '/a.b/c~d-e_f/',
    '/q?x=%E5%BC%A0',
  ]) {
    assert.equal(safeReturnTo(path, ORIGIN), path)
  }
})

/** Where somebody would like to be sent. Each is tried as it is and behind everything that a browser might skip. */
const ELSEWHERE = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https://evil.example',
  'https:\\\\evil.example',
  'http://evil.example',
  'HTTPS://evil.example',
  '//evil.example/account',
  '//muster.example.com@evil.example',
  'https://muster.example.com@evil.example',
  'https://muster.example.com.evil.example/account',
  '@evil.example',
  '.evil.example',
  ':80/account',
  'evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://evil.example/1',
  'mailto:a@evil.example',
  '/%09/evil.example',
  '/%0a/evil.example',
  '/%0d%0a/evil.example',
  '/%0d%0aLocation:%20https://evil.example',
  '/%2f/evil.example',
  '/%2fevil.example',
  '/%5cevil.example',
  '/%255cevil.example',
  '/%252fevil.example',
  '/%25252fevil.example',
  '/%40evil.example',
  '/\t/evil.example',
  '/\r\n/evil.example',
  '/\u0000/evil.example',
  '/\u2028/evil.example',
  '/．evil.example',
  '/／evil.example',
  '／／evil.example',
  '/account#@evil.example',
  '/account?x#//evil.example',
  '/account\r\nSet-Cookie: a=b',
  '/account\\..\\..',
  '/account//evil.example',
  '/./\\evil.example',
  '/..//evil.example',
  '/account/..//evil.example',
  '/<script>alert(1)</script>',
  '/account?next=https://evil.example',
  '/account?next=//evil.example',
  "/account'onclick=alert(1)",
  '/account"',
  '/account;//evil.example',
  '?x#//evil.example',
  '#//evil.example',
  '',
]
const BEHIND = ['', ' ', '\t', '\n', '\u00a0', '\ufeff']

test('whatever leads elsewhere ends at the default page', () => {
  let tried = 0
  for (const address of ELSEWHERE) {
    for (const before of BEHIND) {
      tried++
      assert.equal(safeReturnTo(`${before}${address}`, ORIGIN), '/account', JSON.stringify(`${before}${address}`))
    }
  }
  assert.ok(tried >= 150, `${tried} are too few`)
})

test('so does what is no text at all, and what is too long', () => {
  for (const given of [undefined, null, 1, {}, ['/console'], ['/console', '/x'], `/${'a'.repeat(1_001)}`]) {
    assert.equal(safeReturnTo(given, ORIGIN), '/account')
  }
})

test('encoded two or three times, an address is still no path, and stays on this origin as the browser reads it', () => {
  for (const address of ELSEWHERE) {
    for (let times = 1, encoded = address; times <= 3; times++) {
      encoded = encodeURIComponent(encoded)
      for (const given of [encoded, `/${encoded}`]) {
        const kept = safeReturnTo(given, ORIGIN)
        const url = new URL(kept, ORIGIN)
        assert.equal(url.origin, ORIGIN, JSON.stringify(given))
        assert.equal(new URL(decodeURI(kept), ORIGIN).origin, ORIGIN, JSON.stringify(given))
        assert.match(kept, /^\/(?![/\\])/)
      }
    }
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html, nameHtml, nameText, page, type Html } from './html.ts'

const NONCE = 'abcdefghijklmnop'
const HOSTILE = `"><script>alert(1)</script>'\`&amp;<!--`

test('what is put into a template is text, between tags and in attributes', () => {
  const { markup } = html`<p title="${HOSTILE}">${HOSTILE}</p>`

  assert.equal(
    markup
      .replace(/^<p title="|<\/p>$/g, '')
      .match(/[<>"'`]/g)
      ?.join(''),
    '">',
  )
  assert.ok(markup.includes('&amp;amp;'), 'an entity that somebody wrote stays as they wrote it')
})

test('markup is kept, lists are joined, and nothing leaves nothing', () => {
  const items = ['a', '<b>'].map((one) => html`<li>${one}</li>`)

  const { markup } = html`<p>${items}${null}${undefined}${false}${0}</p>`

  assert.equal(markup.replace(/\s+/g, ''), '<p><li>a</li><li>&lt;b&gt;</li>0</p>')
})

test('an object that looks like markup is not taken for it', () => {
  const parsed = JSON.parse('{"markup":"<script>"}') as Html

  assert.throws(() => html`${parsed}`)
})

test('direction controls in a name are shown, and the name is isolated', () => {
  const name = '\u202Egnp.exe\u2066\u0007'

  assert.equal(nameText(name), '[U+202E]gnp.exe[U+2066][U+0007]')
  assert.doesNotMatch(nameHtml(name).markup, /(?!\n)[\p{Bidi_Control}\p{Control}]/u)
  assert.match(nameHtml(name).markup, /^<bdi>.*<\/bdi>$/s)
  assert.equal(nameHtml('张三').markup, '<bdi>张三</bdi>')
})

test('a page allows nothing that it was not given', () => {
  const { csp, headers } = page({ language: 'en', title: 't', nonce: NONCE, body: html`` })

  assert.equal(headers['content-security-policy'], csp)
  assert.deepEqual(csp.split('; '), [
    "default-src 'none'",
    `script-src 'nonce-${NONCE}'`,
    `style-src 'nonce-${NONCE}'`,
    "img-src 'none'",
    "frame-src 'none'",
    "connect-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ])
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['referrer-policy'], 'no-referrer')
  assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
})

test('whoever may frame a page may also open it in a window', () => {
  const portal = 'https://portal.example.com'
  const { csp, headers } = page({
    language: 'en',
    title: 't',
    nonce: NONCE,
    body: html``,
    allows: { ancestors: [portal, portal] },
  })

  assert.ok(csp.includes(`frame-ancestors ${portal};`))
  assert.equal(headers['cross-origin-opener-policy'], 'unsafe-none')
})

for (const source of [
  "https://a.example; script-src 'unsafe-inline'",
  'https://a.example script-src',
  "'unsafe-inline'",
  '*',
  'javascript:',
  'JavaScript:',
  'data:',
  'https://a.example/path',
  'https://a.example\n',
  '',
]) {
  test(`a policy does not take ${JSON.stringify(source)} for a source`, () => {
    const all = [source]
    const allows = { images: all, frames: all, connections: all, forms: all, ancestors: all }

    const { csp } = page({ language: 'en', title: 't', nonce: NONCE, body: html``, allows })

    assert.equal(csp, page({ language: 'en', title: 't', nonce: NONCE, body: html`` }).csp)
  })
}

test('a nonce that could be guessed or could change the policy is a mistake of ours', () => {
  for (const nonce of ['', 'short', `${NONCE}' *`]) {
    assert.throws(() => page({ language: 'en', title: 't', nonce, body: html`` }), TypeError)
  }
})

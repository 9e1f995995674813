/** The error table is complete, bilingual and right where being wrong would hurt. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { errcodeMeanings, problems } from './error-table.ts'
import { WecomError, errorFromErrcode } from './errors.ts'
import type { WecomErrorKind } from './errors.ts'

/** Every number of wecom-api.md 1.1, 1.2, 2, 3, 5, 6 and 7. Copied by hand from there, not derived from the table. */
const documented = [
  -1, 6000, 40001, 40003, 40013, 40014, 40029, 40031, 40032, 40033, 40035, 40056, 40057, 40058, 40063, 40066, 40068,
  40073, 40077, 40078, 40080, 40082, 40083, 40084, 40085, 40086, 40088, 40089, 40091, 40125, 40133, 40134, 40205, 40207,
  40208, 40209, 40210, 41001, 41002, 41004, 41008, 41009, 41011, 41017, 41019, 41021, 41022, 41023, 41024, 41025, 42001,
  42003, 42007, 42009, 42022, 43004, 43009, 45009, 45024, 45026, 45029, 45033, 46004, 48001, 48002, 48003, 48004, 48005,
  48006, 48008, 48009, 50001, 50002, 50003, 50100, 60001, 60003, 60004, 60005, 60006, 60007, 60008, 60009, 60010, 60011,
  60020, 60021, 60030, 60031, 60102, 60103, 60104, 60105, 60106, 60107, 60110, 60111, 60112, 60123, 60124, 60125, 60127,
  60129, 60132, 60141, 60142, 60143, 60144, 60145, 60221, 60257, 80001, 81001, 81002, 81003, 81011, 81013, 84005, 84014,
  84015, 84025, 84090, 85004, 85005, 85006, 85007, 85008, 85111, 90210, 90211, 90212, 92000, 92001, 92002, 92003,
  301002, 301005, 301007, 301036, 302003, 302004, 302005, 302006, 302007, 302008, 701008, 701016, 701099,
]

test('every documented number is classified', () => {
  const missing = documented.filter((errcode) => !errcodeMeanings.has(errcode))

  assert.deepEqual(missing, [])
})

/** A second opinion on the reactions that matter, written from the document and not from the table. */
const reactions: [WecomErrorKind, boolean, number[]][] = [
  ['busy', true, [-1]],
  ['frequency', true, [45009, 45033]],
  ['credential', true, [40085, 41023]],
  ['credential', false, [40080, 40082, 40083, 40084, 42009, 48004, 84005]],
  ['credential', false, [40001, 40013, 40014, 40091, 41001, 41002, 41004, 42001, 50003, 301002, 301007]],
  ['address', false, [60020, 48009]],
  ['permission', false, [48001, 48002, 48005, 48006, 60031, 92001]],
  ['scope', false, [60011, 50002, 60021, 60030, 92000]],
  ['not-found', false, [60111, 40003, 46004, 60003, 60123, 40056, 40068, 40088, 40089]],
  ['sign-in', false, [40029, 42003, 42022, 40078, 84014, 84015, 84090]],
  ['configuration', false, [50001, 80001, 85005]],
  ['licence', false, [701008, 701016, 701099]],
]

for (const [kind, retryable, errcodes] of reactions) {
  test(`${errcodes.join(', ')}: ${kind}, ${retryable ? 'may pass' : 'does not pass by itself'}`, () => {
    for (const errcode of errcodes) {
      const error = errorFromErrcode(errcode, { api: 'user/get', errmsg: undefined, sensitive: [] })
      assert.deepEqual([errcode, error.kind, error.retryable], [errcode, kind, retryable])
    }
  })
}

test('nothing but -1, the frequency limits and a stale suite ticket is retryable among WeCom’s numbers', () => {
  const retryable = [...errcodeMeanings].filter(([, { code }]) => problems[code].retryable).map(([errcode]) => errcode)

  assert.deepEqual(
    retryable.sort((a, b) => a - b),
    [-1, 40085, 41023, 45009, 45033],
  )
})

test('every problem speaks both languages and points to a page', () => {
  for (const [code, { remedy, page }] of Object.entries(problems)) {
    assert.match(code, /^WECOM_[A-Z_]+$/)
    assert.match(remedy.en, /^[A-Z].{15,}\.$/, code)
    assert.match(remedy.zh, /[\u4e00-\u9fff].*。$/, code)
    assert.ok(page > 90_000 && page < 110_000, code)
  }
})

test('a number that nobody knows is refused, not retryable, and linked to WeCom’s own explanation', () => {
  const error = errorFromErrcode(123456, { api: 'user/get', errmsg: 'what', sensitive: [] })

  assert.deepEqual([error.code, error.kind, error.retryable], ['WECOM_REFUSED', 'unknown', false])
  assert.match(error.documentation, /\?e=123456$/)
})

test('a message of megabytes is cut before it is searched, and never in the middle of a secret', () => {
  const secret = 'x'.repeat(20)
  const errmsg = `${'word '.repeat(399)}${secret} ${'y'.repeat(5_000_000)}`

  const error = errorFromErrcode(40035, { api: 'user/get', errmsg, sensitive: [secret] })

  assert.ok(error.message.length < 300)
  assert.ok(!error.message.includes('xxx'))
})

test('long names of errors stay readable, tokens do not', () => {
  const message = `UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ${'aB3_'.repeat(10)}`

  const error = new WecomError('WECOM_TLS_FAILED', { api: 'gettoken', message })

  assert.equal(error.message, 'gettoken: UNABLE_TO_GET_ISSUER_CERT_LOCALLY, [redacted]')
})

test('an error made by hand is redacted too', () => {
  const cause = new Error('GET /cgi-bin/user/get?access_token=abc&userid=lisi of lisi@example.com, +86 138 0000 0000')

  const error = new WecomError('WECOM_CONNECTION_FAILED', { api: 'user/get', message: 'secret=hidden', cause })

  const text = `${error.message} ${error.stack} ${String((error.cause as Error).stack)}`
  for (const secret of ['abc', 'lisi', 'example.com', '0000 0000', 'hidden']) assert.ok(!text.includes(secret), text)
})

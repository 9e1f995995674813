/** Files by which WeCom checks a domain: put, read at the root as WeCom reads them, and gone with their connection. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createConnection,
  deleteConnection,
  deleteVerificationFile,
  diagnoseConnection,
  listAudit,
  putVerificationFile,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { startStack, type Stack } from './stack.ts'

const NAME = 'WW_verify_a1B2c3D4e5F6g7H8.txt'
const TEXT = 'a1B2c3D4e5F6g7H8'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a verification file is served as it was sent, replaced, and deleted', async (url) => {
    await using stack = await startStack(url, { people: 3, connection: { signIn: { enabled: true } } })
    assert.equal((await get(stack, NAME)).status, 404)

    const put = await stack.send(`/api/v1/connections/hq/verification-files/${NAME}`, {
      method: 'PUT',
      headers: { 'content-type': 'text/plain' },
      body: TEXT,
    })
    const served = await get(stack, NAME)

    assert.deepEqual([put.status, put.json['name']], [200, NAME])
    assert.ok(String(put.json['url']).endsWith(`/${NAME}`))
    assert.deepEqual([served.status, served.text], [200, TEXT])
    assert.equal(served.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.equal(served.headers.get('x-content-type-options'), 'nosniff')
    const { checks } = await stack.ask(diagnoseConnection, { params: { id: 'hq' } })
    const check = checks.find(({ name }) => name === 'verification-file')
    assert.equal(check?.result, 'pass')
    assert.ok(check.detail.includes(NAME))

    await stack.ask(putVerificationFile, { params: { id: 'hq', name: NAME }, body: `${TEXT}\r\n` })
    assert.equal((await get(stack, NAME)).text, `${TEXT}\r\n`)
    assert.equal((await get(stack, NAME.toLowerCase())).status, 404)
    await stack.ask(deleteVerificationFile, { params: { id: 'hq', name: NAME } })
    assert.equal((await get(stack, NAME)).status, 404)

    const { items } = await stack.ask(listAudit, { query: { limit: 500 } })
    const entries = items.filter(({ action }) => action.startsWith('connection.verification-file.')).toReversed()
    assert.deepEqual(
      entries.map(({ action, details }) => [action.split('.').at(-1), details['file']]),
      [
        ['save', NAME],
        ['save', NAME],
        ['delete', NAME],
      ],
    )
  })

  testWithUrl('C-11: nothing but such a file can be stored or read at the root', async (url) => {
    await using stack = await startStack(url, { people: 3 })
    const put = (name: string, body: string, type = 'text/plain') =>
      stack.send(`/api/v1/connections/hq/verification-files/${name}`, {
        method: 'PUT',
        headers: { 'content-type': type },
        body,
      })
    const names = [
      'WW_verify_.txt',
      `WW_verify_${'a'.repeat(65)}.txt`,
      'WW_verify_a.html',
      'WW_verify_a.txt.html',
      'WW_verify_a',
      'ww_verify_a.txt',
      'WW_verify_a-b.txt',
      'WW_verify_%E4%BC%81.txt',
      'WW_verify_a%00.txt',
      'WW_verify_a%0A.txt',
      'WW_verify_a%2F..%2Fhealthz.txt',
      '..%2FWW_verify_a.txt',
      '..%2F..%2Fetc%2Fpasswd',
      '%2Fetc%2Fpasswd',
      'healthz',
      'signin',
      'index.html',
    ]

    for (const name of names) {
      assert.equal((await put(name, TEXT)).status, 400, name)
      assert.equal((await get(stack, name)).text.includes(TEXT), false, name)
    }
    for (const text of ['', 'x'.repeat(1025), 'a\0b', 'é', '企', '\u202e']) {
      assert.equal((await put(NAME, text)).status, 400, JSON.stringify(text.slice(0, 9)))
    }
    assert.equal((await put(NAME, 'x'.repeat(2 * 1024 * 1024))).status, 413)
    assert.equal((await put(NAME, '<script>', 'text/html')).status, 415)
    assert.equal((await put(NAME, '{"text":"x"}', 'application/json')).status, 400)
    assert.equal((await put(NAME, 'x'.repeat(1024))).status, 200)
    assert.equal((await get(stack, 'healthz')).text.includes('"ok"'), true)
    const longest = `WW_verify_${'a'.repeat(64)}.txt`
    assert.equal((await put(longest, TEXT)).status, 200)
    assert.equal((await get(stack, longest)).text, TEXT)
  })

  testWithUrl('one connection keeps a name, another is told which, and removing it frees the name', async (url) => {
    await using stack = await startStack(url, { people: 3 })
    await stack.ask(createConnection, { body: { identifier: 'branch', displayName: '分公司' } })
    const address = (connection: string) => `/api/v1/connections/${connection}/verification-files/${NAME}`
    const put = (connection: string) =>
      stack.send(address(connection), { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: connection })

    const both = await Promise.all([put('hq'), put('branch')])
    const winner = both[0].status === 200 ? 'hq' : 'branch'
    const loser = winner === 'hq' ? 'branch' : 'hq'
    const refused = both.find(({ status }) => status !== 200)!
    const again = await put(loser)
    const foreign = await stack.send(address(loser), { method: 'DELETE' })

    assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 409])
    for (const { status, json } of [refused, again]) {
      assert.deepEqual([status, json['code']], [409, 'connections/verification-file-taken'])
      assert.ok(String(json['detail']).includes(`(${winner})`))
    }
    assert.deepEqual([foreign.status, foreign.json['code']], [404, 'connections/verification-file-not-found'])
    assert.equal((await get(stack, NAME)).text, winner)
    assert.equal((await put('nobody')).status, 404)

    await stack.ask(deleteConnection, { params: { id: winner }, query: { confirm: winner } })
    assert.equal((await get(stack, NAME)).status, 404)
    assert.equal((await put(loser)).status, 200)
    assert.equal((await get(stack, NAME)).text, loser)
  })

  testWithUrl('an auditor stores no file, and a connection keeps twenty', async (url) => {
    await using stack = await startStack(url, { people: 3 })
    const { token } = await stack.ask(createApiToken, { body: { name: 'auditor', role: 'auditor' } })
    const auditor = createClient(stack.server.origin, token)
    const put = (name: string, by: Pick<Stack, 'send'> = stack) =>
      by.send(`/api/v1/connections/hq/verification-files/${name}`, {
        method: 'PUT',
        headers: { 'content-type': 'text/plain' },
        body: TEXT,
      })

    assert.equal((await put(NAME, auditor)).status, 403)
    assert.equal((await get(stack, NAME)).status, 404)
    for (let index = 0; index < 20; index++) assert.equal((await put(`WW_verify_${index}.txt`)).status, 200)
    const refused = await put(NAME)
    assert.deepEqual([refused.status, refused.json['code']], [409, 'connections/too-many-verification-files'])
    assert.equal((await put('WW_verify_7.txt')).status, 200, 'one that is there may be replaced')
  })
})

/** As WeCom does, without a credential. */
function get({ server }: Stack, name: string) {
  return createClient(server.origin, null).send(`/${name}`)
}

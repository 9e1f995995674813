/** The examples really run, and so do the snippets of the README that they stand for. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createCipheriv, createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { startServer } from '../test/local-server.ts'
import type { Answerer } from '../test/local-server.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

async function run(example: string, answer: Answerer): Promise<{ code: number; out: string; err: string }> {
  const server = await startServer(answer)
  cleanUps.push(server.close)
  const env = {
    ...process.env,
    WECOM_API_URL: server.url,
    WECOM_CORP_ID: 'ww1',
    WECOM_SECRET: 's',
    WECOM_AGENT_ID: '7',
  }
  return await new Promise((resolve) => {
    const file = fileURLToPath(new URL(example, import.meta.url))
    execFile(process.execPath, [file], { env, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}

test('list-company prints trees whose roots need not be department 1', async () => {
  const { code, out } = await run('list-company.ts', ({ api, query }) => {
    if (api === 'department/list') {
      const department = [
        { id: 5, name: 'Sales', parentid: 1 },
        { id: 6, name: 'North', parentid: 5 },
      ]
      return { errcode: 0, department }
    }
    if (api !== 'user/list') return undefined
    return { errcode: 0, userlist: query.get('department_id') === '6' ? [{ userid: 'lisi', name: 'Li Si' }, {}] : [] }
  })

  assert.equal(code, 0)
  assert.equal(out, 'Sales\n  North\n    - Li Si (lisi)\n    - and 1 who could not be read\n')
})

test('check-credential reports what an app sees', async () => {
  const { code, out } = await run('check-credential.ts', ({ api }) => {
    if (api === 'agent/get') return { errcode: 0, name: 'Directory', allow_partys: { partyid: [1] }, close: 0 }
    if (api === 'department/simplelist') return { errcode: 0, department_id: [{ id: 1, parentid: 0 }] }
    return api === 'user/list' ? { errcode: 0, userlist: [{ userid: 'a', gender: '1' }] } : undefined
  })

  assert.equal(code, 0)
  assert.match(out, /app: Directory\nvisible: 1 departments, 0 members one by one\ndepartments: 1, with the root/)
  assert.match(out, /withheld fields: mobile, email, bizMail, avatar\n/)
})

test('check-credential names the address to add', async () => {
  const errmsg =
    'not allow to access from your ip, hint: [1680743372339601936772701], from ip: 139.227.20.128, more info at x'

  const { code, out } = await run('check-credential.ts', ({ api }) =>
    api === 'gettoken' ? undefined : { errcode: 60020, errmsg },
  )

  assert.equal(code, 1)
  assert.match(out, /WECOM_ADDRESS_NOT_TRUSTED: .*trusted IP.*\naddress that WeCom sees: 139\.227\.20\.128\n/)
})

test('export-members prints one member per line', async () => {
  let file = Buffer.alloc(0)

  const { code, out, err } = await run('export-members.ts', ({ api, body, headers }) => {
    if (api === 'export/user') {
      const key = Buffer.from(`${String(body?.['encoding_aeskey'])}=`, 'base64')
      const plain = Buffer.from('{"userlist":[{"userid":"a"},{"userid":"b"}]}')
      const padding = Buffer.alloc(32 - (plain.length % 32), 32 - (plain.length % 32))
      const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
      file = Buffer.concat([cipher.update(plain), cipher.update(padding), cipher.final()])
      return { errcode: 0, jobid: 'j' }
    }
    if (api === 'export/get_result') {
      const md5 = createHash('md5').update(file).digest('hex')
      return { errcode: 0, status: 2, data_list: [{ url: `http://${headers.host}/file`, size: file.length, md5 }] }
    }
    return api === '/file' ? file : undefined
  })

  assert.equal(code, 0, err)
  assert.deepEqual(
    out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { userid: string }).userid),
    ['a', 'b'],
  )
  assert.match(err, /export\/download: ok, \d+ ms\n2 members\n/)
})

/** Export jobs: submitted once, awaited, checked, decrypted in either framing. */

import assert from 'node:assert/strict'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'

import { createHurriedClock } from '../test/clock.ts'
import { startServer } from '../test/local-server.ts'
import type { LocalServer } from '../test/local-server.ts'
import { createExportKey, createWecom } from './index.ts'
import type { Principal, WecomError } from './index.ts'

const cleanUps: (() => Promise<void>)[] = []
after(() => Promise.all(cleanUps.map((cleanUp) => cleanUp())))

/** Written from page 94850 and not with our own module, so that a shared mistake cannot cancel out. */
function encrypt(plain: Buffer, encodingAesKey: string, block = 32): Buffer {
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  const count = block - (plain.length % block)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(Buffer.concat([plain, Buffer.alloc(count, count)])), cipher.final()])
}

type Exporter = {
  server: LocalServer
  principal: Principal
  /** Changes what the next job gives. */
  job: { contents: unknown[]; polls: number; status?: number; frame: (json: Buffer) => Buffer; fileUrl?: string }
  tamper: { file?: (file: { url: string; size: number; md5: string }) => unknown; bytes?: (bytes: Buffer) => Buffer }
}

async function startExporter(): Promise<Exporter> {
  const job: Exporter['job'] = { contents: [], polls: 2, frame: (json) => json }
  const tamper: Exporter['tamper'] = {}
  let files: Buffer[] = []
  const server = await startServer(({ api, body, earlier }) => {
    if (api === 'export/get_result') {
      if (earlier < job.polls) return { errcode: 0, status: Math.min(earlier, 1) }
      const data_list = files.map((bytes, index) => {
        const url = job.fileUrl ?? `${server.url}/file/${index}`
        const file = { url, size: bytes.length, md5: createHash('md5').update(bytes).digest('hex') }
        return tamper.file?.(file) ?? file
      })
      return { errcode: 0, status: job.status ?? 2, data_list }
    }
    if (api.startsWith('export/')) {
      const key = String(body?.['encoding_aeskey'])
      files = job.contents.map((content) => encrypt(job.frame(Buffer.from(JSON.stringify(content))), key))
      return { errcode: 0, jobid: 'job-1' }
    }
    if (!api.startsWith('/file/')) return undefined
    const bytes = files[Number(api.slice(6))] ?? Buffer.alloc(0)
    return tamper.bytes?.(bytes) ?? bytes
  })
  const wecom = createWecom({ apiUrl: server.url, ...createHurriedClock() })
  cleanUps.push(() => wecom.close(), server.close)
  return { server, principal: wecom.principal({ corpId: 'ww1', secret: 's' }), job, tamper }
}

async function usersOf(principal: Principal): Promise<string[]> {
  const userids: string[] = []
  for await (const { rows } of principal.exports.run('user')) userids.push(...rows.map(({ userid }) => userid))
  return userids
}

const framings: [string, (json: Buffer) => Buffer][] = [
  ['bare', (json) => json],
  ['after 16 random bytes', (json) => Buffer.concat([randomBytes(16), json])],
  ['after 16 bytes that look like JSON', (json) => Buffer.concat([Buffer.from('{"a":1,"b":[2,3]'), json])],
  [
    'framed like a callback',
    (json) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(json.length)
      return Buffer.concat([randomBytes(16), length, json, Buffer.from('ww1')])
    },
  ],
]

for (const [what, frame] of framings) {
  test(`members arrive file by file, ${what}`, async () => {
    const { server, principal, job } = await startExporter()
    job.frame = frame
    job.contents = [{ userlist: [{ userid: 'a' }, {}] }, { userlist: [{ userid: 'b' }] }]

    const pages = []
    for await (const page of principal.exports.run('user')) pages.push(page)

    assert.deepEqual(
      pages.map(({ rows, rejected, file, files }) => [rows.map(({ userid }) => userid), rejected.length, file, files]),
      [
        [['a'], 1, 1, 2],
        [['b'], 0, 2, 2],
      ],
    )
    assert.equal(server.count('export/user'), 1)
  })
}

test('departments, tags and simple members have their own rows', async () => {
  const { principal, job } = await startExporter()

  job.contents = [{ department: [{ id: 1, parentid: 0 }] }]
  for await (const { rows } of principal.exports.run('department')) assert.equal(rows[0]?.parentId, 0)
  job.contents = [{ tagname: 't', userlist: [{ userid: 'a' }], partylist: [1] }]
  for await (const { rows } of principal.exports.run('taguser', { tagId: 3 }))
    assert.deepEqual(rows[0]?.departmentIds, [1])
  job.contents = [[{ userid: 'a', department: [1] }]]
  for await (const { rows } of principal.exports.run('simple_user')) assert.equal(rows[0]?.departments?.[0]?.id, 1)
})

test('polls grow from two seconds, and files are fetched without a token', async () => {
  const { server, principal, job } = await startExporter()
  job.contents = [{ userlist: [] }]
  job.polls = 3

  assert.deepEqual(await usersOf(principal), [])

  assert.equal(server.count('export/get_result'), 4)
  const file = server.asked.find(({ api }) => api === '/file/0')
  assert.equal(file?.query.size, 0)
  assert.deepEqual(server.asked[1]?.body?.['block_size'], 20_000)
})

const broken: [string, (exporter: Exporter) => void][] = [
  ['a job that failed', ({ job }) => (job.status = 3)],
  ['a job that never ends', ({ job }) => (job.polls = Infinity)],
  ['another size', ({ tamper }) => (tamper.file = (file) => ({ ...file, size: file.size + 16 }))],
  ['another md5', ({ tamper }) => (tamper.file = (file) => ({ ...file, md5: '0'.repeat(32) }))],
  ['content that is not JSON', ({ job }) => (job.frame = () => Buffer.from('hello'))],
  ['a file without the list', ({ job }) => (job.contents = [{ errcode: 0 }])],
  ['a file address of another scheme', ({ job }) => (job.fileUrl = 'file:///etc/passwd')],
  ['a file address that is an address of our network', ({ job }) => (job.fileUrl = 'http://169.254.169.254/latest')],
  ['a file address that is an IPv6 address', ({ job }) => (job.fileUrl = 'http://[::1]:1/')],
  ['a file address that is a local name', ({ job }) => (job.fileUrl = 'http://metadata.google.internal/')],
  ['a file address with a user', ({ job }) => (job.fileUrl = 'http://user:password@example.com/')],
]

for (const [what, breakIt] of broken) {
  test(`${what} is a failure, not an empty company`, async () => {
    const exporter = await startExporter()
    exporter.job.contents = [{ userlist: [{ userid: 'a' }] }]
    breakIt(exporter)

    await assert.rejects(usersOf(exporter.principal), (error: WecomError) => error.code === 'WECOM_EXPORT_FAILED')
  })
}

test('a file larger than announced is not read to its end', async () => {
  const { principal, job, tamper } = await startExporter()
  job.contents = [{ userlist: [] }]
  tamper.bytes = (bytes) => Buffer.concat([bytes, Buffer.alloc(1_000_000)])

  await assert.rejects(usersOf(principal), { code: 'WECOM_ANSWER_TOO_LARGE' })
})

test('a file that WeCom padded to 16 bytes is read as well', async () => {
  const { principal, server } = await startExporter()
  const key = createExportKey()
  const bytes = encrypt(Buffer.from('{"userlist":[]}'), key, 16)
  const elsewhere = await startServer(() => bytes)
  cleanUps.push(elsewhere.close)
  const file = {
    url: elsewhere.url,
    size: bytes.length,
    md5: createHash('md5').update(bytes).digest('hex').toUpperCase(),
  }

  assert.deepEqual(await principal.exports.download(file, key), { userlist: [] })

  assert.equal(server.asked.length, 0, 'no token was needed')
})

test('a tag export without tag id, and a key that is none, are refused without a request', async () => {
  const { server, principal } = await startExporter()
  const encodingAesKey = createExportKey()

  await assert.rejects(principal.exports.submit('taguser', { encodingAesKey }), { code: 'WECOM_ARGUMENT_INVALID' })
  await assert.rejects(principal.exports.submit('user', { encodingAesKey: 'x' }), { code: 'WECOM_ARGUMENT_INVALID' })

  assert.equal(server.asked.length, 0)
})

test('keys are 43 letters and digits, each time others, and strict decoders take them', () => {
  const keys = new Set(Array.from({ length: 100 }, createExportKey))

  assert.equal(keys.size, 100)
  for (const key of keys) {
    assert.match(key, /^[A-Za-z0-9]{43}$/)
    assert.equal(Buffer.from(`${key}=`, 'base64').toString('base64'), `${key}=`)
  }
})

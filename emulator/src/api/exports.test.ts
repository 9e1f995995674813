import assert from 'node:assert/strict'
import { createDecipheriv, createHash } from 'node:crypto'
import { test } from 'node:test'

import type { TestContext } from 'node:test'

import { fetchRaw, parse, rows, stage } from '../test-client.ts'
import type { Json } from '../test-client.ts'

const encoding_aeskey = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

/** Decrypts with nothing of the emulator's own. */
function open(sealed: Buffer): string {
  const key = Buffer.from(`${encoding_aeskey}=`, 'base64')
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(sealed), decipher.final()])
  return padded.toString('utf8', 0, padded.length - (padded.at(-1) ?? 0))
}

async function exporting(t: TestContext, people: number) {
  const staged = await stage(t, { people, now: () => 1_800_000_000_000 })
  const app = staged.as('self-built')
  staged.control.changeSettings({ exportPendingMs: 1_000, exportRunningMs: 1_000, limits: { exportBlockMin: 1 } })
  const submit = async (endpoint: string, more: Json = {}) =>
    String((await app.post(endpoint, { encoding_aeskey, ...more }))['jobid'])
  const result = (jobid: string) => app.get('export/get_result', { jobid })
  const finished = async (jobid: string) => {
    staged.control.advanceClock({ ms: 2_000 })
    return rows(await result(jobid), 'data_list') as { url: string; size: number; md5: string }[]
  }
  return { ...staged, app, submit, result, finished }
}

async function download(url: string, range?: string): Promise<{ status: number; bytes: Buffer }> {
  const response = await fetchRaw(url, range === undefined ? {} : { headers: { range } })
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
}

test('an export is pending, running, then done, in blocks of the size asked for', async (t) => {
  const { control, corpId, agentId, submit, result, finished } = await exporting(t, 45)
  const jobid = await submit('export/user', { block_size: 20 })

  const pending = await result(jobid)
  control.advanceClock({ ms: 1_000 })
  const running = await result(jobid)
  const files = await finished(jobid)

  assert.deepEqual([pending['status'], running['status'], running['data_list']], [0, 1, []])
  const members: unknown[] = []
  const sizes: number[] = []
  for (const { url, size, md5 } of files) {
    const { bytes } = await download(url)
    assert.equal(bytes.length, size)
    assert.equal(createHash('md5').update(bytes).digest('hex'), md5)
    const part = rows(parse(open(bytes)), 'userlist')
    sizes.push(part.length)
    members.push(...part)
  }
  assert.deepEqual(sizes, [20, 20, 5])
  assert.deepEqual(members, control.viewAs({ corpId, agentId: agentId('self-built') }).members)
})

test('departments, names and tags are exported as their list endpoints show them', async (t) => {
  const { app, submit, finished } = await exporting(t, 30)
  const contents = async (endpoint: string, more: Json = {}) => {
    const [file] = await finished(await submit(endpoint, more))
    return parse(open((await download(file?.url ?? '')).bytes))
  }

  const departments = await contents('export/department')
  const names = rows(await contents('export/simple_user'), 'userlist')
  const tag = await contents('export/taguser', { tagid: 1 })

  assert.deepEqual(departments['department'], (await app.get('department/list'))['department'])
  assert.equal(names.length, 30)
  assert.deepEqual(Object.keys(names[0] ?? {}), ['userid', 'name', 'department'])
  const { errcode: _, errmsg: __, ...listed } = await app.get('tag/get', { tagid: 1 })
  assert.deepEqual(tag, listed)
})

test('a file can be read in ranges, and its link dies after two hours', async (t) => {
  const { control, submit, finished } = await exporting(t, 12)
  const [file] = await finished(await submit('export/user'))
  const url = file?.url ?? ''
  const { bytes } = await download(url)

  const head = await download(url, 'bytes=0-9')
  const tail = await download(url, 'bytes=-7')
  const rest = await download(url, `bytes=10-`)
  const beyond = await download(url, `bytes=${bytes.length}-`)
  const forged = await download(url.replace(/key=.*/, 'key=guess'))
  control.advanceClock({ ms: 2 * 3_600_000 })
  const late = await download(url)

  assert.deepEqual([head.status, head.bytes], [206, bytes.subarray(0, 10)])
  assert.deepEqual(tail.bytes, bytes.subarray(-7))
  assert.deepEqual(Buffer.concat([head.bytes, rest.bytes]), bytes)
  assert.deepEqual([beyond.status, forged.status, late.status], [416, 403, 403])
})

test('unknown jobs, jobs of others and cleaned results are told apart', async (t) => {
  const { as, submit, result } = await exporting(t, 12)
  const first = await submit('export/user')

  const foreign = await as('system').get('export/get_result', { jobid: first })
  for (let n = 0; n < 5; n++) await submit('export/user')
  const cleaned = await result(first)
  const unknown = await result('job_invented')

  assert.deepEqual([foreign['errcode'], cleaned['errcode'], unknown['errcode']], [40088, 40089, 40088])
  assert.deepEqual(unknown['data_list'], [])
})

test('an export can fail, and can carry the prefix of callbacks', async (t) => {
  const { control, submit, result, finished } = await exporting(t, 12)
  control.changeSettings({ exportOutcome: 'failed' })
  const failing = await submit('export/user')
  control.changeSettings({ exportOutcome: 'done', readings: { exportPrefix: 'callback' } })
  const [file] = await finished(await submit('export/user'))

  const { bytes } = await download(file?.url ?? '')

  assert.equal((await result(failing))['status'], 3)
  assert.equal(open(bytes).indexOf('{"userlist"'), open(bytes).indexOf('{'))
  assert.notEqual(open(bytes).indexOf('{'), 0)
})

test('a bad key and a bad block size are refused', async (t) => {
  const { app, control } = await exporting(t, 12)
  control.changeSettings({ limits: { exportBlockMin: 10_000 } })

  const badKey = await app.post('export/user', { encoding_aeskey: 'short' })
  const noKey = await app.post('export/user', {})
  const smallBlock = await app.post('export/user', { encoding_aeskey, block_size: 9_999 })

  assert.deepEqual([badKey['errcode'], noKey['errcode'], smallBlock['errcode']], [40058, 40063, 40058])
})

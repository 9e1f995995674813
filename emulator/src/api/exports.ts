/**
 * Asynchronous exports (wecom-api.md §2.4): jobs that ripen with the clock, and encrypted files behind links that die
 * after two hours. A file is built when its job is first asked for after it is done, so it shows the directory of then.
 */

import { createHash } from 'node:crypto'

import type { App } from '../company/apps.ts'
import type { Company } from '../company/company.ts'
import { encryptBytes, frame } from '../crypto.ts'
import { ApiError } from '../errors.ts'
import type { Random } from '../random.ts'
import type { Settings } from '../settings.ts'
import type { Outgoing } from './transport.ts'
import type { World } from '../world.ts'

export const exportPrefix = '/export/'

/** The rows of one export: `name` is the array's key in the files, `rows` are already rendered. */
export interface ExportTable {
  name: string
  rows: unknown[]
}

/** What an export contains, split into files of at most `blockSize` rows. Several tables share a file where WeCom does so. */
export interface ExportPlan {
  key: Buffer
  blockSize: number
  tables(): ExportTable[]
  /** Keys beside the arrays, such as the name of a tag. */
  extra?: Record<string, unknown>
}

interface Job extends ExportPlan {
  id: string
  company: Company
  app: App
  submittedAtMs: number
  outcome: Settings['exportOutcome']
  files?: { bytes: Buffer; md5: string; key: string; expiresAtMs: number }[]
}

export interface Exports {
  submit(company: Company, app: App, plan: ExportPlan): string
  /** Throws 40088 for a job this principal never had, 40089 for one whose result is no longer kept. */
  result(jobId: string, app: App, origin: string): { status: 0 | 1 | 2 | 3; data_list: unknown[] }
  file(jobId: string, index: number, key: string): Buffer | undefined
}

const linkLifetimeMs = 2 * 3_600_000
/** Results kept per company; the page says so of batch jobs. */
const jobsKept = 5

export function createExports(random: Random, settings: () => Settings, now: () => number): Exports {
  const jobs = new Map<string, Job>()
  const cleaned = new Map<string, App>()

  return {
    submit(company, app, plan) {
      const id = `job_${random.hex(32)}`
      jobs.set(id, { ...plan, id, company, app, submittedAtMs: now(), outcome: settings().exportOutcome })
      const own = [...jobs.values()].filter((job) => job.company === company)
      for (const old of own.slice(0, -jobsKept)) {
        jobs.delete(old.id)
        cleaned.set(old.id, old.app)
      }
      return id
    },
    result(jobId, app, origin) {
      const job = jobs.get(jobId)
      if (!job && cleaned.get(jobId) === app) throw new ApiError(40089)
      if (!job || job.app !== app) throw new ApiError(40088)
      const { exportPendingMs, exportRunningMs } = settings()
      const ageMs = now() - job.submittedAtMs
      if (ageMs < exportPendingMs) return { status: 0, data_list: [] }
      if (ageMs < exportPendingMs + exportRunningMs) return { status: 1, data_list: [] }
      if (job.outcome === 'failed') return { status: 3, data_list: [] }
      job.files ??= build(job).map(({ bytes, md5 }) => ({
        bytes,
        md5,
        key: random.hex(32),
        expiresAtMs: now() + linkLifetimeMs,
      }))
      const data_list = job.files.map(({ bytes, md5, key }, index) => ({
        url: `${origin}${exportPrefix}${job.id}/${index}?key=${key}`,
        size: bytes.length,
        md5,
      }))
      return { status: 2, data_list }
    },
    file(jobId, index, key) {
      const file = jobs.get(jobId)?.files?.[index]
      return file && file.key === key && now() < file.expiresAtMs ? file.bytes : undefined
    },
  }

  function build(job: Job): { bytes: Buffer; md5: string }[] {
    return split(job.tables(), job.blockSize).map((block) => {
      const json = Buffer.from(JSON.stringify({ ...job.extra, ...block }))
      const prefixed = settings().readings.exportPrefix === 'callback'
      const plain = prefixed ? frame(Buffer.from(random.hex(32), 'hex'), json, job.company.corpId) : json
      const bytes = encryptBytes(job.key, plain)
      return { bytes, md5: createHash('md5').update(bytes).digest('hex') }
    })
  }
}

/** Every file carries every array, so that a reader may treat them alike. An empty export is one file of empty arrays. */
function split(tables: readonly ExportTable[], blockSize: number): Record<string, unknown[]>[] {
  const empty = (): Record<string, unknown[]> => Object.fromEntries(tables.map(({ name }) => [name, []]))
  let block = empty()
  const blocks = [block]
  let used = 0
  for (const { name, rows } of tables) {
    for (const row of rows) {
      if (used === blockSize) {
        block = empty()
        blocks.push(block)
        used = 0
      }
      block[name]?.push(row)
      used++
    }
  }
  return blocks
}

/** `GET /export/<job>/<index>?key=…`, with one Range of the forms `a-b`, `a-` and `-n`. 403 for a link that is dead or wrong. */
export function serveExport(world: World, path: string, query: URLSearchParams, range: string | undefined): Outgoing {
  const [jobId = '', index = ''] = path.slice(exportPrefix.length).split('/')
  const bytes = world.exports.file(jobId, Number(index), query.get('key') ?? '')
  if (!bytes) return { status: 403, headers: { 'content-type': 'text/plain' }, bytes: Buffer.from('link expired') }
  const headers = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' }
  const wanted = /^bytes=(\d*)-(\d*)$/.exec(range ?? '')
  if (!wanted || (wanted[1] === '' && wanted[2] === '')) return { status: 200, headers, bytes }

  const [, first = '', last = ''] = wanted
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1)
  if (start > end) {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${bytes.length}` }, bytes: Buffer.alloc(0) }
  }
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end}/${bytes.length}` },
    bytes: bytes.subarray(start, end + 1),
  }
}

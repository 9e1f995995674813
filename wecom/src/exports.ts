/**
 * Asynchronous export (pages 94850–94854): WeCom writes the whole directory into encrypted files, which is the cheapest
 * way to read a large company. The files come from an address that WeCom names; it is checked and gets no token.
 */

import { createHash, randomInt } from 'node:crypto'

import { decodeAesKey, decryptPadded } from './callback-crypto.ts'
import { readDepartments } from './departments.ts'
import type { Department } from './departments.ts'
import { WecomError, invalidArgument } from './errors.ts'
import { readMembers } from './members.ts'
import type { Member } from './members.ts'
import type { Caller, CallOptions } from './request.ts'
import { readTagContent } from './tags.ts'
import type { TagContent } from './tags.ts'
import { IncompleteAnswer, isObject, requireList, requireText, toInteger, toNonEmptyText } from './wire.ts'
import type { RejectedRow, WireObject } from './wire.ts'

/** `simple_user` has userid, name and departments; `taguser` needs a tag id. */
export type ExportKind = 'simple_user' | 'user' | 'department' | 'taguser'

/** What one row of an export is. */
export type ExportRow = { simple_user: Member; user: Member; department: Department; taguser: TagContent }

export type ExportSubmission = {
  /** 43 letters and digits, as made by `createExportKey`. */
  encodingAesKey: string
  /** Rows per file, 10,000 to 1,000,000. */
  blockSize?: number
  tagId?: number
}

/** Valid for two hours. `md5` and `size` (bytes) are those of the encrypted file. */
export type ExportFile = { readonly url: string; readonly size: number; readonly md5: string }

export type ExportResult = {
  readonly status: 'pending' | 'running' | 'done' | 'failed'
  /** Empty unless done. */
  readonly files: readonly ExportFile[]
}

/** One file. The export is complete when the loop over `run` ends without an error, and only then. */
export type ExportPage<Row> = {
  readonly rows: readonly Row[]
  readonly rejected: readonly RejectedRow[]
  readonly file: number
  readonly files: number
}

export type ExportRunOptions = CallOptions & {
  /** Rows per file and so per page; default 20,000, some 25 MB of members. */
  blockSize?: number
  /** For `taguser`. */
  tagId?: number
  /** Gives up on a job that is not done by then; default 30 minutes. */
  maxWaitMs?: number
}

export interface Exports {
  /** Starts a job. Never repeated by itself: a second job would be one too many. */
  submit(kind: ExportKind, submission: ExportSubmission, options?: CallOptions): Promise<string>
  result(jobId: string, options?: CallOptions): Promise<ExportResult>
  /** Downloads, checks size and md5, decrypts. The plaintext is the parsed JSON. */
  download(file: ExportFile, encodingAesKey: string, options?: CallOptions): Promise<unknown>
  /** Submits, waits, downloads and reads, file by file. Only one file is in memory at a time. */
  run<Kind extends ExportKind>(
    kind: Kind,
    options?: ExportRunOptions,
  ): AsyncGenerator<ExportPage<ExportRow[Kind]>, void, undefined>
}

export type ExportSettings = { apiUrl: string; timeoutMs: number; maxBytes: number; now: () => number }

const FIRST_POLL_MS = 2000
const MAX_POLL_MS = 30_000
const POLL_GROWTH = 1.5
const DEFAULT_BLOCK_SIZE = 20_000
const DEFAULT_MAX_WAIT_MS = 30 * 60_000

const STATUSES = ['pending', 'running', 'done', 'failed'] as const

const KEY_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const KEY_LENGTH = 43

/** The last of 43 base64 characters holds four bits; these are the letters and digits whose loose bits are zero. */
const LAST_KEY_LETTERS = 'AEIMQUYcgkosw048'

/** A fresh key for one export: letters and digits only, as the console makes them. */
export function createExportKey(): string {
  const letters = Array.from({ length: KEY_LENGTH - 1 }, () => KEY_LETTERS[randomInt(KEY_LETTERS.length)])
  return letters.join('') + LAST_KEY_LETTERS[randomInt(LAST_KEY_LETTERS.length)]
}

export function createExports(caller: Caller, settings: ExportSettings): Exports {
  const { call } = caller

  const operations: Exports = {
    async submit(kind, { encodingAesKey, blockSize, tagId }, options) {
      const api = `export/${kind}`
      decodeAesKey(encodingAesKey)
      if (kind === 'taguser' && tagId === undefined) throw invalidArgument(api, 'an export of a tag needs its id')
      return await call(
        {
          api,
          method: 'POST',
          body: {
            encoding_aeskey: encodingAesKey,
            ...(blockSize === undefined ? {} : { block_size: blockSize }),
            ...(kind === 'taguser' ? { tagid: tagId } : {}),
          },
          repeat: 'never',
          read: (answer) => requireText(answer, 'jobid'),
        },
        options,
      )
    },

    async result(jobId, options) {
      const query = { jobid: jobId }
      return await call({ api: 'export/get_result', method: 'GET', query, repeat: 'always', read: readResult }, options)
    },

    async download(file, encodingAesKey, options) {
      const key = decodeAesKey(encodingAesKey)
      const url = checkedFileUrl(file.url, settings.apiUrl)
      if (file.size > settings.maxBytes) throw exportFailed('the file is larger than allowed')
      const { timeoutMs } = settings
      const request = { api: 'export/download', url, timeoutMs, maxBytes: file.size }
      const encrypted = await caller.download(request, options)
      if (encrypted.length !== file.size) throw exportFailed('the file has another size than announced')
      const digest = createHash('md5').update(encrypted).digest('hex')
      if (digest !== file.md5.toLowerCase()) throw exportFailed('the file has another md5 than announced')
      const plain = decryptPadded(encrypted, key)
      if (plain === undefined) throw exportFailed('the file was encrypted with another key')
      return parsePlaintext(plain)
    },

    async *run<Kind extends ExportKind>(kind: Kind, options: ExportRunOptions = {}) {
      const { blockSize = DEFAULT_BLOCK_SIZE, tagId, maxWaitMs = DEFAULT_MAX_WAIT_MS, ...callOptions } = options
      const encodingAesKey = createExportKey()
      const jobId = await operations.submit(kind, { encodingAesKey, blockSize, tagId }, callOptions)
      const files = await finished(jobId, maxWaitMs, callOptions)
      for (const [index, file] of files.entries()) {
        const plaintext = await operations.download(file, encodingAesKey, callOptions)
        yield { ...readRows(kind, plaintext), file: index + 1, files: files.length }
      }
    },
  }
  return operations

  async function finished(jobId: string, maxWaitMs: number, options: CallOptions): Promise<readonly ExportFile[]> {
    const deadline = settings.now() + maxWaitMs
    for (let intervalMs = FIRST_POLL_MS; ; intervalMs = Math.min(intervalMs * POLL_GROWTH, MAX_POLL_MS)) {
      const { status, files } = await operations.result(jobId, options)
      if (status === 'done') return files
      if (status === 'failed') throw exportFailed('WeCom reports the job as failed')
      if (settings.now() + intervalMs > deadline) throw exportFailed(`the job is not done after ${maxWaitMs} ms`)
      await caller.pause('export/get_result', intervalMs, options)
    }
  }
}

function readResult(answer: WireObject): ExportResult {
  const status = STATUSES[toInteger(answer['status']) ?? -1]
  if (status === undefined) throw new IncompleteAnswer('"status" is missing')
  if (status !== 'done') return { status, files: [] }
  const files = requireList(answer, 'data_list').map((row) => {
    const url = isObject(row) ? toNonEmptyText(row['url']) : undefined
    const size = isObject(row) ? toInteger(row['size']) : undefined
    const md5 = isObject(row) ? toNonEmptyText(row['md5']) : undefined
    if (url === undefined || size === undefined || size <= 0 || md5 === undefined) {
      throw new IncompleteAnswer('a file lacks its url, size or md5')
    }
    return { url, size, md5 }
  })
  return { status, files }
}

/**
 * WeCom's word on where the file is must not lead into our own network: http(s) only, no user, and no bare address or
 * local name unless it is the very host of the API (an emulator, a private deployment).
 */
function checkedFileUrl(text: string, apiUrl: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw exportFailed('the file address is not http(s)')
  if (url.username !== '' || url.password !== '') throw exportFailed('the file address carries a user')
  const isOwnHost = url.hostname === new URL(apiUrl).hostname
  const isPublicName =
    /\.[a-z][a-z0-9-]*$/i.test(url.hostname) && !/\.(?:local|localhost|internal)$/i.test(url.hostname)
  if (!isOwnHost && !isPublicName) throw exportFailed('the file address is not a public host name')
  return url.href
}

/**
 * JSON, with or without the 16 random bytes (and the length) that callbacks carry in front: the page describes bare AES
 * and is silent on it (wecom-api.md 11, point 10).
 */
function parsePlaintext(plain: Buffer): unknown {
  const framed = plain.length >= 20 ? 20 + plain.readUInt32BE(16) : 0
  for (const part of [plain, plain.subarray(16), plain.subarray(20, framed)]) {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(part)) as unknown
    } catch {
      // Not this framing; the errors quote the content and are dropped.
    }
  }
  throw exportFailed('the decrypted file is not JSON')
}

/** The same arrays as the calls the export stands for, bare or under their usual key. */
function readRows<Kind extends ExportKind>(
  kind: Kind,
  plaintext: unknown,
): { rows: ExportRow[Kind][]; rejected: readonly RejectedRow[] }
function readRows(
  kind: ExportKind,
  plaintext: unknown,
): { rows: readonly ExportRow[ExportKind][]; rejected: readonly RejectedRow[] } {
  try {
    if (kind === 'department') {
      const { departments, rejected } = readDepartments(listIn(plaintext, 'department'))
      return { rows: departments, rejected }
    }
    if (kind === 'taguser') {
      const tags = (Array.isArray(plaintext) ? plaintext : [plaintext]).filter(isObject).map(readTagContent)
      return { rows: tags, rejected: tags.flatMap((tag) => tag.rejected) }
    }
    const { members, rejected } = readMembers(listIn(plaintext, 'userlist'))
    return { rows: members, rejected }
  } catch (error) {
    throw error instanceof IncompleteAnswer ? exportFailed(error.message) : error
  }
}

function listIn(plaintext: unknown, key: string): readonly unknown[] {
  return Array.isArray(plaintext) ? plaintext : requireList(isObject(plaintext) ? plaintext : {}, key)
}

function exportFailed(why: string): WecomError {
  return new WecomError('WECOM_EXPORT_FAILED', { api: 'export', message: why })
}

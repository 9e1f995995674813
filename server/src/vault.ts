/**
 * Seals the secrets in the database (AES-256-GCM) under the master key, each bound to the record it belongs to, so that
 * a value copied into another row does not open. Owns the text format, the key file, and noticing that a key is not the
 * one this database was sealed with. Knows nothing of what is stored where: callers name their records.
 *
 * Format: `v1.<key id>.<nonce>.<ciphertext and tag>`, the last two in base64url. Several keys may be known: the first
 * seals, all open, which is what rotation needs.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

import type { Text } from './errors.ts'
import { Secret } from './secret.ts'
import { isMasterKey } from './settings.ts'

const VERSION = 'v1'
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

export type VaultErrorCode =
  /** Sealed with a key that is not known here. */
  | 'vault/wrong-key'
  /** Changed after sealing, or it belongs to another record. The two cannot be told apart: that is the point of binding. */
  | 'vault/tampered'
  /** Not a sealed value at all. */
  | 'vault/malformed'
  /** A key, or the file that holds it, cannot be used. */
  | 'vault/bad-key'

export class VaultError extends Error {
  readonly code: VaultErrorCode
  readonly problem: Text
  readonly remedy: Text

  constructor(code: VaultErrorCode, { problem, remedy }: { problem: Text; remedy: Text }) {
    super(`${problem.en} ${remedy.en}`)
    this.name = 'VaultError'
    this.code = code
    this.problem = problem
    this.remedy = remedy
  }
}

export type Vault = {
  /** Names the key that seals: 8 hexadecimal digits. */
  readonly keyId: string
  /** @param record name of the place where the result is stored, as in `connection/con_1/secret` */
  seal: (record: string, plain: Secret) => string
  /** @throws VaultError */
  open: (record: string, sealed: string) => Secret
  /** True when the sealing key is not the one that seals now: rotation seals these again. */
  isOutdated: (sealed: string) => boolean
  /** A value to store in the database when it is created and after each rotation, for verifyCheck at every start. */
  makeCheck: () => string
  /** @throws VaultError `vault/wrong-key` with the way out, when the key does not belong to this database */
  verifyCheck: (stored: string) => void
}

/**
 * @param key 32 bytes in base64; seals and opens
 * @param previousKeys open only, while a rotation is under way
 * @param random bytes for nonces; never the same twice. 96 random bits allow 2^32 values per key (NIST SP 800-38D §8.3).
 */
export function createVault({
  key,
  previousKeys = [],
  random = randomBytes,
}: {
  key: Secret
  previousKeys?: readonly Secret[]
  random?: (size: number) => Buffer
}): Vault {
  const current = toKey(key)
  const known = new Map([...previousKeys.map(toKey), current].map((each) => [each.id, each]))

  function seal(record: string, plain: Secret): string {
    const nonce = random(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, current.bytes, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(bindTo(record, current.id))
    const sealed = Buffer.concat([cipher.update(plain.reveal(), 'utf8'), cipher.final(), cipher.getAuthTag()])
    return [VERSION, current.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.')
  }

  function open(record: string, sealed: string): Secret {
    const { keyId, nonce, ciphertext, tag } = parse(sealed)
    const found = known.get(keyId)
    if (found === undefined) throw wrongKey(record, keyId, current.id)

    const decipher = createDecipheriv(CIPHER, found.bytes, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(bindTo(record, keyId))
    decipher.setAuthTag(tag)
    try {
      return new Secret(Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8'))
    } catch {
      throw tampered(record) // OpenSSL says "unable to authenticate data" and nothing more
    }
  }

  return {
    keyId: current.id,
    seal,
    open,
    isOutdated: (sealed) => parse(sealed).keyId !== current.id,
    makeCheck: () => seal(CHECK_RECORD, new Secret(CHECK_TEXT)),
    verifyCheck(stored) {
      if (open(CHECK_RECORD, stored).reveal() !== CHECK_TEXT) throw tampered(CHECK_RECORD)
    },
  }
}

/** Under which name a database keeps its check. */
export const KEY_CHECK = 'master-key-check'

const CHECK_RECORD = 'vault/check'
const CHECK_TEXT = 'This database belongs to this master key.'

type Key = { readonly id: string; readonly bytes: Buffer }

function toKey(key: Secret): Key {
  if (!isMasterKey(key.reveal())) {
    throw new VaultError('vault/bad-key', {
      problem: { en: 'The master key is not 32 bytes in base64.', zh: '主密钥不是 32 字节的 base64 编码。' },
      remedy: RESTORE_KEY,
    })
  }
  const bytes = Buffer.from(key.reveal(), 'base64')
  // Hashed with a label of its own: the id is public, and must not equal a digest that anything else may use.
  const id = createHash('sha256').update('muster vault key id').update(bytes).digest('hex').slice(0, 8)
  return { id, bytes }
}

function bindTo(record: string, keyId: string): Buffer {
  return Buffer.from(`${VERSION}.${keyId}.${record}`, 'utf8')
}

function parse(sealed: string): { keyId: string; nonce: Buffer; ciphertext: Buffer; tag: Buffer } {
  const [version, keyId = '', nonceText = '', bodyText = '', ...rest] = sealed.split('.')
  const nonce = Buffer.from(nonceText, 'base64url')
  const body = Buffer.from(bodyText, 'base64url')
  // Compared with what they encode to, because a decoder skips characters it does not know.
  const isExact = nonce.toString('base64url') === nonceText && body.toString('base64url') === bodyText
  const isComplete = nonce.length === NONCE_BYTES && body.length >= TAG_BYTES && rest.length === 0
  if (version !== VERSION || !/^[0-9a-f]{8}$/.test(keyId) || !isExact || !isComplete) {
    throw new VaultError('vault/malformed', {
      problem: { en: 'A stored secret is not in the format of the vault.', zh: '存储的机密不是保险库的格式。' },
      remedy: RESTORE_DATABASE,
    })
  }
  return { keyId, nonce, ciphertext: body.subarray(0, -TAG_BYTES), tag: body.subarray(-TAG_BYTES) }
}

const RESTORE_KEY: Text = {
  en: 'Give back the key that the secrets of this database were sealed with, as MUSTER_MASTER_KEY or as master.key in the data directory. If it is lost, the stored secrets cannot be read any more: start with an empty database and enter them again.',
  zh: '请通过 MUSTER_MASTER_KEY 或数据目录中的 master.key 提供此数据库加密时使用的密钥。若已丢失，已存机密无法恢复：请使用空数据库重新开始并重新填写。',
}

const RESTORE_DATABASE: Text = {
  en: 'Restore the database from a backup, or enter the secret again in the console.',
  zh: '请从备份恢复数据库，或在控制台中重新填写该机密。',
}

function wrongKey(record: string, sealedWith: string, current: string): VaultError {
  return new VaultError('vault/wrong-key', {
    problem: {
      en: `${record} was sealed with the master key ${sealedWith}, and this process has ${current}.`,
      zh: `${record} 由主密钥 ${sealedWith} 加密，而当前进程使用的是 ${current}。`,
    },
    remedy: RESTORE_KEY,
  })
}

function tampered(record: string): VaultError {
  return new VaultError('vault/tampered', {
    problem: {
      en: `${record} was changed after it was sealed, or copied from another record.`,
      zh: `${record} 在加密后被修改，或是从其他记录复制而来。`,
    },
    remedy: RESTORE_DATABASE,
  })
}

// ---- The master key -------------------------------------------------------------------------------------------------

const KEY_FILE = 'master.key'

export type MasterKey = {
  readonly key: Secret
  /** `generated` just now (say where, and that it belongs into the backup), read from the `file`, or `configured`. */
  readonly source: 'generated' | 'file' | 'configured'
  /** Undefined when configured. */
  readonly file: string | undefined
  /** Something to tell the administrator: the file is readable by other users of the machine. */
  readonly warning: Text | undefined
}

/**
 * The configured key; else the one in `<data dir>/master.key`, which is generated with mode 0600 at first start. Safe
 * when several processes start at once: exactly one key file appears, complete and on disk before it is used.
 *
 * @throws VaultError `vault/bad-key` when the file exists and holds no key; it is never overwritten
 */
export function loadOrCreateMasterKey({
  dataDir,
  configured,
  random = randomBytes,
}: {
  dataDir: string
  configured: Secret | undefined
  random?: (size: number) => Buffer
}): MasterKey {
  const file = join(dataDir, KEY_FILE)
  const existing = findMasterKey({ dataDir, configured })
  if (existing !== undefined) return existing

  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const created = createKeyFile(file, random(32).toString('base64'))
  const key = readKeyFile(file)
  if (key === undefined) throw new Error(`${file} vanished while it was being created.`)
  return created ? { ...key, source: 'generated' } : key
}

/**
 * The master key of this installation if it has one; makes none.
 *
 * @throws VaultError `vault/bad-key` when the file exists and holds no key
 */
export function findMasterKey({
  dataDir,
  configured,
}: {
  dataDir: string
  configured: Secret | undefined
}): MasterKey | undefined {
  if (configured !== undefined) return { key: configured, source: 'configured', file: undefined, warning: undefined }
  return readKeyFile(join(dataDir, KEY_FILE))
}

function readKeyFile(file: string): MasterKey | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
  if (!isMasterKey(text)) {
    throw new VaultError('vault/bad-key', {
      problem: { en: `${file} does not hold 32 bytes in base64.`, zh: `${file} 的内容不是 32 字节的 base64 编码。` },
      remedy: RESTORE_KEY,
    })
  }
  return { key: new Secret(text), source: 'file', file, warning: warnIfOthersMayRead(file) }
}

/**
 * Not refused, because on some mounts (Kubernetes secrets, network file systems) modes cannot be chosen, and a server
 * that does not start is no safer.
 */
function warnIfOthersMayRead(file: string): Text | undefined {
  const { mode } = statSync(file)
  if ((mode & 0o077) === 0) return undefined
  return {
    en: `Other users of this machine may read the master key. Run: chmod 600 ${file}`,
    zh: `本机其他用户可读取主密钥，请执行：chmod 600 ${file}`,
  }
}

/**
 * Writes a complete file under another name first and then links it into place: link fails when the name is taken, so a
 * crash leaves no half-written key and two processes agree on one. Returns false when another process was first.
 */
function createKeyFile(file: string, text: string): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}` // not the process id: in a container that is always 1
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    writeFileSync(descriptor, `${text}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  let isFirst = true
  try {
    linkSync(draft, file)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    isFirst = false
  } finally {
    unlinkSync(draft)
  }
  syncFolder(dirname(file))
  return isFirst
}

/** Without this a power cut may forget the file's name while secrets sealed with the key are already on disk. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

/**
 * Whole databases: a backup, bringing one back, moving to another database. All three go through one format, a Muster
 * SQLite file at the schema version of its source, with a manifest: when, by what, how many rows, and their digest.
 *
 * Everything is made in a draft beside its place and takes the place in one step at the end, by a rename or a commit.
 * Whoever is killed before that has changed nothing.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'
import type { Executor } from './bulk.ts'
import {
  copyInto,
  installationOf,
  isBackup,
  makeCurrent,
  ofCopy,
  openDraft,
  refuseExisting,
  verifyCopy,
  type Manifest,
  type Work,
} from './copies.ts'
import type { Database, Transaction } from './database.ts'
import { fileProblem, newDraft, put, removeDraft, removeLeftovers, withDraft } from './drafts.ts'
import { draftFor, openSource, openTarget, refuseServers } from './source-and-target.ts'

export type { Manifest, OnProgress, Work } from './copies.ts'

/**
 * Writes everything that a database holds at one moment into a new file. Works while servers write, except that the
 * file of a running SQLite server is its own: copy what `takeSnapshot` made instead.
 * @param url what to back up, of any version that this program knows
 * @param replaces whether an older backup of the same name may be replaced; nothing else ever is
 * @throws AppError `backup/exists`, `backup/no-database`, `backup/file`, `database/…`
 */
export async function writeBackup(
  given: Work & { url: string; file: string; madeBy: string; replaces: boolean },
): Promise<Manifest> {
  const { url, file, replaces } = given
  refuseExisting(file, replaces)
  const source = await openSource(url)
  try {
    return await withDraft(file, given.now, async (draft) => {
      const manifest = await copyInto(draft, source, given)
      refuseExisting(file, replaces) // somebody may have been quicker
      put(draft, file, replaces)
      return manifest
    })
  } finally {
    await source.close()
  }
}

/**
 * Puts a backup in the place of a database, whole or not at all. An older version of the schema is brought up to date.
 * @param url the database to fill: without rows, or `replaces`
 * @param workFolder where a copy of the file may lie meanwhile, when the database is not a file itself
 * @param verify told the value that proves the master key; throws when the key is not here
 * @param note writes about the restore into the restored database
 * @returns what the file says about itself
 * @throws AppError `backup/…`, `database/…`
 */
export async function restoreBackup(
  given: Work & {
    file: string
    url: string
    workFolder: string
    replaces: boolean
    verify: (installation: ReadonlyMap<string, string>) => void
    note: (database: Database, tx: Transaction, manifest: Manifest) => Promise<void>
  },
): Promise<Manifest> {
  const { file, url } = given
  if (!isBackup(file)) {
    const detail = { en: `${file} is not a backup of Muster.`, zh: `${file} 不是 Muster 的备份。` }
    throw new AppError('backup/not-a-backup', { detail })
  }
  const target = await openTarget(url, given.replaces)
  try {
    return await withDraft(draftFor(target, given, 'restore'), given.now, async (draft) => {
      // Not by copyFile, which would give the draft the rights of the file.
      const reading = pipeline(createReadStream(file), createWriteStream(draft), { signal: given.signal })
      await reading.catch((error: unknown) => {
        throw given.signal.aborted ? error : fileProblem(file, error)
      })
      const manifest = await openDraft(draft, async (copy) => {
        const found = await verifyCopy(copy, given).catch((error: unknown) => {
          throw ofCopy(error)
        })
        given.verify(await installationOf(copy))
        await makeCurrent(copy)
        await copy.inTransaction((tx) => given.note(copy, tx, found))
        return found
      })
      await target.fill(draft, given)
      return manifest
    })
  } finally {
    await target.close()
  }
}

/**
 * Copies a database that no server uses into an empty one, and compares every row of every table at the end.
 * @returns what was copied
 * @throws AppError `backup/…`, `database/…`
 */
export async function copyDatabase(
  given: Work & { from: string; to: string; workFolder: string; madeBy: string },
): Promise<Manifest> {
  const source = await openSource(given.from)
  try {
    await refuseServers(source, 'source')
    const target = await openTarget(given.to, false)
    try {
      return await withDraft(draftFor(target, given, 'copy'), given.now, async (draft) => {
        const manifest = await copyInto(draft, source, given)
        await openDraft(draft, async (copy) => {
          await verifyCopy(copy, given)
          await makeCurrent(copy)
        })
        // A server that has started since would go on writing where nobody looks any more.
        await refuseServers(source, 'source')
        await target.fill(draft, given)
        return manifest
      })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

export interface Snapshot {
  readonly database: Executor['dialect']
  /** Name of the copy in the folder; null on PostgreSQL, where whoever makes a backup reads for themselves. */
  readonly file: string | null
}

/** Copies the file of our own SQLite database into a folder, for a command that makes a backup of it. */
export async function takeSnapshot(database: Database, folder: string, now: number): Promise<Snapshot> {
  if (database.dialect === 'postgres') return { database: 'postgres', file: null }
  removeLeftovers(join(folder, 'snapshot'), now)
  const file = newDraft(join(folder, 'snapshot'))
  try {
    await database.copyFileTo(file)
  } catch (error) {
    removeDraft(file)
    throw error
  }
  return { database: 'sqlite', file: basename(file) }
}

/** The names that `takeSnapshot` gives. */
export const SNAPSHOT_NAME = /^snapshot\.[0-9a-f]{12}\.unfinished$/

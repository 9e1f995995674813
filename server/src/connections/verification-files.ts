/**
 * The files by which WeCom sees that a domain is ours (`WW_verify_….txt`): kept as data of a connection, never as files,
 * and found by their exact name. There is one root, so a name belongs to one connection. app.ts serves them.
 */
import { VerificationFileName } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import { insertRows, isUniqueViolation, type Database, type Transaction } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { connectionEntry, rowOf } from './connection-records.ts'

export interface VerificationFile {
  readonly name: string
  readonly connectionId: string
  readonly updatedAt: number
}

export type VerificationFiles = ReturnType<typeof createVerificationFiles>

const MOST_OF_A_CONNECTION = 20

export function createVerificationFiles({
  database,
  audit,
  now,
}: {
  database: Database
  audit: Audit
  now: () => number
}) {
  return {
    /** @returns what is in the file; undefined when nobody keeps one of this name */
    async read(name: string): Promise<string | undefined> {
      if (!VerificationFileName.safeParse(name).success) return undefined
      const row = await database.kysely
        .selectFrom('verification_files')
        .select('content')
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.content
    },

    /** The names of those of a connection. */
    async namesOf(connectionId: string): Promise<string[]> {
      const rows = await database.kysely
        .selectFrom('verification_files')
        .select('name')
        .where('connection_id', '=', connectionId)
        .orderBy('name')
        .execute()
      return rows.map(({ name }) => name)
    },

    /**
     * @param reference id or identifier of the connection
     * @throws AppError `connections/not-found`, `connections/verification-file-taken`,
     * `connections/too-many-verification-files`
     */
    async put(actor: Actor, reference: string, name: string, content: string): Promise<VerificationFile> {
      try {
        return await database.inTransaction(async (tx) => {
          const connection = await rowOf(tx, reference, { lock: true })
          const holder = await holderOf(tx, name)
          if (holder !== undefined && holder.id !== connection.id) throw takenBy(holder)
          const updated_at = now()
          if (holder === undefined) {
            await refuseTooMany(tx, connection.id)
            await insertRows(tx, 'verification_files', [{ name, connection_id: connection.id, content, updated_at }])
          } else {
            await tx.kysely
              .updateTable('verification_files')
              .set({ content, updated_at })
              .where('name', '=', name)
              .execute()
          }
          await audit.record(tx, actor, [
            connectionEntry('connection.verification-file.save', connection, { file: name }),
          ])
          return { name, connectionId: connection.id, updatedAt: updated_at }
        })
      } catch (error) {
        // Two connections at the same moment: the first one has it.
        if (isUniqueViolation(error)) throw takenBy(await holderOf(database, name))
        throw error
      }
    },

    /** @throws AppError `connections/not-found`, `connections/verification-file-not-found` */
    async remove(actor: Actor, reference: string, name: string): Promise<void> {
      await database.inTransaction(async (tx) => {
        const connection = await rowOf(tx, reference)
        const { numDeletedRows } = await tx.kysely
          .deleteFrom('verification_files')
          .where('name', '=', name)
          .where('connection_id', '=', connection.id)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) throw new AppError('connections/verification-file-not-found')
        await audit.record(tx, actor, [
          connectionEntry('connection.verification-file.delete', connection, { file: name }),
        ])
      })
    },
  }
}

interface Holder {
  readonly id: string
  readonly identifier: string
  readonly display_name: string
}

function holderOf(on: Pick<Transaction, 'kysely'>, name: string): Promise<Holder | undefined> {
  return on.kysely
    .selectFrom('verification_files')
    .innerJoin('connections', 'connections.id', 'verification_files.connection_id')
    .select(['connections.id', 'connections.identifier', 'connections.display_name'])
    .where('verification_files.name', '=', name)
    .executeTakeFirst()
}

function takenBy(holder: Holder | undefined): AppError {
  if (holder === undefined) return new AppError('connections/verification-file-taken')
  const { display_name, identifier } = holder
  return new AppError('connections/verification-file-taken', {
    detail: {
      en: `“${display_name}” (${identifier}) keeps this verification file.`,
      zh: `该域名校验文件由连接“${display_name}”（${identifier}）保存。`,
    },
    extra: { owner: { identifier, displayName: display_name } },
  })
}

async function refuseTooMany({ kysely }: Transaction, connectionId: string): Promise<void> {
  const { files } = await kysely
    .selectFrom('verification_files')
    .where('connection_id', '=', connectionId)
    .select((eb) => eb.fn.countAll<number>().as('files'))
    .executeTakeFirstOrThrow()
  if (files >= MOST_OF_A_CONNECTION) throw new AppError('connections/too-many-verification-files')
}

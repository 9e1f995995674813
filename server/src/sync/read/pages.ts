/**
 * Remembers the lists of members that were read: one that comes back byte for byte, with everybody on it settled, needs
 * neither parsing nor comparing. Only lists that were read without a doubt are remembered. Called by sync.ts.
 */
import { hash as digest } from 'node:crypto'
import { insertRows, isOneOf, type Database, type Row, type Transaction } from '../../database/database.ts'

/** A list as it was last read. */
export interface KnownPage {
  readonly digest: string
  /** JSON array of folded userids. */
  readonly userids: string
  /** Which fields somebody on it showed, as the bits of plan/mapping.ts. */
  readonly shown: number
}

export type Pages = ReturnType<typeof createPages>

export function createPages({ database }: { database: Database }) {
  return {
    /** By the WeCom id of the department. */
    async load(connectionId: string, corpId: string): Promise<Map<string, KnownPage>> {
      const rows = await database.kysely
        .selectFrom('source_pages')
        .select(['page', 'digest', 'userids', 'shown'])
        .where('connection_id', '=', connectionId)
        .where('corp_id', '=', corpId)
        .execute()
      return new Map(rows.map(({ page, ...known }) => [page, known]))
    },

    /** Puts these in the place of what was known of the same lists. */
    async remember(
      tx: Transaction,
      connectionId: string,
      corpId: string,
      pages: ReadonlyMap<string, KnownPage>,
    ): Promise<void> {
      if (pages.size === 0) return
      await tx.kysely
        .deleteFrom('source_pages')
        .where('connection_id', '=', connectionId)
        .where('corp_id', '=', corpId)
        .where(isOneOf(tx, 'page', [...pages.keys()]))
        .execute()
      const rows = Array.from(pages, ([page, known]): Row<'source_pages'> => ({
        connection_id: connectionId,
        corp_id: corpId,
        page,
        ...known,
      }))
      await insertRows(tx, 'source_pages', rows)
    },
  }
}

/**
 * Names what a list showed. Equal digests mean the same bytes, read with the same settings, with the same result for
 * everybody on it, so that a list is only taken for known when all of its people were really applied as it shows them.
 * @param seed everything besides the bytes that decides what the list means: the settings, the visible departments
 * @param hashes of the people on it, in its order
 */
export function pageDigest(seed: string, bodyDigest: string, hashes: readonly string[]): string {
  return `${bodyDigest}.${digest('sha256', `${seed},${hashes.join()}`, 'base64url')}`
}

export function bodyDigest(body: Uint8Array): string {
  return digest('sha256', body, 'base64url')
}

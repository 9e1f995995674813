/**
 * Which secret WeCom refused: that one is not asked again before it is saved again or an hour has passed, over all
 * processes, because WeCom blocks an address for many wrong ones. Owns `refused_secrets`.
 */
import { errcodeMeanings, wecomProblems } from '@muster/wecom'
import { isRowFault, type Database } from '../../database/database.ts'
import { AppError } from '../../errors.ts'
import type { SecretName } from '../connections.ts'
import type { Trouble } from './diagnosis/verdicts.ts'

export type RefusedSecrets = ReturnType<typeof createRefusedSecrets>

/** How long WeCom blocks an address for wrong secrets: asking once in that time can never add up to a block. */
const REFUSAL_MEMORY_MS = 3_600_000

export function createRefusedSecrets({ database, now }: { database: Database; now: () => number }) {
  return {
    /** @param version of the secret as it is now; see connections.ts */
    async of(
      connectionId: string,
      name: SecretName,
      version: string | undefined,
    ): Promise<Omit<Trouble, 'credential'> | undefined> {
      const row = await database.kysely
        .selectFrom('refused_secrets')
        .selectAll()
        .where('connection_id', '=', connectionId)
        .where('name', '=', name)
        .executeTakeFirst()
      if (row === undefined || row.version !== version) return undefined
      const ageMs = now() - row.refused_at
      if (ageMs < 0 || ageMs >= REFUSAL_MEMORY_MS) return undefined
      const at = new Date(row.refused_at).toISOString()
      const code = errcodeMeanings.get(row.errcode)?.code ?? 'WECOM_SECRET_REJECTED'
      return {
        code,
        kind: 'credential',
        errcode: row.errcode,
        observedAddress: undefined,
        detail: {
          en: `WeCom refused it at ${at} (${row.errcode}). It was not asked again.`,
          zh: `企业微信已于 ${at} 拒绝该 Secret（${row.errcode}），本次未再尝试。`,
        },
        remedy: wecomProblems[code].remedy,
      }
    },

    async remember(
      connectionId: string,
      name: SecretName,
      version: string | undefined,
      errcode: number,
    ): Promise<void> {
      const refusal = { version: version ?? '', errcode, refused_at: now() }
      await writeAbout(() =>
        database.kysely
          .insertInto('refused_secrets')
          .values({ connection_id: connectionId, name, ...refusal })
          .onConflict((conflict) => conflict.columns(['connection_id', 'name']).doUpdateSet(refusal))
          .execute(),
      )
    },
  }
}

/** @throws AppError `connections/not-found` when the connection was removed while WeCom was asked */
export async function writeAbout(write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    throw isRowFault(error) ? new AppError('connections/not-found', { cause: error }) : error
  }
}

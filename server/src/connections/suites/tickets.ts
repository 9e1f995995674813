/**
 * The ticket of each suite, which WeCom sends every ten minutes and without which it gives no token of the suite. Kept in
 * the database, so that a restart does not have to wait for the next one. Owns `suite_tickets`.
 */
import type { Database, Transaction } from '../../database/database.ts'
import { Secret } from '../../secret.ts'
import { VaultError, type Vault } from '../../vault.ts'

export type SuiteTickets = ReturnType<typeof createSuiteTickets>

/** WeCom's own limit. */
const GOOD_FOR_MS = 30 * 60_000

export function createSuiteTickets({ database, vault, now }: { database: Database; vault: Vault; now: () => number }) {
  return {
    /**
     * Keeps a ticket, unless a newer one is here already: deliveries may overtake each other.
     * @param sentAt by the clock of WeCom, in ms
     */
    async save(
      tx: Transaction,
      connectionId: string,
      { ticket, sentAt }: { ticket: string; sentAt: number },
    ): Promise<void> {
      const columns = {
        sealed: vault.seal(recordOf(connectionId), new Secret(ticket)),
        sent_at: sentAt,
        received_at: now(),
      }
      await tx.kysely
        .insertInto('suite_tickets')
        .values({ connection_id: connectionId, ...columns })
        .onConflict((conflict) =>
          conflict
            .column('connection_id')
            .doUpdateSet(columns)
            .whereRef('suite_tickets.sent_at', '<=', 'excluded.sent_at'),
        )
        .execute()
    },

    /** @returns undefined when there is none that WeCom would still take */
    async current(connectionId: string): Promise<string | undefined> {
      const row = await database.kysely
        .selectFrom('suite_tickets')
        .selectAll()
        .where('connection_id', '=', connectionId)
        .executeTakeFirst()
      if (row === undefined || now() - row.received_at > GOOD_FOR_MS) return undefined
      try {
        return vault.open(recordOf(connectionId), row.sealed).reveal()
      } catch (error) {
        // One that cannot be opened any more is as good as none: the next is here in ten minutes.
        if (error instanceof VaultError) return undefined
        throw error
      }
    },

    /** When WeCom sent the newest, by its clock in ms. null: never. */
    async sentAt(connectionId: string): Promise<number | null> {
      const row = await database.kysely
        .selectFrom('suite_tickets')
        .select('sent_at')
        .where('connection_id', '=', connectionId)
        .executeTakeFirst()
      return row?.sent_at ?? null
    },
  }
}

function recordOf(connectionId: string): string {
  return `suite-ticket/${connectionId}`
}

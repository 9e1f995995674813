/**
 * How many people and departments an organization has, now and at the end of past days. The past is what a job counted,
 * once an hour: it cannot be told from the rows of today, which do not say since when somebody is disabled.
 */
import { sql } from 'kysely'
import type { Database } from '../database/database.ts'

export interface Population {
  readonly active: number
  readonly disabled: number
  /** Can still be restored. */
  readonly deleted: number
  /** Of the active and the disabled ones. */
  readonly builtIn: number
  readonly departments: number
}

export type Populations = ReturnType<typeof createPopulations>

const HOUR_MS = 3_600_000

export function createPopulations({ database, now }: { database: Database; now: () => number }) {
  return {
    async count(organizationId: string): Promise<Population> {
      const { departments } = await database.kysely
        .selectFrom('departments')
        .where('organization_id', '=', organizationId)
        .select((eb) => eb.fn.countAll<number>().as('departments'))
        .executeTakeFirstOrThrow()
      const { builtIn } = await database.kysely
        .selectFrom('users')
        .where('organization_id', '=', organizationId)
        .where('origin', '=', sql.lit('built_in'))
        .where('status', 'in', ['active', 'disabled'])
        .select((eb) => eb.fn.countAll<number>().as('builtIn'))
        .executeTakeFirstOrThrow()
      return { ...(await countByStatus(organizationId)), builtIn, departments }
    },

    /**
     * Notes how many there are, once in every hour. A job of app.ts; whichever process comes first. While no process runs
     * nobody is created or disabled, so the last number holds.
     */
    async note(): Promise<void> {
      const hour = Math.floor(now() / HOUR_MS)
      const missing = await database.kysely
        .selectFrom('organizations')
        .leftJoin('populations', (join) =>
          join.onRef('populations.organization_id', '=', 'organizations.id').on('populations.hour', '=', hour),
        )
        .select('organizations.id')
        .where('populations.hour', 'is', null)
        .execute()
      for (const { id } of missing) {
        const { active, disabled } = await countByStatus(id)
        // Of one statement, so that an organization that is removed meanwhile leaves nothing to refer to.
        await database.kysely
          .insertInto('populations')
          .columns(['organization_id', 'hour', 'active', 'disabled'])
          .expression((eb) =>
            eb
              .selectFrom('organizations')
              .select((one) => [
                'organizations.id as organization_id',
                one.lit(hour).as('hour'),
                one.lit(active).as('active'),
                one.lit(disabled).as('disabled'),
              ])
              .where('organizations.id', '=', id),
          )
          .onConflict((conflict) => conflict.columns(['organization_id', 'hour']).doNothing())
          .execute()
      }
    },

    /**
     * @param bounds where each day begins, in milliseconds since 1970, and where the last one ends
     * @returns for the end of each day what was noted last before it; null before the first note
     */
    async atEndOfDays(
      organizationId: string,
      bounds: readonly number[],
    ): Promise<({ active: number; disabled: number } | null)[]> {
      const notes = await database.kysely
        .selectFrom('populations')
        .select(['hour', 'active', 'disabled'])
        .where('organization_id', '=', organizationId)
        .where('hour', '>=', (eb) =>
          // What was noted last before the first day holds until there is something newer.
          eb.fn.coalesce(
            eb
              .selectFrom('populations as earlier')
              .select(({ fn }) => fn.max('earlier.hour').as('hour'))
              .where('earlier.organization_id', '=', organizationId)
              .where('earlier.hour', '<', Math.ceil(bounds[0]! / HOUR_MS)),
            eb.lit(0),
          ),
        )
        .orderBy('hour')
        .execute()
      let next = 0
      let last: { active: number; disabled: number } | null = null
      return bounds.slice(1).map((end) => {
        while (next < notes.length && notes[next]!.hour * HOUR_MS < end) {
          const { active, disabled } = notes[next++]!
          last = { active, disabled }
        }
        return last
      })
    },
  }

  async function countByStatus(organizationId: string) {
    const rows = await database.kysely
      .selectFrom('users')
      .where('organization_id', '=', organizationId)
      .groupBy('status')
      .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
      .execute()
    const of = (status: string) => rows.find((row) => row.status === status)?.count ?? 0
    return { active: of('active'), disabled: of('disabled'), deleted: of('deleted') }
  }
}

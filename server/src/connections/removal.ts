/**
 * What goes with a connection and what stays: every link, review and run of it goes, and whoever has no other way in is
 * signed out. Users, departments and memberships stay and are nobody's from then on. Called by connections.ts.
 */
import type { Row, Transaction } from '../database/database.ts'
import { signOutOfConnection, signOutWithoutDoor } from '../directory/sign-out.ts'

export async function removeConnection(
  tx: Transaction,
  { id }: Pick<Row<'connections'>, 'id'>,
  at: number,
): Promise<void> {
  // First the runs: this waits for a slice that is being written and fences off the next one.
  await tx.kysely.deleteFrom('runs').where('connection_id', '=', id).execute()
  await tx.kysely.deleteFrom('source_pages').where('connection_id', '=', id).execute()
  await tx.kysely.deleteFrom('reviews').where('connection_id', '=', id).execute()
  const linked = await tx.kysely.selectFrom('links').select('user_id').where('connection_id', '=', id).execute()
  await tx.kysely.deleteFrom('links').where('connection_id', '=', id).execute()
  await signOutWithoutDoor(
    tx,
    linked.map(({ user_id }) => user_id),
    at,
  )
  await signOutOfConnection(tx, id)
  await tx.kysely
    .updateTable('memberships')
    .set({ connection_id: null, origin: 'manual' })
    .where('connection_id', '=', id)
    .where(({ eb, exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('memberships as own')
            .select(eb.lit(1).as('one'))
            .whereRef('own.user_id', '=', 'memberships.user_id')
            .whereRef('own.department_id', '=', 'memberships.department_id')
            .where('own.origin', '=', 'manual'),
        ),
      ),
    )
    .execute()
  // What is left stands beside a membership that somebody made by hand.
  await tx.kysely.deleteFrom('memberships').where('connection_id', '=', id).execute()
  await tx.kysely
    .updateTable('departments')
    .set({ connection_id: null, corp_id: null, external_id: null, origin: 'manual', leaders: '[]' })
    .where('connection_id', '=', id)
    .execute()
  await tx.kysely.deleteFrom('connections').where('id', '=', id).execute()
}

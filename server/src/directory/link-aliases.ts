/**
 * Other ids of linked members (wecom-api.md §3.4). WeCom gives a provider an id of its own for everybody (open_userid), and
 * the userid itself in the clear or encrypted, as the company was upgraded: who is known by one of them must be found by
 * the others, or they would become a second user. Names before a renaming are kept by writes.ts, in the same table.
 */
import type { Row, Transaction } from '../database/database.ts'
import { foldName } from './names.ts'

/** Who a provider is told that somebody is. */
export interface ProviderIds {
  readonly userid: string
  readonly openUserid: string
}

interface Company {
  readonly connectionId: string
  readonly corpId: string
}

/** The link of a member whose userid has none, by the id that the provider has for them. */
export async function linkByOpenUserid(
  tx: Transaction,
  { connectionId, corpId }: Company,
  openUserid: string,
): Promise<Row<'links'> | undefined> {
  const key = foldName(openUserid)
  const known = await tx.kysely
    .selectFrom('link_aliases')
    .innerJoin('links', 'links.id', 'link_aliases.link_id')
    .selectAll('links')
    .where('link_aliases.connection_id', '=', connectionId)
    .where('link_aliases.corp_id', '=', corpId)
    .where('link_aliases.alias_key', '=', key)
    .where('link_aliases.kind', '=', 'open_userid')
    .executeTakeFirst()
  // Folding is for finding; such ids differ in their case.
  if (known?.open_userid === openUserid) return known
  const link = await tx.kysely
    .selectFrom('links')
    .selectAll()
    .where('connection_id', '=', connectionId)
    .where('corp_id', '=', corpId)
    .where('userid_key', '=', key)
    .executeTakeFirst()
  return link?.userid === openUserid ? link : undefined
}

/** The same member under another userid: the link goes on, and the id before is kept. @returns the link as it is now */
export async function changeUserid(
  tx: Transaction,
  link: Row<'links'>,
  { userid, openUserid }: ProviderIds,
  now: number,
): Promise<Row<'links'>> {
  const columns = { userid, userid_key: foldName(userid), open_userid: openUserid }
  await tx.kysely.updateTable('links').set(columns).where('id', '=', link.id).execute()
  const kind = link.userid === openUserid ? 'open_userid' : 'plain'
  await keep(tx, link, { key: link.userid_key, kind }, now)
  return { ...link, ...columns }
}

/** Keeps the id that the provider has for a member, to find them by when the userid changes its form. */
export async function keepOpenUserid(
  tx: Transaction,
  linkId: string,
  { userid, openUserid }: ProviderIds,
  now: number,
): Promise<void> {
  const link = await tx.kysely
    .updateTable('links')
    .set({ open_userid: openUserid })
    .where('id', '=', linkId)
    .returningAll()
    .executeTakeFirst()
  if (link === undefined || userid === openUserid) return
  await keep(tx, link, { key: foldName(openUserid), kind: 'open_userid' }, now)
}

async function keep(
  tx: Transaction,
  { id, connection_id, corp_id }: Row<'links'>,
  { key, kind }: { key: string; kind: 'open_userid' | 'plain' },
  now: number,
): Promise<void> {
  const alias = { connection_id, corp_id, alias_key: key, kind, link_id: id, created_at: now }
  await tx.kysely
    .insertInto('link_aliases')
    .values(alias)
    .onConflict((conflict) => conflict.columns(['connection_id', 'corp_id', 'alias_key']).doUpdateSet(alias))
    .execute()
}

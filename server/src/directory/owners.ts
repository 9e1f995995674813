/**
 * Who may change whom: an administrator or a break-glass account is changed by an owner only, and the last owner cannot be lost, also when two
 * people try at once. Called inside the transaction of every change that could do it.
 */
import type { Role } from '@muster/contracts'
import type { Actor } from '../audit/audit.ts'
import type { Row, Transaction } from '../database/database.ts'
import { AppError, type Text } from '../errors.ts'
import { protectionOf, type Protection } from './protection.ts'

/** Who asks for a change, and what they may do. */
export interface Requester {
  readonly actor: Actor
  readonly role: Role
}

/** Otherwise an operator could set the password of an owner and be one. @throws AppError `auth/forbidden` */
export function refuseUnlessOwner(by: Requester, target: Pick<Row<'users'>, 'role' | 'break_glass'>): void {
  const protection = protectionOf(target)
  if (protection !== null) refuseAllButOwners(by, protection)
}

/** @throws AppError `auth/forbidden` */
export function refuseAllButOwners(by: Requester, protection: Protection): void {
  if (by.role !== 'owner') throw new AppError('auth/forbidden', { detail: FOR_OWNERS[protection] })
}

const FOR_OWNERS: Readonly<Record<Protection, Text>> = {
  administrator: { en: 'Only an owner may change an administrator.', zh: '只有所有者才能更改管理员。' },
  'break-glass': {
    en: 'Only an owner may mark, change or unmark a break-glass account.',
    zh: '只有所有者才能标记、更改应急账号或取消标记。',
  },
}

/**
 * Everybody who is an owner and active, in all organizations, locked until the transaction ends. Whoever may take an
 * owner away asks this before it locks anything else: two of them then wait in line instead of for each other, and the
 * second one sees what the first one did.
 */
export async function lockOwners(tx: Transaction): Promise<ReadonlySet<string>> {
  const rows = await tx.kysely
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'owner')
    .where('status', '=', 'active')
    .orderBy('id')
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .execute()
  return new Set(rows.map(({ id }) => id))
}

/** @param owners from `lockOwners`, of the same transaction @throws AppError `users/last-owner` */
export function refuseLastOwner(owners: ReadonlySet<string>, userId: string): void {
  if (owners.size === 1 && owners.has(userId)) throw new AppError('users/last-owner')
}

/** The user, locked until the transaction ends. @throws AppError `users/not-found` */
export async function lockUser(tx: Transaction, id: string): Promise<Row<'users'>> {
  const row = await tx.kysely
    .selectFrom('users')
    .selectAll()
    .where('id', '=', id)
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  if (row === undefined) throw new AppError('users/not-found')
  return row
}

/** As `lockUser`. @throws AppError also `users/deleted` */
export async function lockLivingUser(tx: Transaction, id: string): Promise<Row<'users'>> {
  const row = await lockUser(tx, id)
  if (row.status === 'deleted') throw new AppError('users/deleted')
  return row
}

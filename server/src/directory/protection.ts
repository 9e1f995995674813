/**
 * Whose account is protected: administrators of Muster, and the break-glass accounts that owners mark, kept for the day on
 * which WeCom cannot be asked. No run links, disables or deletes them, and only an owner changes them. Pure.
 */
import type { Row } from '../database/database.ts'

export type Protection = 'administrator' | 'break-glass'

/** @returns why nobody but an owner may touch the account; null when anybody may who is allowed to change users */
export function protectionOf({ role, break_glass }: Pick<Row<'users'>, 'role' | 'break_glass'>): Protection | null {
  if (role !== null) return 'administrator'
  return break_glass === 1 ? 'break-glass' : null
}

export function isProtected(user: Pick<Row<'users'>, 'role' | 'break_glass'>): boolean {
  return protectionOf(user) !== null
}

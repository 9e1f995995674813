/** What is true about a user for the people who look at the page: who owns which field, what may be done, until when. Pure. */
import type { Connection, Role, User } from '@muster/contracts'

/** The retention of tombstones (product.md §3), in days. */
const RESTORABLE_DAYS = 30
const DAY_MS = 86_400_000

export function restorableUntil({ deletedAt }: Pick<User, 'deletedAt'>): string | null {
  return deletedAt === null ? null : new Date(Date.parse(deletedAt) + RESTORABLE_DAYS * DAY_MS).toISOString()
}

/** Whose account only an owner touches, and why; null for everybody else. */
export function protectionOf({ role, breakGlass }: Pick<User, 'role' | 'breakGlass'>): 'role' | 'breakGlass' | null {
  return role !== null ? 'role' : breakGlass ? 'breakGlass' : null
}

/** Whether somebody of this role may change the account. */
export function mayChange(user: Pick<User, 'role' | 'breakGlass'>, role: Role): boolean {
  return role === 'owner' || (role === 'operator' && protectionOf(user) === null)
}

/** Where the value of a field comes from. */
export type Source =
  | 'here'
  | 'at-creation'
  | 'wecom'
  | 'once-wecom'
  | 'biz_mail'
  | 'email'
  | 'mapped'
  | 'synthetic'
  | 'manual'

export const PROFILE_FIELDS = [
  'username',
  'displayName',
  'email',
  'phone',
  'title',
  'gender',
  'locale',
  'avatarUrl',
  'directLeader',
] as const
export type ProfileField = (typeof PROFILE_FIELDS)[number]

const FROM_WECOM: ReadonlySet<ProfileField> = new Set([
  'displayName',
  'phone',
  'title',
  'gender',
  'avatarUrl',
  'directLeader',
])

export function sourceOf(user: User, field: ProfileField): Source | null {
  const value = field === 'directLeader' ? user.directLeaderUserId : user[field]
  if (value === null) return null
  if (field === 'email') return user.emailSource
  if (field === 'username') return user.origin === 'wecom' ? 'at-creation' : 'here'
  if (!FROM_WECOM.has(field)) return 'here'
  if (user.origin === 'built_in' && user.links.length === 0) return 'here'
  return user.links.length > 0 ? 'wecom' : 'once-wecom'
}

/** Whom explaining can ask about: every link, else the connections under the person's login name. */
export function explainable(
  user: User,
  connections: readonly Connection[],
): { connectionId: string; userid: string }[] {
  if (user.links.length > 0) return user.links.map(({ connectionId, userid }) => ({ connectionId, userid }))
  return connections
    .filter(({ kind, organizationId }) => kind !== 'service_provider' && organizationId === user.organizationId)
    .map(({ id }) => ({ connectionId: id, userid: user.username }))
}

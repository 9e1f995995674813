/**
 * Somebody proves by a password that an account is theirs: to sign in, to bind a member of WeCom to it, to set another
 * password. One path for all of them, so that guesses count wherever they are made, and the same answer and the same work
 * whether the account is there, has a password, or may not be used (threats.md SI-23 to SI-28, L-07).
 */
import { isPossiblePassword } from '@muster/contracts'
import type { Actor, Audit } from '../audit/audit.ts'
import type { Database, Row, Transaction } from '../database/database.ts'
import { AppError, type Text } from '../errors.ts'
import type { Guess, Guesses, Reservation } from './guesses.ts'
import { possibleNames } from './names.ts'
import { refuseWeakPassword } from './password-policy.ts'
import { hashPassword, isOutdated, NOBODYS_HASH, verifyPassword } from './passwords.ts'
import { endSessions } from './sign-out.ts'

export interface PasswordClaim extends Guess {
  readonly password: string
  /** Takes the place of the one that is proved. Necessary where an administrator set that one. */
  readonly newPassword?: string
  /** The session in which somebody changes their own password; it goes on, all others end. */
  readonly keepSessionId?: string | null
  readonly requestId: string | null
}

export type ProvenUser = Row<'users'>

export type Proof<T> =
  | { readonly kind: 'proved'; readonly value: T }
  /** The password is right and was set by somebody else: claim again, with a new one. Nothing has happened yet. */
  | { readonly kind: 'must-change' }
  /** Wrong, unknown, disabled: nobody is told which. */
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number }

export type PasswordProof = ReturnType<typeof createPasswordProof>

export function createPasswordProof({
  database,
  audit,
  guesses,
  now,
}: {
  database: Database
  audit: Audit
  guesses: Guesses
  now: () => number
}) {
  return {
    /**
     * @param admit what is done for whom it is, in the transaction in which it is certain: the user is held, active and
     * still has that password. What it throws undoes everything, and the guess stays counted.
     * @throws AppError `passwords/weak` for the new password, `passwords/busy`
     */
    async prove<T>(claim: PasswordClaim, admit: (tx: Transaction, user: ProvenUser) => Promise<T>): Promise<Proof<T>> {
      const reservation = await guesses.reserve(claim)
      if ('retryAfterMs' in reservation) {
        return { kind: 'locked', retryAfterSeconds: Math.ceil(reservation.retryAfterMs / 1000) }
      }
      const user = await findUser(database, claim)
      const isRight = await looking(reservation, () => isPasswordOf(user, claim.password))
      if (user === undefined || !isRight) return { kind: 'wrong' }

      const { newPassword } = claim
      if (newPassword === undefined && user.must_change_password === 1) {
        await database.inTransaction((tx) => guesses.confirm(tx, claim, reservation))
        return { kind: 'must-change' }
      }
      const hash = await looking(reservation, () => hashFor(user, claim))
      return database.inTransaction(async (tx) => {
        const held = await holdUser(tx, user.id)
        // Between the question and now somebody was quicker: disabled the user, or changed the password.
        if (held?.status !== 'active' || held.password_hash !== user.password_hash) return { kind: 'wrong' }
        await guesses.confirm(tx, claim, reservation)
        const proved = {
          ...held,
          password_hash: hash,
          must_change_password: newPassword === undefined ? held.must_change_password : 0,
        }
        if (hash !== held.password_hash) await store(tx, proved)
        if (newPassword !== undefined) await noteChange(tx, proved, claim)
        return { kind: 'proved', value: await admit(tx, proved) }
      })
    },
  }

  /** What fails without an answer was no guess. */
  async function looking<T>(reservation: Reservation, look: () => Promise<T>): Promise<T> {
    try {
      return await look()
    } catch (error) {
      if (error instanceof AppError) await database.inTransaction((tx) => guesses.takeBack(tx, reservation))
      throw error
    }
  }

  /** What is stored from now on: the new password, or the same one at today's cost. */
  async function hashFor(user: ProvenUser, { password, newPassword }: PasswordClaim): Promise<string> {
    if (newPassword === undefined) return isOutdated(user.password_hash!) ? hashPassword(password) : user.password_hash!
    const { name } = await database.kysely
      .selectFrom('organizations')
      .select('name')
      .where('id', '=', user.organization_id)
      .executeTakeFirstOrThrow()
    if (newPassword.normalize('NFC') === password.normalize('NFC'))
      throw new AppError('passwords/weak', { detail: SAME })
    refuseWeakPassword(newPassword, { username: user.username, organizationName: name }, 'newPassword')
    return hashPassword(newPassword)
  }

  async function store(tx: Transaction, user: ProvenUser): Promise<void> {
    await tx.kysely
      .updateTable('users')
      .set({ password_hash: user.password_hash, must_change_password: user.must_change_password, updated_at: now() })
      .where('id', '=', user.id)
      .execute()
  }

  async function noteChange(tx: Transaction, user: ProvenUser, claim: PasswordClaim): Promise<void> {
    let others = tx.kysely.selectFrom('sessions').select('id').where('user_id', '=', user.id)
    if (claim.keepSessionId != null) others = others.where('id', '<>', claim.keepSessionId)
    await endSessions(tx, await others.execute())
    const actor: Actor = {
      kind: 'user',
      id: user.id,
      name: user.username,
      address: claim.address,
      requestId: claim.requestId,
    }
    await audit.record(tx, actor, [
      {
        action: 'user.change-password',
        organizationId: user.organization_id,
        target: { kind: 'user', id: user.id, name: user.username },
      },
    ])
  }
}

const SAME: Text = {
  en: 'The new password is the old one.',
  zh: '新密码与旧密码相同。',
}

/** By username only. An address is no name here: somebody's userid may look like somebody else's address. */
async function findUser(database: Database, { organizationId, username }: Guess): Promise<ProvenUser | undefined> {
  const names = possibleNames(username)
  if (names.length === 0) return undefined
  const rows = await database.kysely
    .selectFrom('users')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('username_key', 'in', names)
    .where('status', '<>', 'deleted')
    .execute()
  return rows.toSorted((a, b) => names.indexOf(a.username_key) - names.indexOf(b.username_key))[0]
}

/** Always the work of one comparison. */
async function isPasswordOf(user: ProvenUser | undefined, password: string): Promise<boolean> {
  const isPossible = isPossiblePassword(password)
  const stored = user?.status === 'active' ? user.password_hash : null
  const isEqual = await verifyPassword(isPossible ? password : '', stored ?? NOBODYS_HASH)
  return isEqual && isPossible && stored !== null
}

function holdUser(tx: Transaction, id: string): Promise<ProvenUser | undefined> {
  return tx.kysely
    .selectFrom('users')
    .selectAll()
    .where('id', '=', id)
    .$if(tx.dialect === 'postgres', (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
}

/**
 * The door that is a password: a session for whom it is right, with its entry in the log, or only the proof of whose it is.
 * How often may be guessed is the same wherever somebody types one; see directory/password-proof.ts.
 */
import type { Database } from '../database/database.ts'
import { noteSignIn } from '../directory/links.ts'
import type { PasswordProof } from '../directory/password-proof.ts'
import { AppError, type Text } from '../errors.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import type { Browser } from './admitting.ts'
import type { SignIns } from './sign-ins.ts'

export interface Typed {
  readonly organizationId: string
  readonly username: string
  readonly password: string
  /** Where one has to be set first. */
  readonly newPassword?: string
}

export type PasswordOutcome<T> =
  | { readonly kind: 'proved'; readonly value: T }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'must-change' }
  /** The new one may not be set, and why. */
  | { readonly kind: 'weak'; readonly detail: Text }

export type PasswordDoor = ReturnType<typeof createPasswordDoor>

/** With a password nobody of WeCom is involved. */
const NO_MEMBER = { connectionId: null, corpId: null, userid: null } as const

export function createPasswordDoor({
  database,
  passwords,
  sessions,
  signIns,
  now,
}: {
  database: Database
  passwords: PasswordProof
  sessions: Sessions
  signIns: SignIns
  now: () => number
}) {
  return {
    async signIn(
      typed: Typed,
      applicationId: string | null,
      browser: Browser,
    ): Promise<PasswordOutcome<{ session: Session; cookie: string }>> {
      const { organizationId } = typed
      const facts = {
        ...NO_MEMBER,
        ...placeOf(browser),
        organizationId,
        applicationId,
        door: 'password',
        problem: null,
      } as const
      const outcome = await attempt(() =>
        passwords.prove({ ...typed, ...placeOf(browser) }, async (tx, { id: userId }) => {
          await noteSignIn(tx, { userId, linkId: null, at: now() })
          await signIns.record(tx, { ...facts, userId, outcome: 'succeeded', reason: null })
          const { address, userAgent } = browser
          return sessions.begin(tx, {
            userId,
            door: 'password',
            connectionId: null,
            corpId: null,
            linkId: null,
            applicationId,
            address,
            userAgent,
          })
        }),
      )
      if (outcome.kind === 'wrong') {
        // Not whose: people type their password into the wrong field.
        await database.inTransaction((tx) =>
          signIns.record(tx, { ...facts, userId: null, outcome: 'refused', reason: 'password-wrong' }),
        )
      }
      return outcome
    },

    /** @returns whose it is */
    prove: (typed: Typed, browser: Browser): Promise<PasswordOutcome<string>> =>
      attempt(() => passwords.prove({ ...typed, ...placeOf(browser) }, (_tx, { id }) => Promise.resolve(id))),
  }
}

/** What somebody at a screen can do something about is an outcome. */
async function attempt<T>(work: () => Promise<PasswordOutcome<T>>): Promise<PasswordOutcome<T>> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    if (error.code === 'passwords/busy') return { kind: 'busy' }
    if (error.code === 'passwords/weak' && error.detail !== undefined) return { kind: 'weak', detail: error.detail }
    throw error
  }
}

function placeOf({ address, requestId }: Browser) {
  return { address, requestId }
}

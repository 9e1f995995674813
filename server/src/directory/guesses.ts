/**
 * How often passwords may be guessed: exactly so often, however many guesses arrive at once and wherever. A guess is
 * counted before the password is looked at and taken back when it was right, so a crash in between counts as wrong
 * (docs/decisions/0019-guessing-passwords.md).
 */
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Database, Transaction } from '../database/database.ts'
import { canonicalName } from './names.ts'

export interface Guess {
  readonly organizationId: string
  /** As typed. Nobody need have it: unknown names are counted like others. */
  readonly username: string
  /** Where it comes from; null for this machine. */
  readonly address: string | null
}

/** A guess that was let through and counts as wrong until it is taken back. */
export interface Reservation {
  readonly counters: readonly string[]
  readonly at: number
}

export type Guesses = ReturnType<typeof createGuesses>

const WINDOW_MS = 15 * 60_000
/** For one account from one network: what the owner of an account has for typing errors. */
const MOST_FROM_NETWORK = 10
/** For one account from everywhere: what all the computers of an attacker have together. */
const MOST_FOR_ACCOUNT = 100
/** From one network, for whatever accounts. */
const MOST_OF_NETWORK = 100
/** How long a network stays known from which an account was signed in to. */
const KNOWN_MS = 30 * 24 * 3_600_000

export function createGuesses({ database, now }: { database: Database; now: () => number }) {
  return {
    /** @returns the guess, counted; or when to come again */
    reserve(guess: Guess): Promise<Reservation | { retryAfterMs: number }> {
      return database.inTransaction(async (tx) => {
        const at = now()
        const limits = limitsOf(guess, await isKnown(tx, guess, at))
        const times = await lockCounters(tx, [...limits.keys()], at)
        const waits = Array.from(limits, ([counter, most]) => waitOf(times.get(counter)!, most, at))
        const retryAfterMs = Math.max(...waits)
        if (retryAfterMs > 0) return { retryAfterMs }
        for (const [counter, before] of times) await write(tx, counter, [...before, at])
        return { counters: [...limits.keys()], at }
      })
    },

    /** It was right. From this network the account is open for a while, whatever others do to it elsewhere. */
    async confirm(tx: Transaction, guess: Guess, reservation: Reservation): Promise<void> {
      await this.takeBack(tx, reservation)
      const row = { counter: knownText(guess), times: '[]', until: now() + KNOWN_MS }
      await tx.kysely
        .insertInto('password_guesses')
        .values(row)
        .onConflict((conflict) => conflict.column('counter').doUpdateSet({ until: row.until }))
        .execute()
    },

    /** Nobody looked at the password. */
    async takeBack(tx: Transaction, { counters, at }: Reservation): Promise<void> {
      const times = await lockCounters(tx, counters, now())
      for (const [counter, before] of times) {
        const index = before.indexOf(at)
        if (index !== -1) await write(tx, counter, before.toSpliced(index, 1))
      }
    },

    /** Removes what is counted no more. @returns how many rows */
    async removeOld(): Promise<number> {
      const { numDeletedRows } = await database.kysely
        .deleteFrom('password_guesses')
        .where('until', '<=', now())
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

/** A new password was given out: nothing that was guessed before is counted against the account. */
export async function forgetGuesses(
  tx: Transaction,
  { organizationId, username }: Pick<Guess, 'organizationId' | 'username'>,
): Promise<void> {
  await tx.kysely
    .deleteFrom('password_guesses')
    .where('counter', 'like', `${accountText(organizationId, username)}%`)
    .execute()
}

/** What of an address is one source: a household or a cloud machine has a whole /64 of IPv6, and one IPv4 address. */
export function networkOf(address: string | null): string {
  if (address === null) return 'local'
  const plain = address.split('%')[0]!.toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const whole =
    tail === undefined ? groups : [...groups, ...Array<string>(8 - groups.length - last.length).fill('0'), ...last]
  return `${whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

function limitsOf({ organizationId, username, address }: Guess, known: boolean): Map<string, number> {
  const account = accountText(organizationId, username)
  const network = networkOf(address)
  return new Map([
    ...(known ? [] : [[account, MOST_FOR_ACCOUNT] as const]),
    [`${account}@${network}`, MOST_FROM_NETWORK],
    [`network ${network}`, MOST_OF_NETWORK],
  ])
}

/** Whether the account was signed in to from this network lately: then others cannot lock its owner out of it there. */
async function isKnown(tx: Transaction, guess: Guess, at: number): Promise<boolean> {
  const row = await tx.kysely
    .selectFrom('password_guesses')
    .select('until')
    .where('counter', '=', knownText(guess))
    .executeTakeFirst()
  return row !== undefined && row.until > at
}

function knownText({ organizationId, username, address }: Guess): string {
  return `known ${accountText(organizationId, username)}@${networkOf(address)}`
}

/** Not the name itself: people type passwords into the wrong field. */
function accountText(organizationId: string, username: string): string {
  return `account ${createHash('sha256')
    .update(`${organizationId}\0${canonicalName(username)}`)
    .digest('hex')}`
}

/** When each was last used, without what is too long ago; locked until the transaction ends. */
async function lockCounters(tx: Transaction, counters: readonly string[], at: number): Promise<Map<string, number[]>> {
  const rows = await tx.kysely
    .insertInto('password_guesses')
    .values(counters.toSorted().map((counter) => ({ counter, times: '[]', until: at + WINDOW_MS })))
    // An update, because only that locks a row that is there; and from now on nothing removes it.
    .onConflict((conflict) => conflict.column('counter').doUpdateSet({ until: at + WINDOW_MS }))
    .returning(['counter', 'times'])
    .execute()
  return new Map(
    rows.map(({ counter, times }) => [
      counter,
      (JSON.parse(times) as number[]).filter((time) => time > at - WINDOW_MS),
    ]),
  )
}

function waitOf(times: readonly number[], most: number, at: number): number {
  if (times.length < most) return 0
  // When enough of the oldest are forgotten that there is room for one more.
  return times.toSorted((a, b) => a - b)[times.length - most]! + WINDOW_MS - at
}

async function write(tx: Transaction, counter: string, times: readonly number[]): Promise<void> {
  await tx.kysely
    .updateTable('password_guesses')
    .set({ times: JSON.stringify(times), until: Math.max(0, ...times) + WINDOW_MS })
    .where('counter', '=', counter)
    .execute()
}

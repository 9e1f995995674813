/**
 * The first owner. While there is none, each start prints a token that makes one, once; afterwards never again, also when
 * everybody is gone. Of the tokens only digests are stored: whoever can read the database needs none.
 */
import { createHash } from 'node:crypto'
import { setUp, type SetUp } from '@muster/contracts'
import type { Actor } from '../audit/audit.ts'
import type { Database, Executor, Transaction } from '../database/database.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { UserRecord, Users } from '../directory/users.ts'
import { AppError } from '../errors.ts'
import { route, type Route } from './routes.ts'
import { renderUser } from './users.ts'

export type Setup = ReturnType<typeof createSetup>

/** Facts in the table `installation`. */
const CLOSED = 'set-up'
const TOKEN_PREFIX = 'set-up-token/'
const TOKEN_BYTES = 32
/** Several processes may start, each with a line of its own, and be started again before somebody reads one. */
const KEPT_TOKENS = 10

/** @param random fills the array with unpredictable bytes */
export function createSetup({
  database,
  organizations,
  users,
  now,
  random = (bytes) => crypto.getRandomValues(bytes),
  publicUrl,
}: {
  database: Database
  organizations: Organizations
  users: Users
  now: () => number
  random?: (bytes: Uint8Array) => void
  publicUrl: string
}) {
  return {
    /** @returns where to set up, for whoever started this process; undefined when that is over */
    async invite(): Promise<string | undefined> {
      const bytes = new Uint8Array(TOKEN_BYTES)
      random(bytes)
      const token = Buffer.from(bytes).toString('base64url')
      const isOpen = await database.inTransaction(async (tx) => {
        if (await isClosed(tx)) return false
        if (await hasOwner(tx)) {
          await close(tx)
          return false
        }
        // By time, so that the newest are kept.
        const name = `${TOKEN_PREFIX}${String(now()).padStart(15, '0')}-${digest(token).slice(0, 16)}`
        await tx.kysely
          .insertInto('installation')
          .values({ name, value: digest(token) })
          .execute()
        const tokens = await tokensOf(tx)
        for (const old of tokens.slice(KEPT_TOKENS)) {
          await tx.kysely.deleteFrom('installation').where('name', '=', old.name).execute()
        }
        return true
      })
      return isOpen ? `${publicUrl}/console/setup#token=${token}` : undefined
    },

    /** @throws AppError `setup/closed`, `setup/wrong-token`, and as users.create */
    async perform(actor: Actor, { token, ...input }: SetUp): Promise<UserRecord> {
      const given = digest(token)
      // Digests of 256 random bits: how long the comparison takes tells nothing.
      const isToken = (await tokensOf(database)).some(({ value }) => value === given)
      // Asked after the tokens, which go in the moment in which it is closed.
      if ((await isClosed(database)) || (await hasOwner(database))) throw new AppError('setup/closed')
      if (!isToken) throw new AppError('setup/wrong-token')
      const organization = await organizations.resolve(undefined)
      const by = { actor, role: 'owner' } as const
      return users.create(by, organization.id, input, async (tx) => {
        // Whoever is second waits here for the first and finds it closed.
        if (!(await close(tx)) || (await hasOwner(tx))) throw new AppError('setup/closed')
        return 'owner'
      })
    },
  }
}

export function setupRoutes({ setup }: { setup: Setup }): Route[] {
  return [route(setUp, async ({ actor, body }) => renderUser(await setup.perform({ ...actor, name: 'set-up' }, body)))]
}

async function isClosed(on: Executor): Promise<boolean> {
  const row = await on.kysely.selectFrom('installation').select('name').where('name', '=', CLOSED).executeTakeFirst()
  return row !== undefined
}

/** @returns false when it was closed before */
async function close(tx: Transaction): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx.kysely
    .insertInto('installation')
    .values({ name: CLOSED, value: 'done' })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst()
  await tx.kysely.deleteFrom('installation').where('name', 'like', `${TOKEN_PREFIX}%`).execute()
  return numInsertedOrUpdatedRows === 1n
}

async function hasOwner(on: Executor): Promise<boolean> {
  const row = await on.kysely.selectFrom('users').select('id').where('role', '=', 'owner').executeTakeFirst()
  return row !== undefined
}

/** Newest first. */
function tokensOf(on: Executor) {
  return on.kysely
    .selectFrom('installation')
    .selectAll()
    .where('name', 'like', `${TOKEN_PREFIX}%`)
    .orderBy('name', 'desc')
    .execute()
}

function digest(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex')
}

/**
 * The keys that sign ID tokens: one signs, one is published and waits for its turn, and those that signed before stay
 * published until nobody holds what they signed. RS256, because every application can check it. Private keys are sealed
 * in the database and clear only in memory. Owns what the provider's cookies are signed with, too.
 */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { SYSTEM, type Actor, type Audit } from '../audit/audit.ts'
import type { Database, Row, Transaction } from '../database/database.ts'
import { AppError } from '../errors.ts'
import { Secret } from '../secret.ts'
import type { Vault } from '../vault.ts'

export interface SigningKey {
  readonly kid: string
  readonly alg: 'RS256'
  readonly use: 'sig'
  readonly [parameter: string]: unknown
}

export interface KeySet {
  /** Changes whenever there is something to take over. */
  readonly version: string
  /** Private; the one that signs comes first. */
  readonly keys: readonly SigningKey[]
}

/** A time for cryptoperiods that nobody has to defend: NIST SP 800-57 allows one to three years for signatures. */
const SIGNS_FOR_MS = 90 * 86_400_000
/** Applications keep our keys for a while, hours in most libraries. By then they have seen the next one. */
const PUBLISHED_BEFORE_MS = 86_400_000
/** An hour for the token itself. But applications send ID tokens again when somebody signs out, from sessions of weeks. */
const PUBLISHED_AFTER_MS = 30 * 86_400_000
const MODULUS_BITS = 2048
const COOKIE_KEY = 'oidc-cookie-key'

export type SigningKeys = ReturnType<typeof createSigningKeys>

export function createSigningKeys({
  database,
  vault,
  audit,
  now,
}: {
  database: Database
  vault: Vault
  audit: Audit
  now: () => number
}) {
  let running: Promise<unknown> = Promise.resolve()

  return {
    /** All keys; the first time, makes them. */
    async load(): Promise<KeySet> {
      const rows = await allRows()
      return toKeySet(rows.some(({ state }) => state === 'current') ? rows : await makeFirst())
    },

    /** Of what `load` would give; empty when there are none yet. */
    async version(): Promise<string> {
      return versionOf(
        await database.kysely.selectFrom('signing_keys').select(['kid', 'state']).orderBy('kid').execute(),
      )
    },

    /**
     * The next key signs from now on.
     * @param options.isUrgent even when applications may not have seen it yet
     * @param options.isWithdrawal all keys go, because somebody may have seen them, and new ones take their place
     * @throws AppError `oidc/rotation-too-soon`
     */
    rotate: (actor: Actor, { isUrgent = false, isWithdrawal = false } = {}): Promise<void> =>
      exclusively(() => (isWithdrawal ? withdraw(actor) : rotate(actor, isUrgent))),

    /** The one that signs first. */
    list: async () => inOrder(await allRows()),

    /** Rotates when it is time, and removes keys that nobody needs any more. Does nothing where there are no keys yet. */
    maintain: (): Promise<void> =>
      exclusively(async () => {
        const at = now()
        const current = (await allRows()).find(({ state }) => state === 'current')
        if (current === undefined) return
        if (at - (current.activated_at ?? 0) >= SIGNS_FOR_MS) await rotate(SYSTEM, false)
        await database.kysely
          .deleteFrom('signing_keys')
          .where('state', '=', 'retired')
          .where('retired_at', '<=', at - PUBLISHED_AFTER_MS)
          .execute()
      }),

    /** The same for all processes, and for as long as the database lives. */
    async cookieKey(): Promise<Secret> {
      const sealed = vault.seal(`installation/${COOKIE_KEY}`, new Secret(randomBytes(32).toString('base64url')))
      await database.kysely
        .insertInto('installation')
        .values({ name: COOKIE_KEY, value: sealed })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute()
      const { value } = await database.kysely
        .selectFrom('installation')
        .select('value')
        .where('name', '=', COOKIE_KEY)
        .executeTakeFirstOrThrow()
      return vault.open(`installation/${COOKIE_KEY}`, value)
    },
  }

  /** One process at a time, and within it one call: both of them make keys, which takes longer than a transaction may. */
  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = running.then(() => database.exclusively('signing-keys', work))
    running = result.catch(() => {})
    return result
  }

  async function makeFirst(): Promise<Row<'signing_keys'>[]> {
    return exclusively(async () => {
      const rows = await allRows()
      if (rows.some(({ state }) => state === 'current')) return rows
      const at = now()
      const [current, next] = await Promise.all([generate(at), generate(at)])
      await database.inTransaction(async (tx) => {
        await insert(tx, { ...current, state: 'current', activated_at: at })
        await insert(tx, next)
      })
      return allRows()
    })
  }

  async function rotate(actor: Actor, isUrgent: boolean): Promise<void> {
    const at = now()
    const next = (await allRows()).find(({ state }) => state === 'next')
    if (next === undefined) throw new AppError('oidc/no-keys')
    if (!isUrgent && at - next.created_at < PUBLISHED_BEFORE_MS) {
      throw new AppError('oidc/rotation-too-soon', {
        detail: {
          en: `The next key was published at ${new Date(next.created_at).toISOString()}.`,
          zh: `下一个密钥发布于 ${new Date(next.created_at).toISOString()}。`,
        },
      })
    }
    const following = await generate(at)
    await database.inTransaction(async (tx) => {
      const { kysely } = tx
      await kysely
        .updateTable('signing_keys')
        .set({ state: 'retired', retired_at: at })
        .where('state', '=', 'current')
        .execute()
      await kysely
        .updateTable('signing_keys')
        .set({ state: 'current', activated_at: at })
        .where('kid', '=', next.kid)
        .execute()
      await insert(tx, following)
      const target = { kind: 'signing-key', id: next.kid, name: null }
      const details = { urgent: isUrgent }
      await audit.record(tx, actor, [{ action: 'signing-key.rotate', organizationId: null, target, details }])
    })
  }

  async function withdraw(actor: Actor): Promise<void> {
    const at = now()
    const [current, next] = await Promise.all([generate(at), generate(at)])
    await database.inTransaction(async (tx) => {
      const gone = await tx.kysely.deleteFrom('signing_keys').returning('kid').execute()
      await insert(tx, { ...current, state: 'current', activated_at: at })
      await insert(tx, next)
      const target = { kind: 'signing-key', id: current.kid, name: null }
      const details = { withdrawn: gone.map(({ kid }) => kid) }
      await audit.record(tx, actor, [{ action: 'signing-key.withdraw', organizationId: null, target, details }])
    })
  }

  async function generate(at: number): Promise<Row<'signing_keys'>> {
    const { privateKey } = await generateKeys('rsa', { modulusLength: MODULUS_BITS })
    const kid = randomBytes(12).toString('base64url')
    const jwk = new Secret(JSON.stringify(privateKey.export({ format: 'jwk' })))
    return {
      kid,
      state: 'next',
      private_sealed: vault.seal(recordOf(kid), jwk),
      created_at: at,
      activated_at: null,
      retired_at: null,
    }
  }

  function toKeySet(rows: readonly Row<'signing_keys'>[]): KeySet {
    return {
      version: versionOf(rows),
      keys: inOrder(rows).map(({ kid, private_sealed }) => ({
        ...(JSON.parse(vault.open(recordOf(kid), private_sealed).reveal()) as object),
        kid,
        alg: 'RS256',
        use: 'sig',
      })),
    }
  }

  function allRows(): Promise<Row<'signing_keys'>[]> {
    return database.kysely.selectFrom('signing_keys').selectAll().orderBy('kid').execute()
  }
}

const generateKeys = promisify(generateKeyPair)
const PLACES = ['current', 'next', 'retired']

function inOrder(rows: readonly Row<'signing_keys'>[]): Row<'signing_keys'>[] {
  return rows.toSorted((one, other) => PLACES.indexOf(one.state) - PLACES.indexOf(other.state))
}

async function insert(tx: Transaction, row: Row<'signing_keys'>): Promise<void> {
  await tx.kysely.insertInto('signing_keys').values(row).execute()
}

function versionOf(rows: readonly { readonly kid: string; readonly state: string }[]): string {
  return rows.map(({ kid, state }) => `${kid} ${state}`).join(' ')
}

function recordOf(kid: string): string {
  return `signing-key/${kid}`
}

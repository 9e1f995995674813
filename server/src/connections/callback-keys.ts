/**
 * Token and EncodingAESKey of a connection's callback. After a change the pair before stays good for a day, because WeCom
 * goes on with it until somebody has saved the new one in its console, too (threats.md K-09). Clearing the callback ends
 * all of them at once, which is what to do when one is known to others. Reads and makes columns; saving is connections.ts.
 */
import { z } from 'zod'
import type { Row } from '../database/database.ts'
import { Secret } from '../secret.ts'
import type { Vault } from '../vault.ts'
import { openSecret } from './connection-records.ts'

export interface CallbackKey {
  readonly token: Secret
  readonly aesKey: Secret
  /** Milliseconds since 1970; null for the pair that is set. */
  readonly until: number | null
}

const KEPT_FOR_MS = 24 * 60 * 60 * 1_000
/** Token and key may be saved one after the other, and once more after a mistake. */
const MOST_KEPT = 3

const Previous = z.array(z.object({ token: z.string(), aesKey: z.string(), until: z.int() }))
type Previous = z.output<typeof Previous>

/** Every pair that a message may be made with: the one that is set first, then the newest. */
export function callbackKeysOf(vault: Vault, row: Row<'connections'>): CallbackKey[] {
  const set = pairOf(vault, row)
  // Half a pair opens nothing, and says that somebody is about to change it: those before go on meanwhile.
  const current = set === undefined ? [] : [{ ...set, until: null }]
  return [
    ...current,
    ...previousOf(vault, row).map(({ token, aesKey, until }) => ({
      token: new Secret(token),
      aesKey: new Secret(aesKey),
      until,
    })),
  ]
}

/** Until when the pair before the one that is set is accepted; null when there is none any more. */
export function callbackPreviousUntil(vault: Vault, row: Row<'connections'>, at: number): number | null {
  const ends = previousOf(vault, row).flatMap(({ until }) => (until > at ? [until] : []))
  return ends.length === 0 ? null : Math.max(...ends)
}

/** What is kept of the pairs before, when `after` takes the place of `before`. */
export function previousAfter(
  vault: Vault,
  before: Row<'connections'>,
  after: Row<'connections'>,
  at: number,
): string | null {
  if (after.callback_token_sealed === null && after.callback_aes_key_sealed === null) return null
  const [old, set] = [pairOf(vault, before), pairOf(vault, after)]
  const isSame =
    old !== undefined &&
    set !== undefined &&
    old.token.reveal() === set.token.reveal() &&
    old.aesKey.reveal() === set.aesKey.reveal()
  const left = old === undefined || isSame ? [] : [{ token: old.token.reveal(), aesKey: old.aesKey.reveal() }]
  const kept: Previous = [
    ...left.map((pair) => ({ ...pair, until: at + KEPT_FOR_MS })),
    ...previousOf(vault, before).filter(({ until }) => until > at),
  ].slice(0, MOST_KEPT)
  return kept.length === 0 ? null : vault.seal(recordOf(before.id), new Secret(JSON.stringify(kept)))
}

function pairOf(vault: Vault, row: Row<'connections'>): { token: Secret; aesKey: Secret } | undefined {
  const [token, aesKey] = [openSecret(vault, row, 'callbackToken'), openSecret(vault, row, 'callbackAesKey')]
  return token === undefined || aesKey === undefined ? undefined : { token, aesKey }
}

/** Newest first. */
function previousOf(vault: Vault, { id, callback_previous_sealed: sealed }: Row<'connections'>): Previous {
  return sealed === null ? [] : Previous.parse(JSON.parse(vault.open(recordOf(id), sealed).reveal()))
}

function recordOf(id: string): string {
  return `connection/${id}/callbackPrevious`
}

/**
 * Codes that stand for something, work once and die unused: pre-authorisation codes, authorisation codes, the sign-in codes
 * of suites. What a bad one is answered with is up to whoever redeems it. (The codes of apps, in codes.ts, know more reasons.)
 */

import type { Random } from '../random.ts'

export type CodeState = 'good' | 'unknown' | 'used' | 'expired'

export interface SingleUseCodes<T> {
  mint(subject: T, lifetimeMs: number): string
  stateOf(value: string): CodeState
  /** What the code stands for, whatever its state. */
  peek(value: string): T | undefined
  /** Uses up a good code; a code in any other state is left as it is. */
  take(value: string): T | undefined
}

const codesMax = 100_000

export function createSingleUseCodes<T>(random: Random, now: () => number, length: number): SingleUseCodes<T> {
  const codes = new Map<string, { subject: T; expiresAtMs: number; isUsed: boolean }>()

  return {
    mint(subject, lifetimeMs) {
      const value = random.hex(length)
      codes.set(value, { subject, expiresAtMs: now() + lifetimeMs, isUsed: false })
      for (const oldest of codes.keys()) {
        if (codes.size <= codesMax) break
        codes.delete(oldest)
      }
      return value
    },
    stateOf,
    peek: (value) => codes.get(value)?.subject,
    take(value) {
      const code = codes.get(value)
      if (!code || stateOf(value) !== 'good') return undefined
      code.isUsed = true
      return code.subject
    },
  }

  function stateOf(value: string): CodeState {
    const code = codes.get(value)
    if (!code) return 'unknown'
    if (code.isUsed) return 'used'
    return now() >= code.expiresAtMs ? 'expired' : 'good'
  }
}

/**
 * The record of calls: a bounded ring of recent ones, and counters that stay exact after the ring has forgotten.
 * Never holds a token or a secret: a credential is replaced by whose it is.
 */

export interface CallRecord {
  seq: number
  /** Milliseconds since 1970 by the emulator's clock. */
  atMs: number
  method: string
  /** Below `/cgi-bin/`, or the whole path for anything else. */
  endpoint: string
  query: Record<string, string>
  address: string
  /** Whose token or secret was presented, also when it was dead or the app disabled; absent when nobody's. */
  corpId?: string
  agentId?: number
  /** Present for calls of a suite; `corpId` is then that of its provider. */
  suiteId?: string
  /** Ids of the faults that were applied. */
  faults: string[]
  /** HTTP status; 0 while unanswered and when the connection was given up without an answer. */
  status: number
  errcode: number
  /** Calls open when this one arrived, itself included. */
  inFlight: number
  /** From arrival to the last byte handed over; absent while the call is open. */
  tookMs?: number
}

export interface CallFilter {
  endpoint?: string
  corpId?: string
  agentId?: number
  suiteId?: string
  errcode?: number
}

export interface Ledger {
  open(
    call: Pick<CallRecord, 'method' | 'endpoint' | 'query' | 'address' | 'corpId' | 'agentId' | 'suiteId'>,
  ): CallRecord
  /** Must be called once for every opened record. */
  close(record: CallRecord): void
  /** Recent calls, oldest first, at most `last` of them. Open calls are included. */
  calls(filter: CallFilter & { last?: number; afterSeq?: number }): CallRecord[]
  /** Exact number of finished calls since the start or the last `clear`. */
  count(filter: CallFilter): number
  inFlight(): number
  maxInFlight(): number
  clear(): void
}

const ringSize = 10_000
/** Different combinations of endpoint, principal and errcode that have a counter of their own. */
const countersMax = 10_000

export function createLedger(now: () => number): Ledger {
  let ring: CallRecord[] = []
  let seq = 0
  let inFlight = 0
  let maxInFlight = 0
  let uncounted = 0
  const counters = new Map<string, { example: CallRecord; count: number }>()

  return {
    open(call) {
      inFlight++
      maxInFlight = Math.max(maxInFlight, inFlight)
      const record: CallRecord = { seq: ++seq, atMs: now(), ...call, faults: [], status: 0, errcode: 0, inFlight }
      ring[(seq - 1) % ringSize] = record
      return record
    },
    close(record) {
      inFlight--
      record.tookMs = now() - record.atMs
      const key = `${record.endpoint} ${record.corpId} ${record.agentId} ${record.suiteId} ${record.errcode}`
      const counter = counters.get(key)
      if (counter) counter.count++
      else if (counters.size < countersMax) counters.set(key, { example: { ...record }, count: 1 })
      else uncounted++
    },
    calls({ last = ringSize, afterSeq = 0, ...filter }) {
      const matching = ring.filter((record) => record.seq > afterSeq && matches(record, filter))
      return matching.sort((a, b) => a.seq - b.seq).slice(-last)
    },
    count(filter) {
      // Only somebody who invents thousands of paths comes here, and then asks for everything.
      let total = Object.values(filter).every((value) => value === undefined) ? uncounted : 0
      for (const { example, count } of counters.values()) if (matches(example, filter)) total += count
      return total
    },
    inFlight: () => inFlight,
    maxInFlight: () => maxInFlight,
    clear() {
      ring = []
      counters.clear()
      uncounted = 0
      maxInFlight = inFlight
    },
  }
}

function matches(record: CallRecord, filter: CallFilter): boolean {
  return (
    (filter.endpoint === undefined || record.endpoint === filter.endpoint) &&
    (filter.corpId === undefined || record.corpId === filter.corpId) &&
    (filter.agentId === undefined || record.agentId === filter.agentId) &&
    (filter.suiteId === undefined || record.suiteId === filter.suiteId) &&
    (filter.errcode === undefined || record.errcode === filter.errcode)
  )
}

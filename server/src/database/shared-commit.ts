/**
 * Group commit: small pieces of work that are waiting at the same moment share one transaction, and so one fsync. When one
 * of them fails, all are run once more, each in a savepoint of its own, so that it fails alone. Nobody is told before the
 * commit, so nothing that was acknowledged can be lost. For SQLite, where a commit is what a small write costs; PostgreSQL
 * does the same by itself among its connections.
 */
import type { Transaction } from './database.ts'

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

interface Waiting {
  /** The piece of work, with its outcome kept until the commit. Its failure is that of the transaction. */
  run(tx: Transaction): Promise<void>
  /** The same, when its failure is to be its own. */
  runInSavepoint(tx: SavepointTransaction): Promise<void>
  settle(): void
  fail(error: unknown): void
}

/** So many share one commit, so that the first of them does not wait for ever more. */
const MOST_TOGETHER = 64
/**
 * While the process is busy with other requests, more pieces are on their way, and each commit saved is worth more than
 * the wait: the thread stands still during one. A turn that took no longer than this had nothing to do.
 */
const IDLE_TURN_MS = 0.1
const LONGEST_WAIT_MS = 4
/** Between two steps of a person who signs in. */
const STAYS_BUSY_MS = 5_000

export interface SavepointTransaction extends Transaction {
  savepoint(): void
  release(): void
  rollbackToSavepoint(): void
}

export interface SharedCommit {
  share<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  /** Whether anybody waits for a commit. */
  isBusy(): boolean
  /** Whether anybody did within the last seconds. */
  wasBusy(): boolean
}

/**
 * @param begin runs a function in a transaction and commits when it returns
 * @param nextTurn resolves when everybody who is ready has had a turn
 * @param clock milliseconds, to measure by
 */
export function createSharedCommit(
  begin: (work: (tx: SavepointTransaction) => Promise<void>) => Promise<void>,
  nextTurn: () => Promise<void>,
  clock: () => number,
): SharedCommit {
  const queue: Waiting[] = []
  let isDraining = false
  let lastShared = Number.NEGATIVE_INFINITY

  async function drain(): Promise<void> {
    isDraining = true
    while (queue.length > 0) {
      await gather()
      const together = queue.splice(0, MOST_TOGETHER)
      try {
        if (!(await tryWithoutSavepoints(together))) {
          await begin(async (tx) => {
            for (const one of together) await one.runInSavepoint(tx)
          })
        }
        for (const one of together) one.settle()
      } catch (error) {
        // The commit itself failed, or the transaction was lost under them: whatever each had done is undone.
        for (const one of together) one.fail(error)
      }
    }
    isDraining = false
  }

  /**
   * Nearly always nobody fails, and in a savepoint SQLite keeps a copy of each page that a piece is about to change.
   * @returns false when somebody failed: then nothing is written yet
   * @throws what the commit failed of, or the only piece
   */
  async function tryWithoutSavepoints(together: readonly Waiting[]): Promise<boolean> {
    let hasFailed = false
    try {
      await begin(async (tx) => {
        hasFailed = true
        for (const one of together) await one.run(tx)
        hasFailed = false
      })
      return true
    } catch (error) {
      if (hasFailed && together.length > 1) return false
      throw error
    }
  }

  /** Waits for those who are about to join: until a turn brings nobody and nothing else to do either. */
  async function gather(): Promise<void> {
    const begun = clock()
    for (let turn = begun; queue.length < MOST_TOGETHER;) {
      const waiting = queue.length
      await nextTurn()
      const now = clock()
      const isIdle = now - turn < IDLE_TURN_MS && queue.length === waiting
      if (isIdle || now - begun > LONGEST_WAIT_MS) return
      turn = now
    }
  }

  const share = <T>(work: (tx: Transaction) => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      let outcome: Outcome<T> | undefined
      lastShared = clock()
      queue.push({
        async run(tx) {
          outcome = { value: await work(tx) }
        },
        async runInSavepoint(tx) {
          const { savepoint, release, rollbackToSavepoint } = tx
          savepoint()
          try {
            outcome = { value: await work(tx) }
          } catch (error) {
            outcome = { error }
            // Throws when the database has given up the whole transaction, as on a full disk: then everybody failed.
            rollbackToSavepoint()
          }
          release()
        },
        settle() {
          if (outcome === undefined) reject(new Error('a piece of shared work was never run'))
          else if ('error' in outcome) reject(outcome.error)
          else resolve(outcome.value)
        },
        fail(error) {
          // Whoever failed by itself hears why; the others hear what became of the transaction.
          reject(outcome !== undefined && 'error' in outcome ? outcome.error : error)
        },
      })
      if (!isDraining) void drain()
    })
  return { share, isBusy: () => isDraining, wasBusy: () => clock() - lastShared < STAYS_BUSY_MS }
}

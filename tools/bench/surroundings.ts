/** What every benchmark stands on: the machine, the databases that were asked for, the emulated company. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { call, getRun, startRun } from '@muster/contracts'
import type { Run, Transport } from '@muster/contracts'
import { request } from 'undici'

import type { EmulatorProcess } from '../../server/src/cli/emulator-process.ts'
import { startPostgres } from '../postgres.ts'
import type { PostgresCluster } from '../postgres.ts'
import type { DatabaseKind } from './databases.ts'

export type Machine = {
  readonly cores: number
  readonly processor: string
  readonly node: string
  /** Of the last minute, when it was asked. */
  readonly load: number
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    load: loadavg()[0] ?? 0,
  }
}

/** Markdown. Pure. */
export function describeMachine({ node, cores, processor, load }: Machine): string {
  return `Node ${node}, ${cores} cores (${processor}), load ${load.toFixed(2)} at the start.`
}

/**
 * How long the main thread of a process has been running so far, in milliseconds. Less at the mercy of whoever else is on
 * the machine than a clock is, and what a Node program has one of. NaN where the system does not tell (all but Linux).
 */
export function mainThreadMs(pid: number | undefined): number {
  const file = `/proc/${pid}/task/${pid}/schedstat`
  // proc(5): "time spent on the cpu (in nanoseconds)" is the first of them.
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6 : Number.NaN
}

/** Where to make databases of one kind. */
export type Place = {
  readonly kind: DatabaseKind
  /** What createEmptyDatabase takes. */
  readonly home: string
  /** For data directories. */
  readonly folder: string
}

/**
 * Does the work on each of these kinds of databases that can be had, one after the other.
 * @param options.searchPath the value of PATH, to find PostgreSQL on
 * @returns what was asked for and could not be had, and why
 */
export async function onEachDatabase(
  { databases, searchPath, signal }: { databases: readonly DatabaseKind[]; searchPath: string; signal: AbortSignal },
  work: (place: Place) => Promise<void>,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-bench-'))
  const skipped: string[] = []
  let cluster: PostgresCluster | undefined
  try {
    if (databases.includes('postgres')) {
      const outcome = await startPostgres({ searchPath, isDurable: true, signal })
      if (outcome.kind === 'running') cluster = outcome.cluster
      else skipped.push(`${outcome.reason} ${outcome.remedy}`)
    }
    for (const kind of databases) {
      const home = kind === 'sqlite' ? folder : cluster?.url
      if (home !== undefined) await work({ kind, home, folder })
    }
    return skipped
  } finally {
    await cluster?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** WeCom's limits are per minute, and a benchmark reads the same company many times in one. */
export const NO_LIMITS = {
  perMinute: null,
  perHour: null,
  perAddressPerMinute: null,
  perAddressPerHour: null,
  concurrency: null,
}

const CONTROL_TIMEOUT_MS = 60_000

/** One call of the emulator's control API. @throws when it is refused */
export async function steer({ controlUrl }: EmulatorProcess, name: string, argument: object): Promise<unknown> {
  const { statusCode, body } = await request(`${controlUrl}/${name}`, {
    method: 'POST',
    body: JSON.stringify(argument),
    headersTimeout: CONTROL_TIMEOUT_MS,
    bodyTimeout: CONTROL_TIMEOUT_MS,
  })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`The emulator refused ${name}: ${text}`)
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

const RUN_TIMEOUT_MS = 20 * 60_000
const POLL_MS = 100

/** Starts a run of a connection, and waits for its end. */
export async function runToItsEnd(api: Transport, connection: string, signal: AbortSignal): Promise<Run> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(RUN_TIMEOUT_MS)])
  let run = await call(startRun, { params: { id: connection }, body: { mode: 'apply', force: true } }, api)
  while (run.state === 'running') {
    await delay(POLL_MS, undefined, { signal: deadline })
    run = await call(getRun, { params: { id: run.id } }, api)
  }
  return run
}

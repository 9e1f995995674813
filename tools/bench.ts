/**
 * `./muster bench [NAME]`: the benchmarks of this repository. Each compares Muster with a floor, the barest program that
 * does the same outer work, measured in the same run; a ratio holds on another machine, a second does not.
 * Reads the command line and the environment, prints the result. What is measured, and how, is in bench/<NAME>.ts.
 */
import { parseArgs } from 'node:util'

import { benchConsole, describeConsoleBenchmark } from './bench/console.ts'
import { describeEventsBenchmark } from './bench/events-report.ts'
import { benchEvents, EVENTS_PARTS, type EventsPart } from './bench/events.ts'
import { describeSyncBenchmark } from './bench/report.ts'
import { benchSignIn, describeSignInBenchmark } from './bench/signin.ts'
import { benchSync, PHASE_NAMES } from './bench/sync.ts'
import type { PhaseName } from './bench/sync.ts'
import type { DatabaseKind } from './bench/databases.ts'

const HELP = `Usage: ./muster bench [sync|signin|console|events] [options]

sync: first, unchanged and changed directory sync against a bare download and a bare bulk insert of the same data.
signin: whole sign-ins a second against oidc-provider in memory, and beside a sync of a whole company.
console: the directory pages in Chromium with a large company, against the same walk with 1,000 people.
events: from a change in WeCom to the directory, acknowledgements against a bare program, and ten thousand in a minute.

  --people N,N…      sizes of the emulated company (default 14000); of signin, of the one that is synchronized beside
  --flows N          sign-ins to measure (default 1000)
  --events N         changes at the pace of ten thousand in a minute (default 10000)
  --only NAME,NAME…  of sync, only these rows and what they stand on: first, unchanged, unchanged-slow, changed,
                     removed, removed-slow; of events, only these parts: idle, syncs, burst, damaged
  --database WHICH   sqlite, postgres or both (default both)
  --profile DIR      write a CPU profile of every measured server into DIR; slows it down a little
  --json             one JSON document instead of tables
  --help             print this
`

const NAMES = ['sync', 'signin', 'console', 'events'] as const
const MOST_PEOPLE = 500_000
const DATABASES: Readonly<Record<string, readonly DatabaseKind[]>> = {
  sqlite: ['sqlite'],
  postgres: ['postgres'],
  both: ['sqlite', 'postgres'],
}

type Order = {
  readonly name: (typeof NAMES)[number]
  readonly flows: number
  readonly events: number
  readonly people: readonly number[]
  readonly only: readonly PhaseName[]
  readonly parts: readonly EventsPart[]
  readonly databases: readonly DatabaseKind[]
  readonly profileDirectory: string | undefined
  readonly asJson: boolean
}

const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => interruption.abort(new Error(`Stopped by ${name}.`)))
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env['PATH'] ?? '', interruption.signal)
} catch (error) {
  if (!interruption.signal.aborted) throw error
  process.exitCode = 130
}

async function main(args: string[], searchPath: string, signal: AbortSignal): Promise<number> {
  const order = readOrder(args)
  if (typeof order === 'string') {
    process.stderr.write(`${order === '' ? '' : `muster: ${order}\n\n`}${HELP}`)
    return order === '' ? 0 : 2
  }
  const means = { searchPath, signal, onProgress: (line: string) => void process.stderr.write(`${line}\n`) }
  if (order.name === 'signin') {
    const [people = 0] = order.people
    const result = await benchSignIn({ ...order, people, ...means })
    return print(order, result, describeSignInBenchmark(result))
  }
  if (order.name === 'console') {
    const result = await benchConsole({ ...order, people: order.people[0]!, ...means })
    return print(order, result, describeConsoleBenchmark(result))
  }
  if (order.name === 'events') {
    const result = await benchEvents({ ...order, people: order.people[0]!, ...means })
    return print(order, result, describeEventsBenchmark(result))
  }
  const result = await benchSync({ ...order, ...means })
  return print(order, result, describeSyncBenchmark(result))
}

function print({ asJson }: Order, result: { readonly problems: readonly string[] }, described: string): number {
  process.stdout.write(asJson ? `${JSON.stringify(result, null, 2)}\n` : described)
  return result.problems.length === 0 ? 0 : 1
}

/** @returns what to do, or what is wrong with the arguments; an empty text asks for the help */
function readOrder(args: string[]): Order | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        people: { type: 'string', default: '14000' },
        flows: { type: 'string', default: '1000' },
        events: { type: 'string', default: '10000' },
        only: { type: 'string' },
        database: { type: 'string', default: 'both' },
        profile: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return ''
    const [given = 'sync', ...more] = positionals
    const name = NAMES.find((one) => one === given)
    if (name === undefined || more.length > 0) return `there is no benchmark "${positionals.join(' ')}".`

    const people = values.people.split(',').map(Number)
    if (
      !people.every((count) => Number.isInteger(count) && count >= (name === 'signin' ? 0 : 1) && count <= MOST_PEOPLE)
    )
      return `--people takes whole numbers from 1 to ${MOST_PEOPLE}, not "${values.people}".`
    const flows = Number(values.flows)
    if (!Number.isInteger(flows) || flows < 1) return `--flows takes a whole number, not "${values.flows}".`
    const events = Number(values.events)
    if (!Number.isInteger(events) || events < 1) return `--events takes a whole number, not "${values.events}".`
    const databases = DATABASES[values.database]
    if (databases === undefined) return `--database takes sqlite, postgres or both, not "${values.database}".`
    const choice = { sync: PHASE_NAMES, events: EVENTS_PARTS, signin: [], console: [] }[name]
    const unknown = values.only?.split(',').find((one) => !choice.some((known) => known === one))
    if (unknown !== undefined)
      return choice.length === 0
        ? `${name} is measured as a whole.`
        : `--only takes some of ${choice.join(', ')}, not "${unknown}".`
    const chosen = <T extends string>(all: readonly T[]) =>
      all.filter((one) => values.only?.split(',').includes(one) ?? true)
    const [only, parts] = [chosen(PHASE_NAMES), chosen(EVENTS_PARTS)]
    return {
      name,
      flows,
      events,
      people,
      only,
      parts,
      databases,
      profileDirectory: values.profile,
      asJson: values.json,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

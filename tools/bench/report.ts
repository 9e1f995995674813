/** The sync benchmark as Markdown: one table per company and database, targets beside what was reached. Pure. */
import type { FloorResult } from './floors.ts'
import { CHANGED_PERCENT, REMOVED_PERCENT, SLOW_CALL_MS } from './sync.ts'
import { describeMachine } from './surroundings.ts'
import type { CompanyResult, Phase, PhaseName, SyncBenchmark } from './sync.ts'

/** Ratios of product.md §10, and what the first version promised. */
const TARGETS: Partial<Record<PhaseName, string>> = {
  first: '1.5 (2.0)',
  unchanged: '1.5 (2.0)',
  'unchanged-slow': '1.1',
  removed: '1.3',
  'removed-slow': '1.3',
}

const PHASES: Readonly<Record<PhaseName, string>> = {
  first: 'first sync',
  unchanged: 'unchanged sync',
  'unchanged-slow': `unchanged sync, ${SLOW_CALL_MS} ms a call`,
  changed: `sync with ${CHANGED_PERCENT} % changed`,
  removed: `sync with ${REMOVED_PERCENT} % removed, by the unchanged sync`,
  'removed-slow': `sync with ${REMOVED_PERCENT} % removed, ${SLOW_CALL_MS} ms a call, by the unchanged sync`,
}

const MEGABYTE = 1_000_000

export function describeSyncBenchmark({ machine, companies, problems, skipped }: SyncBenchmark): string {
  const lines = [
    describeMachine(machine),
    '',
    'Ratio: median of the syncs by the best of the floor. Target: product.md §10, in brackets that of the first version.',
    'Peak memory, at 100,000 people: target 300 MB, in the first version 400 MB. 1 MB is 1,000,000 bytes.',
    ...companies.flatMap(describeCompany),
  ]
  if (skipped.length > 0) lines.push('', 'Not measured:', '', ...skipped.map((reason) => `- ${reason}`))
  if (problems.length > 0) lines.push('', 'Wrong, whatever the time:', '', ...problems.map((problem) => `- ${problem}`))
  return `${lines.join('\n')}\n`
}

function describeCompany({ people, departments, database, floors, phases }: CompanyResult): string[] {
  const { download, slowDownload, insert } = floors
  return [
    '',
    `## ${people.toLocaleString('en')} people in ${departments.toLocaleString('en')} departments, ${database === 'sqlite' ? 'SQLite' : 'PostgreSQL'}`,
    '',
    row('', 'seconds', 'floor, s', 'ratio', 'target', 'calls', 'rows written', 'peak MB'),
    row('---', '---:', '---:', '---:', '---:', '---:', '---', '---:'),
    ...floorRow('bare download and parse', download, 'calls'),
    ...floorRow(`bare download and parse, ${SLOW_CALL_MS} ms a call`, slowDownload, 'calls'),
    ...floorRow('bare bulk insert', insert, 'rows'),
    ...phases.map(phaseRow),
  ]
}

function floorRow(what: string, results: readonly FloorResult[], counted: 'calls' | 'rows'): string[] {
  if (results.length === 0) return []
  const count = (results[0]?.count ?? 0).toLocaleString('en')
  const peak = Math.max(...results.map(({ peakBytes }) => peakBytes))
  const [calls, rows] = counted === 'calls' ? [count, ''] : ['', count]
  return [row(what, listed(results), '', '', '', calls, rows, megabytes(peak))]
}

function phaseRow({ name, samples, seconds, floorSeconds, callsAllowed }: Phase): string {
  const peak = Math.max(...samples.map(({ peakBytes }) => peakBytes ?? Number.NaN))
  const calls = Math.max(...samples.map(({ calls }) => calls))
  return row(
    PHASES[name],
    listed(samples),
    floorSeconds.toFixed(2),
    (seconds / floorSeconds).toFixed(2),
    TARGETS[name] ?? '',
    `${calls.toLocaleString('en')} of ${callsAllowed.toLocaleString('en')}`,
    describeRows(samples.at(-1)?.rows ?? {}),
    megabytes(peak),
  )
}

function listed(samples: readonly { seconds: number }[]): string {
  return samples.map(({ seconds }) => seconds.toFixed(2)).join(', ')
}

function describeRows(rows: Phase['samples'][number]['rows']): string {
  const parts = Object.entries(rows).map(([table, { inserted, updated, deleted }]) => {
    const counts = [`+${inserted}`, updated > 0 ? `~${updated}` : '', deleted > 0 ? `−${deleted}` : '']
    return `${table} ${counts.filter((text) => text !== '' && text !== '+0').join(' ')}`
  })
  return parts.length === 0 ? 'none' : parts.join(', ')
}

function megabytes(bytes: number): string {
  return Number.isNaN(bytes) ? '–' : (bytes / MEGABYTE).toFixed(0)
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

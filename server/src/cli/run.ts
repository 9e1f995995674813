/** Starts a run through the API, shows how it goes, and says how it ended. Shared by `sync` and `demo`. */
import { setTimeout as delay } from 'node:timers/promises'
import { approveRun, call, getRun, listChanges, startRun, type Run, type Transport } from '@muster/contracts'
import { createProgress, printable, say } from './terminal.ts'

const POLL_MS = 150

/** @returns the run after it ended */
export async function runAndWatch(api: Transport, connection: string, mode: 'apply' | 'preview'): Promise<Run> {
  return watch(api, await call(startRun, { params: { id: connection }, body: { mode } }, api))
}

/** Approves what a run holds. @returns the new run that carries it out, after it ended */
export async function approveAndWatch(api: Transport, runId: string, planHash: string): Promise<Run> {
  return watch(api, await call(approveRun, { params: { id: runId }, body: { planHash } }, api))
}

async function watch(api: Transport, started: Run): Promise<Run> {
  const progress = createProgress()
  let run = started
  try {
    while (run.state === 'running') {
      const { phase, done, total } = run.progress
      progress.show(phase === 'read' ? 'Reading WeCom' : 'Writing the directory', done, total)
      await delay(POLL_MS)
      run = await call(getRun, { params: { id: run.id } }, api)
    }
  } finally {
    progress.end()
  }
  return run
}

const STATES: Record<Run['state'], string> = {
  running: 'Running',
  succeeded: 'Succeeded',
  partially_succeeded: 'Partially succeeded',
  failed: 'Failed',
  held: 'Held for approval',
  rejected: 'Rejected',
  superseded: 'Superseded',
  cancelled: 'Cancelled',
  previewed: 'Previewed',
}

/** What happened, for a person. */
export async function describeRun(api: Transport, run: Run): Promise<void> {
  const seconds = run.finishedAt === null ? 0 : (Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1_000
  const { membersRead, departmentsRead, users, departments } = run.counts
  say(`${STATES[run.state]} in ${seconds.toFixed(1)} s, ${run.apiCalls.toLocaleString('en')} calls to WeCom.`)
  say(
    `  read         ${membersRead.toLocaleString('en')} members in ${departmentsRead.toLocaleString('en')} departments`,
  )
  say(`  users        ${countsLine(users)}`)
  say(`  departments  ${countsLine(departments)}`)
  for (const { what, code, detail } of run.unread) say(`  not read: ${what} (${code}): ${detail}`)
  for (const { detail } of run.warnings) say(`  note: ${detail}`)
  for (const { detail } of run.held?.reasons ?? []) say(`  held: ${detail}`)
  if (run.state === 'held') {
    say(`  → Look at them: GET /api/v1/runs/${run.id}/changes?state=held, then approve or reject the run.`)
  }
  if (run.error !== null) say(`  ${run.error.title}. ${run.error.detail ?? ''}\n  → ${run.error.remedy ?? ''}`)
  if (users.failed + departments.failed === 0) return
  const query = { state: 'failed' as const, limit: SHOWN_FAILURES }
  const { items, total } = await call(listChanges, { params: { id: run.id }, query }, api)
  for (const { entity, externalId, name, error } of items) {
    say(`  failed: ${entity} ${externalId ?? ''} ${printable(name ?? '')}: ${error?.detail ?? error?.title ?? ''}`)
  }
  if (total > items.length)
    say(`  … and ${total - items.length} more; see GET /api/v1/runs/${run.id}/changes?state=failed`)
}

const SHOWN_FAILURES = 20

function countsLine(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).filter(([name, count]) => count > 0 || name === 'unchanged')
  return named.map(([name, count]) => `${count.toLocaleString('en')} ${name}`).join(', ')
}

/** How a command that made this run ends. */
export function exitCodeOf(run: Run): number {
  switch (run.state) {
    case 'succeeded':
    case 'previewed':
      return 0
    case 'partially_succeeded':
      return 3
    case 'held':
      return 4
    default:
      return 1
  }
}

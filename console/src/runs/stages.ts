/**
 * The stages of a run for the bar on its page: what is done, what goes on, where it stopped. Pure. A run that takes another
 * one back reads no WeCom but the record of that run; a preview ends before anything is written.
 */
import type { Run } from '@muster/contracts'

export type StageName = 'read' | 'record' | 'compare' | 'hold' | 'apply'
export type StageStatus = 'wait' | 'process' | 'finish' | 'error'
/** What stands below the name of a stage; words are in texts.ts. */
export type StageNote =
  | 'none'
  | 'read'
  | 'incomplete'
  | 'notHeld'
  | 'held'
  | 'wouldHold'
  | 'rejected'
  | 'superseded'
  | 'approved'
  | 'alreadyApproved'
  | 'applied'
  | 'appliedWithFailures'
  | 'appliedBesideHeld'
  | 'notWritten'
  | 'going'
  | 'stopped'
  | 'neverCame'

export interface Stage {
  readonly name: StageName
  readonly status: StageStatus
  readonly note: StageNote
}

type Facts = Pick<Run, 'state' | 'trigger' | 'mode' | 'complete' | 'progress' | 'held' | 'counts'>

const ORDER = ['read', 'plan', 'apply'] as const

export function stagesOf(run: Facts): readonly Stage[] {
  const reached = ORDER.indexOf(run.progress.phase)
  const isBroken = run.state === 'failed' || run.state === 'cancelled'
  const stage = (name: StageName, at: number, done: StageNote): Stage => {
    if (run.state === 'running') {
      if (at === reached) return { name, status: 'process', note: 'going' }
      return at < reached ? { name, status: 'finish', note: done } : { name, status: 'wait', note: 'none' }
    }
    if (!isBroken || at < reached) return { name, status: 'finish', note: done }
    return at === reached ? { name, status: 'error', note: 'stopped' } : { name, status: 'wait', note: 'neverCame' }
  }

  const isRevert = run.trigger === 'revert'
  const first = stage(isRevert ? 'record' : 'read', 0, isRevert ? 'none' : run.complete ? 'read' : 'incomplete')
  const last =
    run.mode === 'preview' && run.state === 'previewed'
      ? ({ name: 'apply', status: 'wait', note: 'notWritten' } as const)
      : stage('apply', 2, appliedNote(run))
  const middle = stage('compare', 1, 'none')
  return isRevert ? [first, middle, last] : [first, middle, holdStage(run, reached, isBroken), last]
}

function holdStage(run: Facts, reached: number, isBroken: boolean): Stage {
  const stage = (status: StageStatus, note: StageNote): Stage => ({ name: 'hold', status, note })
  if (run.trigger === 'approval') return stage(reached < 2 ? 'wait' : 'finish', 'alreadyApproved')
  switch (run.state) {
    case 'held':
      return stage('process', 'held')
    case 'rejected':
      return stage('finish', 'rejected')
    case 'superseded':
      return stage('finish', 'superseded')
    case 'previewed':
      return heldRemovals(run) > 0 ? stage('finish', 'wouldHold') : stage('finish', 'notHeld')
    default:
      if (run.held !== null && !isBroken && run.state !== 'running') return stage('finish', 'approved')
      return reached < 2 ? stage('wait', isBroken ? 'neverCame' : 'none') : stage('finish', 'notHeld')
  }
}

function appliedNote(run: Facts): StageNote {
  const { users, departments } = run.counts
  if (users.failed + departments.failed > 0) return 'appliedWithFailures'
  return run.state === 'held' || run.state === 'rejected' || run.state === 'superseded'
    ? 'appliedBesideHeld'
    : 'applied'
}

/** How many people and departments wait for somebody's word, or would. */
export function heldRemovals({ held, counts }: Pick<Run, 'held' | 'counts'>): number {
  if (held === null) return counts.users.held + counts.departments.held
  return Object.values(held.counts).reduce((sum, count) => sum + count, 0)
}

/** Of the stage that goes on, in percent; undefined where nobody knows how much there is to do. */
export function percentOf({ progress }: Pick<Run, 'progress'>): number | undefined {
  if (progress.total === 0) return undefined
  return Math.min(100, Math.floor((progress.done / progress.total) * 100))
}

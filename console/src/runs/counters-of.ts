/**
 * The counters of a run and which changes each of them counts, so that a click on a number shows exactly what it stands
 * for. Pure.
 */
import type { Run } from '@muster/contracts'
import type { ChangesSearch } from './search.ts'

export type CountedWord = keyof Run['counts']['users'] | 'rejected'

export interface Counter {
  readonly word: CountedWord
  readonly count: number
  /** The changes that it counts; undefined for what left no change behind. */
  readonly filter: ChangesSearch | undefined
}

export interface CounterGroup {
  readonly entity: 'user' | 'department'
  readonly counters: readonly Counter[]
}

type Facts = Pick<Run, 'counts' | 'state' | 'mode' | 'held'>

const ACTION_OF = {
  created: 'create',
  updated: 'update',
  disabled: 'disable',
  enabled: 'enable',
  deleted: 'delete',
  restored: 'restore',
  linked: 'link',
  unlinked: 'unlink',
} as const

/** What happens first, then what did not. */
const ORDER = [
  'created',
  'linked',
  'updated',
  'enabled',
  'restored',
  'disabled',
  'deleted',
  'unlinked',
  'held',
  'rejected',
  'failed',
  'skipped',
  'unchanged',
] as const

/** Shown also when they are 0: what everybody looks for. */
const ALWAYS: ReadonlySet<CountedWord> = new Set(['created', 'updated', 'disabled', 'deleted', 'failed', 'unchanged'])

export function countersOf(run: Facts): readonly CounterGroup[] {
  return (['user', 'department'] as const).map((entity) => {
    const counts: Partial<Record<CountedWord, number>> = numbersOf(run, entity)
    const counters = ORDER.flatMap((word) => {
      const count = counts[word]
      if (count === undefined || (count === 0 && !ALWAYS.has(word))) return []
      return [{ word, count, filter: filterOf(run, entity, word) }]
    })
    return { entity, counters }
  })
}

/** A rejected removal is counted as skipped by the server; whoever rejected it looks for it under that word. */
function numbersOf({ counts, state, held }: Facts, entity: 'user' | 'department') {
  const numbers = entity === 'user' ? counts.users : counts.departments
  if (state !== 'rejected' || held === null) return numbers
  const rejected = Object.entries(held.counts)
    .filter(([name]) => name.startsWith(`${entity}.`))
    .reduce((sum, [, count]) => sum + count, 0)
  return { ...numbers, rejected, skipped: Math.max(0, numbers.skipped - rejected) }
}

function filterOf({ mode }: Facts, entity: 'user' | 'department', word: CountedWord): ChangesSearch | undefined {
  switch (word) {
    case 'unchanged':
      return undefined
    case 'held':
    case 'rejected':
      return { entity, state: word }
    case 'failed':
    case 'skipped':
      // Of people also what failed or was skipped about their link.
      return entity === 'department' ? { entity, state: word } : { state: word }
    default: {
      const isLink = word === 'linked' || word === 'unlinked'
      const state = mode === 'preview' ? 'planned' : 'applied'
      return { entity: isLink ? 'link' : entity, action: ACTION_OF[word], state }
    }
  }
}

export function isSameFilter(one: ChangesSearch, other: ChangesSearch): boolean {
  return one.entity === other.entity && one.action === other.action && one.state === other.state
}

/** Whether anything was, or would be, written. */
export function hasEffect({ counts }: Pick<Run, 'counts'>): boolean {
  const words = Object.keys(ACTION_OF) as (keyof typeof ACTION_OF)[]
  const { users, departments } = counts
  return words.some((word) => users[word] > 0 || (word in departments && departments[word as 'created'] > 0))
}

/** Everything that a run counted as done, for one number in a list. */
export function totalOf(run: Pick<Run, 'counts'>, words: readonly (keyof typeof ACTION_OF)[]): number {
  const { users, departments } = run.counts
  return words.reduce((sum, word) => sum + users[word] + (word in departments ? departments[word as 'created'] : 0), 0)
}

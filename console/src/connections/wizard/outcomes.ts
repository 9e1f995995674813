/** What a run would do, from its counts: what does not happen is left out. Pure. */
import type { Run } from '@muster/contracts'

type Counts = Pick<Run['counts'], 'users' | 'departments'>
export type Action = keyof Counts['users']

/** In the order of weight: what somebody has to look at first stands first. */
const ORDER: readonly Action[] = [
  'failed',
  'held',
  'deleted',
  'disabled',
  'unlinked',
  'created',
  'linked',
  'updated',
  'enabled',
  'restored',
  'skipped',
  'unchanged',
]

export function outcomes({ users, departments }: Counts) {
  return [
    { entity: 'people' as const, actions: actionsOf(users) },
    { entity: 'departments' as const, actions: actionsOf(departments) },
  ].filter(({ actions }) => actions.length > 0)
}

function actionsOf(counts: Partial<Record<Action, number>>): { action: Action; count: number }[] {
  return ORDER.flatMap((action) => {
    const count = counts[action] ?? 0
    return count === 0 ? [] : [{ action, count }]
  })
}

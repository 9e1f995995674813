/** Runs for tests of what is said about them. */
import type { Run } from '@muster/contracts'

type Told = Pick<Run, 'state' | 'trigger' | 'mode' | 'complete' | 'progress' | 'held' | 'counts'>

export function runWith({
  users = {},
  departments = {},
  ...rest
}: Partial<Omit<Told, 'counts'>> & {
  users?: Partial<Run['counts']['users']>
  departments?: Partial<Run['counts']['departments']>
}): Told {
  return {
    state: 'succeeded',
    trigger: 'manual',
    mode: 'apply',
    complete: true,
    progress: { phase: 'apply', done: 0, total: 0 },
    held: null,
    ...rest,
    counts: {
      membersRead: 0,
      departmentsRead: 0,
      users: {
        created: 0,
        updated: 0,
        disabled: 0,
        enabled: 0,
        deleted: 0,
        restored: 0,
        linked: 0,
        unlinked: 0,
        unchanged: 0,
        skipped: 0,
        failed: 0,
        held: 0,
        ...users,
      },
      departments: {
        created: 0,
        updated: 0,
        deleted: 0,
        unchanged: 0,
        skipped: 0,
        failed: 0,
        held: 0,
        ...departments,
      },
    },
  }
}

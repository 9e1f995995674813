/** The snapshot for `./muster backup`. Nobody gets the whole database over the network, not even an owner. */
import { takeSnapshot as endpoint } from '@muster/contracts'
import type { Snapshot } from '../database/backup.ts'
import { AppError } from '../errors.ts'
import { route, type Route } from './routes.ts'

export function backupRoutes({ takeSnapshot }: { takeSnapshot: () => Promise<Snapshot> }): Route[] {
  return [
    route(endpoint, async ({ actor }) => {
      if (actor.kind !== 'local') throw new AppError('backup/local-only')
      return takeSnapshot()
    }),
  ]
}

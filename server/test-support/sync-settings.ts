/** What a connection that synchronises is set to when nobody has changed anything. */
import { defaultMapping } from '@muster/contracts'
import type { SyncSettings } from '../src/sync/sync.ts'

export const SYNC_SETTINGS = {
  bindByUsername: true,
  matchFields: [],
  onlyWecomUsers: 'create',
  onlyWecomDepartments: 'create',
  notActivated: 'disable',
  mapping: defaultMapping,
  onlyHereUsers: 'ignore',
  onlyHereDepartments: 'ignore',
  guard: { percent: 20, minimum: 10, absolute: 500 },
  syntheticEmailDomain: 'wecom.local',
} as const satisfies SyncSettings

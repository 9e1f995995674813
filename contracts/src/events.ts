/** What WeCom told us through callbacks, and what became of each (http-api.md §4.1). */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import {
  answer,
  byId,
  ConnectionId,
  ConnectionReference,
  EventId,
  OrganizationId,
  RunId,
  Timestamp,
} from './formats.ts'
import { listOf, listQuery, momentFilters, organizationFilter } from './list.ts'
import { StoredProblem } from './problem.ts'

export const EventState = z.enum(['pending', 'applied', 'ignored', 'failed', 'parked']).meta({
  description:
    'pending: will be worked off. applied: the object was read again, and the directory is in line. ignored: nothing ' +
    'to do, `note` says why. failed: will be tried again. parked: failed too often, and waits for a replay.',
})
export type EventState = z.output<typeof EventState>

/** Why there was nothing to do; a word that does not change. */
export const EventNote = z.enum([
  'sync-off',
  'real-time-off',
  'out-of-scope',
  'tag',
  'unknown-type',
  'corp-unknown',
  'outdated',
])
export type EventNote = z.output<typeof EventNote>

export const Event = answer({
  id: EventId,
  organizationId: OrganizationId,
  connectionId: ConnectionId,
  corpId: z.string().nullable().meta({ description: 'The company it is about; null when it is about the suite.' }),
  channel: z.enum(['contacts', 'command', 'data']).meta({ description: 'Which callback address it came to.' }),
  type: z.string().meta({ description: "WeCom's ChangeType or InfoType.", examples: ['update_user'] }),
  object: z
    .string()
    .nullable()
    .meta({ description: 'What it is about.', examples: ['user ZhangSan', 'department 7'] }),
  state: EventState,
  note: EventNote.nullable(),
  attempts: z.int().min(0),
  error: StoredProblem.nullable().meta({ description: 'Of the last attempt that failed.' }),
  runId: RunId.nullable().meta({ description: 'The run that changed or holds something because of it.' }),
  happenedAt: Timestamp.meta({ description: 'By the clock of WeCom.' }),
  receivedAt: Timestamp,
  nextAttemptAt: Timestamp.nullable(),
  finishedAt: Timestamp.nullable(),
}).meta({
  id: 'Event',
  title: 'Event',
  description: 'One callback of WeCom. A hint: the object it names is read again.',
  examples: [
    {
      id: 'evt_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
      corpId: 'ww0123456789abcdef',
      channel: 'contacts',
      type: 'update_user',
      object: 'user ZhangSan',
      state: 'applied',
      note: null,
      attempts: 1,
      error: null,
      runId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1d',
      happenedAt: '2026-11-20T03:00:00.000Z',
      receivedAt: '2026-11-20T03:00:00.412Z',
      nextAttemptAt: null,
      finishedAt: '2026-11-20T03:00:01.020Z',
    },
  ],
})

export type Event = z.output<typeof Event>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Events'

export const listEvents = endpoint({
  operationId: 'listEvents',
  method: 'GET',
  path: '/events',
  summary: 'List events',
  description: 'Newest first. `q` searches objects and types.',
  tag,
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    ...momentFilters,
    connection: ConnectionReference.optional().meta({ description: 'Only of this connection.' }),
    state: EventState.optional(),
    type: z.string().min(1).max(64).optional().meta({ description: 'Only of this type.' }),
  }),
  responses: { 200: listOf(Event) },
})

export const getEvent = endpoint({
  operationId: 'getEvent',
  method: 'GET',
  path: '/events/:id',
  summary: 'Read an event',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: Event },
})

export const replayEvent = endpoint({
  operationId: 'replayEvent',
  method: 'POST',
  path: '/events/:id/replay',
  summary: 'Work an event off again',
  description:
    'Whatever its state. Its object is read again as it is now. Refused with events/secret-gone for an event whose ' +
    'one-time code is used up or too old.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 202: Event },
})

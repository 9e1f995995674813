/** Questions of a form before it is saved: when a schedule would run, whether an identifier is still free. */
import { z } from 'zod'
import { NewSchedule } from './connection-settings.ts'
import { endpoint } from './endpoint.ts'
import { answer, Timestamp, TimeZone } from './formats.ts'

const tag = 'Connections'

export const SchedulePreview = answer({
  next: z.array(Timestamp).max(3).meta({ description: 'The next three times; none when nothing is scheduled.' }),
  timeZone: z.string(),
}).meta({
  id: 'SchedulePreview',
  title: 'Schedule preview',
  examples: [
    {
      next: ['2026-11-20T19:00:00.000Z', '2026-11-21T19:00:00.000Z', '2026-11-22T19:00:00.000Z'],
      timeZone: 'Asia/Shanghai',
    },
  ],
})

export type SchedulePreview = z.output<typeof SchedulePreview>

export const previewSchedule = endpoint({
  operationId: 'previewSchedule',
  method: 'POST',
  path: '/schedule-previews',
  summary: 'Say when a schedule would run',
  description: 'Stores nothing.',
  tag,
  role: 'auditor',
  body: z
    .strictObject({ schedule: NewSchedule, timeZone: TimeZone.default('Asia/Shanghai') })
    .meta({ title: 'Schedule to preview', examples: [{ schedule: { kind: 'daily', at: '03:00' } }] }),
  responses: { 200: SchedulePreview },
})

export const IdentifierCheck = answer({
  identifier: z.string(),
  state: z.enum(['free', 'taken', 'invalid']),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it cannot be used, in the language of the request; null when it is free.' }),
}).meta({
  id: 'IdentifierCheck',
  title: 'Identifier check',
  examples: [{ identifier: 'hq', state: 'free', reason: null }],
})

export type IdentifierCheck = z.output<typeof IdentifierCheck>

export const checkIdentifier = endpoint({
  operationId: 'checkIdentifier',
  method: 'GET',
  path: '/identifiers/:identifier',
  summary: 'Ask whether an identifier is free',
  description: 'Of a connection, over all organizations. Reserves nothing: creating the connection has the last word.',
  tag,
  role: 'auditor',
  params: z.strictObject({ identifier: z.string().min(1).max(64) }),
  responses: { 200: IdentifierCheck },
})

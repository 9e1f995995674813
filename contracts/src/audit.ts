/** The audit record: who did what, to what, from where. Append-only; no endpoint changes it. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, AuditEntryId, OrganizationId, Timestamp } from './formats.ts'
import { formatFilter, listOrFileOf, listQuery, momentFilters } from './list.ts'

const Actor = answer({
  kind: z.enum(['user', 'token', 'bootstrap', 'local', 'system']).meta({
    description:
      'A user, an API token, the bootstrap token, somebody with a shell on the server, or Muster itself (a schedule).',
  }),
  id: z.string().nullable().meta({ description: 'Of the user or the API token.' }),
  name: z.string().nullable().meta({
    description:
      'As it was then. Of people who sign in the record keeps no name: theirs is as it is now, and null when they are gone.',
  }),
})

const Target = answer({
  kind: z.string().meta({ examples: ['connection'] }),
  id: z.string(),
  name: z.string().nullable().meta({ description: 'As of the actor.' }),
})

export const AuditEntry = answer({
  id: AuditEntryId,
  at: Timestamp,
  actor: Actor,
  action: z.string().meta({ description: 'What was done, `noun.verb`.', examples: ['connection.update'] }),
  target: Target.nullable(),
  organizationId: OrganizationId.nullable().meta({ description: 'null for what concerns the whole installation.' }),
  details: z
    .record(z.string(), z.unknown())
    .meta({ description: 'Facts about this entry, such as the names of changed fields. Never a secret.' }),
  address: z.string().nullable().meta({ description: 'Where the request came from.' }),
  requestId: z.string().nullable().meta({ description: 'Finds the request in the log of the server.' }),
}).meta({
  id: 'AuditEntry',
  title: 'Audit entry',
  description: 'One thing that somebody did.',
  examples: [
    {
      id: 'aud_01jd3v0w6k9m2q4r8t0x5y7z1a',
      at: '2026-11-20T03:00:00.000Z',
      actor: { kind: 'user', id: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1b', name: 'admin' },
      action: 'connection.update',
      target: { kind: 'connection', id: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c', name: 'hq' },
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1d',
      details: { fields: ['sync.users.onlyHere'] },
      address: '192.0.2.10',
      requestId: 'req-1f',
    },
  ],
})

export type AuditEntry = z.output<typeof AuditEntry>

export const listAudit = endpoint({
  operationId: 'listAudit',
  method: 'GET',
  path: '/audit',
  summary: 'Read the audit record',
  description: 'Newest first. `q` searches actions, names and details.',
  tag: 'Audit',
  role: 'auditor',
  query: listQuery({
    organizationId: OrganizationId.optional().meta({ description: 'Only what concerns this organization.' }),
    action: z
      .string()
      .max(64)
      .optional()
      .meta({ description: 'Only this action.', examples: ['connection.update'] }),
    actorId: z.string().max(64).optional().meta({ description: 'Only what this user or API token did.' }),
    targetId: z.string().max(64).optional().meta({ description: 'Only what was done to this resource.' }),
    ...momentFilters,
    ...formatFilter,
  }),
  responses: { 200: listOrFileOf(AuditEntry) },
})

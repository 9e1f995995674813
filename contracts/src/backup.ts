/** What `./muster backup` asks of a running server. The rest of a backup is the command's own work. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer } from './formats.ts'

export const Snapshot = answer({
  database: z.enum(['sqlite', 'postgres']).meta({ description: 'What the server keeps its data in.' }),
  file: z
    .string()
    .nullable()
    .meta({
      description: 'Name of the copy in the data directory of the server; null with PostgreSQL, which needs none.',
      examples: ['snapshot.0123456789ab.unfinished'],
    }),
}).meta({
  id: 'Snapshot',
  title: 'Snapshot',
  description: 'A copy of the database file as it was at one moment. Whoever asked for it removes it.',
  examples: [{ database: 'sqlite', file: 'snapshot.0123456789ab.unfinished' }],
})

export type Snapshot = z.output<typeof Snapshot>

export const takeSnapshot = endpoint({
  operationId: 'takeSnapshot',
  method: 'POST',
  path: '/snapshots',
  summary: 'Copy the database file, for `./muster backup`',
  description:
    'Answered on the socket of the data directory only, whatever the role: it is for whoever may read the file anyway. Everybody else gets `backup/local-only`.',
  tag: 'Backup',
  role: 'owner',
  responses: { 201: Snapshot },
})

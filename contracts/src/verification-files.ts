/** The files by which WeCom proves that a domain is ours: kept with a connection, served at the root of our origin. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, ConnectionId, ConnectionReference, nothing, Timestamp } from './formats.ts'

/** Nothing else may ever be served at the root by this door. */
export const VerificationFileName = z
  .string()
  .regex(/^WW_verify_[A-Za-z0-9]{1,64}\.txt$/, 'A name as WeCom gives it: WW_verify_, letters and digits, .txt')
  .meta({ description: 'As WeCom names the file.', examples: ['WW_verify_a1B2c3D4e5F6g7H8.txt'] })

/** WeCom's own have sixteen characters. */
export const VerificationFileText = z
  .string()
  .regex(/^[\t\r\n\x20-\x7e]{1,1024}$/, 'Plain text of at most 1,024 letters, digits and other ASCII characters')
  .meta({
    description: 'What is in the file, as `text/plain`; a JSON string will do, too.',
    examples: ['a1B2c3D4e5F6g7H8'],
  })

export const VerificationFile = answer({
  name: VerificationFileName,
  connectionId: ConnectionId,
  url: z.string().meta({ description: 'Where it is served.' }),
  updatedAt: Timestamp,
}).meta({
  title: 'VerificationFile',
  examples: [
    {
      name: 'WW_verify_a1B2c3D4e5F6g7H8.txt',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1a',
      url: 'https://muster.example.com/WW_verify_a1B2c3D4e5F6g7H8.txt',
      updatedAt: '2026-11-20T03:00:00.000Z',
    },
  ],
})

export type VerificationFile = z.output<typeof VerificationFile>

const byName = z.strictObject({ id: ConnectionReference, name: VerificationFileName })
const tag = 'Connections'
const path = '/connections/:id/verification-files/:name'

export const putVerificationFile = endpoint({
  operationId: 'putVerificationFile',
  method: 'PUT',
  path,
  summary: 'Serve a verification file of WeCom',
  description:
    'Kept until it is deleted or the connection is removed. Sent again, it is replaced; a file that another connection ' +
    'keeps is refused with connections/verification-file-taken. A connection has at most twenty of them.',
  tag,
  role: 'operator',
  params: byName,
  body: VerificationFileText,
  consumes: ['text/plain', 'application/json'],
  responses: { 200: VerificationFile },
})

export const deleteVerificationFile = endpoint({
  operationId: 'deleteVerificationFile',
  method: 'DELETE',
  path,
  summary: 'Serve a verification file no longer',
  tag,
  role: 'operator',
  params: byName,
  responses: { 204: nothing },
})

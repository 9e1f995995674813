/** API tokens: what programs present as `Authorization: Bearer …`. The token itself is shown once, when it is made. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, ApiTokenId, byId, line, nothing, Role, Timestamp } from './formats.ts'
import { listOf, listQuery } from './list.ts'

const apiTokenFields = {
  id: ApiTokenId,
  name: z.string(),
  role: Role,
  createdBy: z.string().nullable().meta({ description: 'Who made it.' }),
  createdAt: Timestamp,
  lastUsedAt: Timestamp.nullable().meta({ description: 'To the minute or so.' }),
}

const example = {
  id: 'tok_01jd3v0w6k9m2q4r8t0x5y7z1a',
  name: 'backup script',
  role: 'auditor',
  createdBy: 'admin',
  createdAt: '2026-11-20T03:00:00.000Z',
  lastUsedAt: null,
}

export const ApiToken = answer(apiTokenFields).meta({
  id: 'ApiToken',
  title: 'API token',
  description: 'A credential for a program.',
  examples: [example],
})

export const CreatedApiToken = answer({
  ...apiTokenFields,
  token: z.string().meta({ description: 'The token. This is the only time it is shown.' }),
}).meta({
  title: 'Created API token',
  examples: [{ ...example, token: 'the-token-itself' }],
})

export const NewApiToken = z
  .strictObject({ name: line(128), role: Role })
  .meta({ title: 'New API token', examples: [{ name: 'backup script', role: 'auditor' }] })

export type ApiToken = z.output<typeof ApiToken>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'API tokens'

export const listApiTokens = endpoint({
  operationId: 'listApiTokens',
  method: 'GET',
  path: '/api-tokens',
  summary: 'List API tokens',
  description: 'Without the tokens themselves, which are not stored.',
  tag,
  role: 'auditor',
  query: listQuery({}),
  responses: { 200: listOf(ApiToken) },
})

export const createApiToken = endpoint({
  operationId: 'createApiToken',
  method: 'POST',
  path: '/api-tokens',
  summary: 'Create an API token',
  tag,
  role: 'owner',
  confirm: true,
  body: NewApiToken,
  responses: { 201: CreatedApiToken },
})

export const deleteApiToken = endpoint({
  operationId: 'deleteApiToken',
  method: 'DELETE',
  path: '/api-tokens/:id',
  summary: 'Delete an API token',
  description: 'It stops working at once.',
  tag,
  role: 'owner',
  confirm: true,
  params: byId,
  responses: { 204: nothing },
})

/** Companies that authorised a delegated or provider connection (http-api.md §4.1), and how they come to do so. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byConnection, Timestamp } from './formats.ts'
import { listOf, listQuery } from './list.ts'

export const CorpState = z.enum(['authorized', 'cancelled'])
export type CorpState = z.output<typeof CorpState>

export const Corp = answer({
  corpId: z.string().meta({ description: 'As the provider sees it; WeCom encrypts it for each provider.' }),
  name: z.string(),
  state: CorpState,
  agentId: z.int().nullable().meta({ description: 'Of our app in that company; null when it has none.' }),
  authorizedAt: Timestamp,
  cancelledAt: Timestamp.nullable(),
  seats: z.int().nullable().meta({ description: 'People the edition allows; null when WeCom does not say.' }),
  expiresAt: Timestamp.nullable().meta({ description: 'When the edition ends; null when WeCom does not say.' }),
  linkedUsers: z.int().min(0),
}).meta({
  id: 'Corp',
  title: 'Authorised company',
  examples: [
    {
      corpId: 'wpk0123456789abcdef',
      name: '上海示例科技',
      state: 'authorized',
      agentId: 1000021,
      authorizedAt: '2026-11-20T03:00:00.000Z',
      cancelledAt: null,
      seats: 200,
      expiresAt: '2027-11-20T03:00:00.000Z',
      linkedUsers: 84,
    },
  ],
})

export type Corp = z.output<typeof Corp>

export const Installation = answer({
  url: z.string().meta({ description: 'To be opened, or scanned, by an administrator of the company.' }),
  expiresAt: Timestamp,
}).meta({
  id: 'Installation',
  title: 'Installation',
  examples: [
    {
      url: 'https://open.work.weixin.qq.com/3rdapp/install?suite_id=dk0123&pre_auth_code=…&redirect_uri=…&state=…',
      expiresAt: '2026-11-20T03:20:00.000Z',
    },
  ],
})

export type Installation = z.output<typeof Installation>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Connections'

export const listCorps = endpoint({
  operationId: 'listCorps',
  method: 'GET',
  path: '/connections/:id/corps',
  summary: 'List authorised companies',
  description: 'By name. Empty for a self-built connection. `q` searches names and ids.',
  tag,
  role: 'auditor',
  params: byConnection,
  query: listQuery({ state: CorpState.optional() }),
  responses: { 200: listOf(Corp) },
})

export const startInstallation = endpoint({
  operationId: 'startInstallation',
  method: 'POST',
  path: '/connections/:id/installations',
  summary: 'Invite a company',
  description:
    "Makes the address of WeCom's page on which an administrator of a company authorises the app. WeCom sends them back " +
    'to us, once. Refused with connections/kind-without-corps, connections/incomplete, and suites/no-ticket while WeCom ' +
    'has not sent the ticket of the suite.',
  tag,
  role: 'operator',
  params: byConnection,
  responses: { 201: Installation },
})

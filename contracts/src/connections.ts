/** Connections: our configured links to WeCom (http-api.md §4.2). Secrets go in and never come out. */
import { z } from 'zod'
import { NewSyncInput, SignInInput, SignInSettings, SyncPatch, SyncSettings } from './connection-settings.ts'
import { endpoint } from './endpoint.ts'
import {
  answer,
  byConnection,
  clearable,
  ConnectionId,
  Identifier,
  line,
  nothing,
  OrganizationId,
  RunId,
  Timestamp,
} from './formats.ts'
import { Icon } from './icon.ts'
import { listOf, listQuery, organizationFilter } from './list.ts'

// ---- Values ---------------------------------------------------------------------------------------------------------

export const ConnectionKind = z.enum(['self_built', 'delegated', 'service_provider']).meta({
  description: "The company's own app, an app that a provider develops for it, or a provider's app for any company.",
})

const wecomId = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'Up to 128 characters, as copied from WeCom, without spaces')
  .meta({ examples: ['ww0123456789abcdef'] })
const secret = z
  .string()
  .regex(/^[\x21-\x7e]{1,512}$/, 'Up to 512 characters, as copied from WeCom, without spaces')
  .meta({ description: 'Write-only.', writeOnly: true })
const agentId = z
  .int()
  .min(1)
  .max(4_294_967_295)
  .meta({ description: 'AgentId of the app.', examples: [1000002] })
const callbackToken = z
  .string()
  .regex(/^[A-Za-z0-9]{1,32}$/, 'Up to 32 letters and digits')
  .meta({ description: 'Token of the callback. Write-only.', writeOnly: true })
const aesKey = z
  .string()
  .regex(/^[A-Za-z0-9]{43}$/, 'Exactly 43 letters and digits')
  .meta({ description: 'EncodingAESKey of the callback. Write-only.', writeOnly: true })

export const SyncStatus = z.enum(['never', 'running', 'succeeded', 'partially_succeeded', 'failed', 'held']).meta({
  description: 'State of the last finished apply run, or `running`.',
})

// ---- What is read ---------------------------------------------------------------------------------------------------

export const Connection = answer({
  id: ConnectionId,
  organizationId: OrganizationId,
  identifier: Identifier,
  kind: ConnectionKind,
  displayName: z.string().meta({ description: 'Shown on the sign-in button.' }),
  icon: z
    .string()
    .nullable()
    .meta({ description: 'Picture on the sign-in button, as a data URL; null for the default drawing.' }),
  corpId: z.string().nullable(),
  agentId: z.int().nullable(),
  hasSecret: z.boolean(),
  hasContactsSecret: z.boolean(),
  suiteId: z.string().nullable(),
  hasSuiteSecret: z.boolean(),
  providerCorpId: z.string().nullable(),
  hasProviderSecret: z.boolean(),
  callback: answer({
    url: z.string().meta({ description: 'Paste it into WeCom as the URL that receives events.' }),
    commandUrl: z.string().meta({ description: 'Command callback of a suite or template (指令回调).' }),
    dataUrl: z.string().meta({ description: 'Data callback of a suite or template (数据回调).' }),
    hasToken: z.boolean(),
    hasAesKey: z.boolean(),
    previousUntil: Timestamp.nullable().meta({
      description: 'Until when the token and key before these are accepted, too; null when there are none.',
    }),
  }),
  suite: answer({
    ticketAt: Timestamp.nullable().meta({
      description: 'When WeCom sent the newest ticket; it is good for 30 minutes.',
    }),
    authorizedCorps: z.int().min(0),
  })
    .nullable()
    .meta({ description: 'Of a delegated or provider connection; null for a self-built one.' }),
  mobile: answer({
    schema: z.string().nullable(),
    iosBundleId: z.string().nullable(),
    androidPackage: z.string().nullable(),
    androidSignature: z.string().nullable(),
  }).meta({ description: 'What WeCom knows of the native mobile app.' }),
  redirectUrl: z.string().meta({ description: 'Where WeCom sends people back; its domain is the authorised one.' }),
  managedByEnvironment: z.boolean().meta({ description: 'Set by WECOM_… variables, which cannot be changed here.' }),
  signIn: SignInSettings,
  sync: SyncSettings,
  status: answer({
    sync: SyncStatus,
    lastRunId: RunId.nullable(),
    lastRunAt: Timestamp.nullable(),
    nextRunAt: Timestamp.nullable(),
    activeRunId: RunId.nullable(),
    linkedUsers: z.int().min(0),
  }),
  createdAt: Timestamp,
  updatedAt: Timestamp,
}).meta({
  id: 'Connection',
  title: 'Connection',
  description: 'A configured link to WeCom.',
  examples: [
    {
      id: 'con_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      identifier: 'hq',
      kind: 'self_built',
      displayName: '总部企业微信',
      icon: null,
      corpId: 'ww0123456789abcdef',
      agentId: 1000002,
      hasSecret: true,
      hasContactsSecret: false,
      suiteId: null,
      hasSuiteSecret: false,
      providerCorpId: null,
      hasProviderSecret: false,
      callback: {
        url: 'https://muster.example.com/callback/wecom/hq',
        commandUrl: 'https://muster.example.com/callback/wecom/hq/command',
        dataUrl: 'https://muster.example.com/callback/wecom/hq/data',
        hasToken: false,
        hasAesKey: false,
        previousUntil: null,
      },
      suite: null,
      mobile: { schema: null, iosBundleId: null, androidPackage: null, androidSignature: null },
      redirectUrl: 'https://muster.example.com/auth/wecom/hq/callback',
      managedByEnvironment: false,
      signIn: SignInSettings.parse({}),
      sync: SyncSettings.parse({ enabled: true, schedule: { kind: 'daily', at: '03:00' } }),
      status: {
        sync: 'succeeded',
        lastRunId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1c',
        lastRunAt: '2026-11-20T19:00:42.000Z',
        nextRunAt: '2026-11-21T19:00:00.000Z',
        activeRunId: null,
        linkedUsers: 1000,
      },
      createdAt: '2026-11-01T08:00:00.000Z',
      updatedAt: '2026-11-20T19:00:42.000Z',
    },
  ],
})

export type Connection = z.output<typeof Connection>

// ---- What is written ------------------------------------------------------------------------------------------------

const credentials = {
  corpId: clearable(wecomId.meta({ description: 'CorpId. Changing it needs the secrets of the new company again.' })),
  agentId: clearable(agentId),
  secret: clearable(secret),
  contactsSecret: clearable(secret.meta({ description: 'Secret of the contacts-sync assistant. Write-only.' })),
  suiteId: clearable(wecomId.meta({ description: 'Id of the suite or of the template.' })),
  suiteSecret: clearable(secret),
  providerCorpId: clearable(wecomId.meta({ description: 'CorpId of the service provider.' })),
  providerSecret: clearable(secret),
  callback: clearable(z.strictObject({ token: clearable(callbackToken), aesKey: clearable(aesKey) })),
  mobile: clearable(
    z.strictObject({
      schema: clearable(line(128)),
      iosBundleId: clearable(line(255)),
      androidPackage: clearable(line(255)),
      androidSignature: clearable(line(255)),
    }),
  ),
  signIn: clearable(SignInInput),
}

const displayName = line(64).meta({ description: 'Shown on the sign-in button.' })

/** A draft may be incomplete; enabling a service needs what that service needs. */
export const NewConnection = z
  .strictObject({
    organizationId: OrganizationId.optional().meta({ description: 'Without it, the organization `default`.' }),
    identifier: Identifier,
    kind: ConnectionKind.default('self_built'),
    displayName: displayName
      .optional()
      .meta({ description: 'Shown on the sign-in button. Without it, the identifier.' }),
    icon: clearable(Icon),
    ...credentials,
    sync: clearable(NewSyncInput),
  })
  .meta({
    title: 'New connection',
    examples: [
      {
        identifier: 'hq',
        kind: 'self_built',
        displayName: '总部企业微信',
        corpId: 'ww0123456789abcdef',
        agentId: 1000002,
        secret: 'the-secret-of-the-app',
        sync: { enabled: true, schedule: { kind: 'daily', at: '03:00' } },
      },
    ],
  })

export type NewConnection = z.output<typeof NewConnection>

export const ConnectionPatch = z
  .strictObject({
    identifier: Identifier.optional().meta({ description: 'May be repeated but never changes.' }),
    displayName: displayName.optional(),
    icon: clearable(Icon),
    ...credentials,
    sync: clearable(SyncPatch),
  })
  .meta({
    title: 'Connection patch',
    description:
      'Merge patch (RFC 7396): absent keeps; null clears a credential and puts a setting back to its default.',
    examples: [{ contactsSecret: null, sync: { enabled: true, users: { onlyHere: 'disable' }, guard: null } }],
  })

export type ConnectionPatch = z.output<typeof ConnectionPatch>

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Connections'

export const listConnections = endpoint({
  operationId: 'listConnections',
  method: 'GET',
  path: '/connections',
  summary: 'List connections',
  tag,
  role: 'auditor',
  query: listQuery(organizationFilter),
  responses: { 200: listOf(Connection) },
})

export const createConnection = endpoint({
  operationId: 'createConnection',
  method: 'POST',
  path: '/connections',
  summary: 'Create a connection',
  description:
    'Calls nothing in WeCom. Refused with connections/identifier-taken, with connections/incomplete when a service is ' +
    'enabled without what it needs, and with sync/owned-by-other when another connection owns directory sync.',
  tag,
  role: 'operator',
  body: NewConnection,
  responses: { 201: Connection },
})

export const getConnection = endpoint({
  operationId: 'getConnection',
  method: 'GET',
  path: '/connections/:id',
  summary: 'Read a connection',
  tag,
  role: 'auditor',
  params: byConnection,
  responses: { 200: Connection },
})

export const updateConnection = endpoint({
  operationId: 'updateConnection',
  method: 'PATCH',
  path: '/connections/:id',
  summary: 'Change a connection',
  description:
    'Disabling sync cancels a run under way. Refused with connections/identifier-fixed, connections/incomplete, ' +
    'connections/secret-required (a new corpId needs its secrets), connections/managed-by-environment and ' +
    'sync/owned-by-other.',
  tag,
  role: 'operator',
  params: byConnection,
  body: ConnectionPatch,
  responses: { 200: Connection },
})

export const deleteConnection = endpoint({
  operationId: 'deleteConnection',
  method: 'DELETE',
  path: '/connections/:id',
  summary: 'Remove a connection',
  description:
    'Its links go, its users and departments stay, sessions that came through it end. Refused with ' +
    'connections/confirm unless `confirm` is the identifier.',
  tag,
  role: 'owner',
  confirm: true,
  params: byConnection,
  query: z.strictObject({
    confirm: z.string().max(64).optional().meta({ description: 'The identifier of the connection, once more.' }),
  }),
  responses: { 204: nothing },
})

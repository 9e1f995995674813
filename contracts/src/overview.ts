/** What the first page of the console shows: how connections are, what waits for a person, and the last weeks in numbers. */
import { z } from 'zod'
import { ConnectionKind, SyncStatus } from './connections.ts'
import { endpoint } from './endpoint.ts'
import { answer, ConnectionId, OrganizationId, RunId, Timestamp, TimeZone } from './formats.ts'
import { organizationFilter } from './list.ts'
import { RunState } from './runs.ts'
import { SignInReason } from './sign-ins.ts'

const count = z.int().min(0)
const perDay = z.array(count)

export const AttentionKind = z.enum([
  'set-up',
  'held-run',
  'run-failed',
  'run-incomplete',
  'doctor',
  'suite-ticket',
  'events-parked',
  'reviews',
  'signing-key',
])

export type AttentionKind = z.output<typeof AttentionKind>

export const Attention = answer({
  kind: AttentionKind.meta({
    description:
      'set-up: nothing works yet, or a connection is for nothing yet. held-run: removals wait for a person. run-failed, ' +
      'run-incomplete: how the last run of a connection ended. doctor: the last test of a connection found a fault. ' +
      'suite-ticket: WeCom has stopped sending the ticket of a suite. events-parked: callbacks that failed too often. reviews: ' +
      'members about whom a person decides. signing-key: the key that signs is older than it should be.',
  }),
  connectionId: ConnectionId.nullable(),
  runId: RunId.nullable(),
  count: count.nullable().meta({ description: 'How many removals, failed checks, events or reviews.' }),
  detail: z.string().meta({ description: 'One sentence, in the language of the request.' }),
  since: Timestamp.nullable().meta({ description: 'null where no moment can be named.' }),
})

export type Attention = z.output<typeof Attention>

export const ConnectionOverview = answer({
  id: ConnectionId,
  identifier: z.string(),
  displayName: z.string(),
  kind: ConnectionKind,
  syncEnabled: z.boolean(),
  signInEnabled: z.boolean(),
  syncStatus: SyncStatus,
  lastRunId: RunId.nullable().meta({ description: 'The last apply run that finished and was not cancelled.' }),
  lastRunAt: Timestamp.nullable(),
  nextRunAt: Timestamp.nullable(),
  activeRunId: RunId.nullable(),
  heldRunId: RunId.nullable().meta({ description: 'The run whose removals wait for a person.' }),
  linkedUsers: count,
  doctor: answer({ ranAt: Timestamp, failed: count, warned: count })
    .nullable()
    .meta({ description: 'What the last test of the connection found; null when there was none.' }),
})

export type ConnectionOverview = z.output<typeof ConnectionOverview>

export const Overview = answer({
  generatedAt: Timestamp,
  organizationId: OrganizationId,
  timeZone: z.string().meta({ description: 'In which the days are days.' }),
  connections: z.array(ConnectionOverview).meta({ description: 'In the order of their creation; at most 500.' }),
  attention: z.array(Attention).meta({ description: 'What somebody should look at; the gravest first.' }),
  users: answer({
    active: count,
    disabled: count,
    deleted: count.meta({ description: 'Can still be restored.' }),
    builtIn: count.meta({ description: 'Of the active and disabled ones: those who come from no source.' }),
    total: count.meta({ description: 'The active and the disabled ones.' }),
  }),
  departments: count,
  series: answer({
    days: z.array(z.iso.date()).meta({ description: 'Oldest first; the last one is today, so far.' }),
    users: z.array(answer({ active: count, disabled: count }).nullable()).meta({
      description:
        'How many there were at the end of each day, as Muster counted them every hour; null for days before it began to.',
    }),
    joiners: perDay.meta({ description: 'Users who were created or restored, by whomever.' }),
    leavers: perDay.meta({
      description:
        'Users whom a source disabled, or who were deleted by whomever. Whoever is disabled first and deleted later counts twice.',
    }),
    signIns: answer({
      succeeded: perDay,
      refused: perDay,
      failed: perDay.meta({ description: 'Attempts that broke, and say nothing about a person.' }),
    }),
    refusals: z
      .array(answer({ reason: SignInReason, count }))
      .meta({ description: 'Why people were refused in these days; the most frequent first.' }),
    runs: z
      .array(
        answer({
          runId: RunId,
          connectionId: ConnectionId,
          startedAt: Timestamp,
          seconds: z.number().min(0).nullable().meta({ description: 'null while it is running.' }),
          apiCalls: count,
          state: RunState,
        }),
      )
      .meta({ description: 'The last 50 of all connections, newest first.' }),
  }).meta({ description: 'Each list has one number for each of `days`.' }),
}).meta({
  id: 'Overview',
  title: 'Overview',
  description: 'What the first page of the console shows.',
  examples: [
    {
      generatedAt: '2026-11-20T03:00:00.000Z',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1d',
      timeZone: 'Asia/Shanghai',
      connections: [
        {
          id: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
          identifier: 'hq',
          displayName: '总部企业微信',
          kind: 'self_built',
          syncEnabled: true,
          signInEnabled: true,
          syncStatus: 'held',
          lastRunId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
          lastRunAt: '2026-11-19T19:00:00.000Z',
          nextRunAt: '2026-11-20T19:00:00.000Z',
          activeRunId: null,
          heldRunId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
          linkedUsers: 980,
          doctor: { ranAt: '2026-11-18T03:00:00.000Z', failed: 0, warned: 1 },
        },
      ],
      attention: [
        {
          kind: 'held-run',
          connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
          runId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
          count: 212,
          detail: '212 removals of “总部企业微信” wait for a decision.',
          since: '2026-11-19T19:01:00.000Z',
        },
      ],
      users: { active: 978, disabled: 4, deleted: 3, builtIn: 2, total: 982 },
      departments: 41,
      series: {
        days: ['2026-11-19', '2026-11-20'],
        users: [null, { active: 978, disabled: 4 }],
        joiners: [3, 0],
        leavers: [1, 0],
        signIns: { succeeded: [801, 412], refused: [4, 1], failed: [0, 0] },
        refusals: [{ reason: 'not-linked', count: 5 }],
        runs: [
          {
            runId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
            connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
            startedAt: '2026-11-19T19:00:00.000Z',
            seconds: 42.1,
            apiCalls: 43,
            state: 'held',
          },
        ],
      },
    },
  ],
})

export type Overview = z.output<typeof Overview>

export const getOverview = endpoint({
  operationId: 'getOverview',
  method: 'GET',
  path: '/overview',
  summary: 'Read what the first page of the console shows',
  description: 'Calls nobody: the numbers are those of the database.',
  tag: 'Overview',
  role: 'auditor',
  query: z.strictObject({
    ...organizationFilter,
    days: z.coerce
      .number<number | string>()
      .int()
      .min(1)
      .max(90)
      .default(30)
      .meta({ description: 'How many days, with today.' }),
    timeZone: TimeZone.default('Asia/Shanghai').meta({
      description: 'IANA time zone in which a day begins at midnight.',
    }),
  }),
  responses: { 200: Overview },
})

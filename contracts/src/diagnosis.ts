/** Questions to a connection that really ask WeCom: does it work, and (planned) what would happen to this person? */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byConnection, RunId, Timestamp, UserId } from './formats.ts'
import { ForeseenChange } from './runs.ts'

const checks = z.array(
  answer({
    name: z.string().meta({ description: 'Permanent name of the check.', examples: ['address'] }),
    result: z
      .enum(['pass', 'warn', 'fail', 'skipped'])
      .meta({ description: 'A check that another one stands in the way of is skipped and names it.' }),
    title: z.string().meta({ description: 'Name of the check for people.' }),
    detail: z.string().meta({ description: 'What was found and what it means.' }),
    remedy: z.string().nullable().meta({ description: 'What to do, naming the page of the WeCom console.' }),
    wecomCode: z.int().optional().meta({ description: 'errcode of WeCom.' }),
  }),
)

export const Diagnosis = answer({
  checks,
  observedAddress: z.string().optional().meta({ description: 'Our address as WeCom sees it; add it as a trusted IP.' }),
  sample: answer({
    userid: z.string(),
    name: z.string().nullable(),
    fields: z
      .record(z.string(), z.enum(['present', 'empty', 'withheld']))
      .meta({ description: 'Which fields WeCom shows, by its names; never what is in them.' }),
  })
    .optional()
    .meta({ description: 'One real member, when one could be read.' }),
}).meta({
  title: 'Diagnosis',
  examples: [
    {
      checks: [
        {
          name: 'address',
          result: 'fail',
          title: 'Trusted address',
          detail: 'WeCom does not trust this server, which it sees as 203.0.113.7 (60020).',
          remedy: 'Add 203.0.113.7 under 应用管理 → 自建 → the app → 企业可信IP, and wait a minute.',
          wecomCode: 60020,
        },
        {
          name: 'departments',
          result: 'skipped',
          title: 'Departments',
          detail: 'Needs “Trusted address”.',
          remedy: null,
        },
      ],
      observedAddress: '203.0.113.7',
    },
  ],
})

export type Diagnosis = z.output<typeof Diagnosis>

/** Without the member that was looked at as a sample: of people nothing is kept. */
export const LastDiagnosis = answer({
  diagnosis: answer({
    ranAt: Timestamp,
    isOutdated: z.boolean().meta({ description: 'The connection was changed since.' }),
    checks,
    observedAddress: z.string().nullable().meta({ description: 'Our address as WeCom saw it.' }),
  })
    .nullable()
    .meta({ description: 'null when the connection was never tested.' }),
}).meta({
  title: 'Last diagnosis',
  examples: [
    {
      diagnosis: {
        ranAt: '2026-11-20T03:00:00.000Z',
        isOutdated: false,
        checks: [
          { name: 'address', result: 'pass', title: 'Trusted address', detail: 'WeCom trusts it.', remedy: null },
        ],
        observedAddress: null,
      },
    },
  ],
})

export type LastDiagnosis = z.output<typeof LastDiagnosis>

export const Explanation = answer({
  steps: z.array(
    answer({
      step: z.enum(['read', 'scope', 'match', 'decide', 'write']),
      result: z
        .enum(['pass', 'fail', 'skipped'])
        .meta({ description: 'fail: here it ends or something stands in the way. skipped: nothing to say about it.' }),
      detail: z.string().meta({ description: 'What was found and what it means, in the language of the request.' }),
    }),
  ),
  userId: UserId.nullable().meta({
    description: 'The user whom the member is linked to, or would be linked to; null when there is none yet.',
  }),
  changes: z
    .array(ForeseenChange)
    .meta({ description: 'What the next run would record about this person; ids that do not exist yet are null.' }),
  access: answer({
    status: z.enum(['active', 'disabled', 'deleted']),
    disabledBy: z.enum(['administrator', 'source']).nullable(),
    since: Timestamp,
    runId: RunId.nullable().meta({ description: 'The run that made it so; null when it was a person.' }),
    detail: z.string(),
  })
    .nullable()
    .meta({ description: 'Whether and why the account can be used; null when there is none.' }),
}).meta({
  title: 'Explanation',
  examples: [
    {
      steps: [
        { step: 'read', result: 'pass', detail: 'WeCom shows 张三 (zhangsan) as active.' },
        { step: 'scope', result: 'pass', detail: 'They are in scope, in 研发中心.' },
        {
          step: 'match',
          result: 'pass',
          detail: 'They are linked to the account zhangsan since 2026-11-20 03:00 UTC, by a run.',
        },
        { step: 'decide', result: 'pass', detail: 'The next run will change title from “工程师” to “高级工程师”.' },
        {
          step: 'write',
          result: 'pass',
          detail: 'This question has written nothing. The next run writes this change.',
        },
      ],
      userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1b',
      changes: [
        {
          entity: 'user',
          action: 'update',
          state: 'planned',
          externalId: 'zhangsan',
          userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1b',
          name: '张三',
          before: { title: '工程师' },
          after: { title: '高级工程师' },
          reason: null,
          reviewId: null,
          error: null,
        },
      ],
      access: {
        status: 'active',
        disabledBy: null,
        since: '2026-11-20T03:00:00.000Z',
        runId: null,
        detail:
          'The account is active since 2026-11-20 03:00 UTC; nothing in the directory stands in the way of signing in.',
      },
    },
  ],
})

export type Explanation = z.output<typeof Explanation>

const tag = 'Connections'

export const diagnoseConnection = endpoint({
  operationId: 'diagnoseConnection',
  method: 'POST',
  path: '/connections/:id/doctor',
  summary: 'Test a connection',
  description:
    'Calls what directory sync needs and says what it found, also of a draft; takes at most half a minute and changes ' +
    'nothing. What it found can be read again. A secret that WeCom refused is not tried again before it is saved again, or an hour has passed.',
  tag,
  role: 'operator',
  params: byConnection,
  responses: { 200: Diagnosis },
})

export const getDiagnosis = endpoint({
  operationId: 'getDiagnosis',
  method: 'GET',
  path: '/connections/:id/doctor',
  summary: 'Read what the last test of a connection found',
  description: 'Calls nobody.',
  tag,
  role: 'auditor',
  params: byConnection,
  responses: { 200: LastDiagnosis },
})

export const explainMember = endpoint({
  operationId: 'explainMember',
  method: 'POST',
  path: '/connections/:id/explain',
  summary: 'Explain what sync would do with one person',
  description:
    'Asks WeCom for the member now, in a few calls, and tries what a run would do with them by the same rules. Writes ' +
    'nothing, and works while sync is off. What depends on everybody together is said and not tried: the guard, ' +
    'addresses that others give up in the same run, and whether somebody who is gone joins under another userid. Refused ' +
    'with connections/incomplete while there is no secret to ask with.',
  tag,
  role: 'operator',
  params: byConnection,
  body: z.strictObject({ userid: z.string().min(1).max(64).meta({ description: 'Of the member in WeCom.' }) }),
  responses: { 200: Explanation },
})

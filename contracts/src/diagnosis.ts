/** Questions to a connection that really ask WeCom: does it work, and (planned) what would happen to this person? */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byConnection } from './formats.ts'

export const Diagnosis = answer({
  checks: z.array(
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
  ),
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

export const Explanation = answer({
  steps: z.array(
    answer({
      step: z.enum(['read', 'scope', 'match', 'decide', 'write']),
      result: z.enum(['pass', 'fail', 'skipped']),
      detail: z.string(),
    }),
  ),
}).meta({ title: 'Explanation' })

const tag = 'Connections'

export const diagnoseConnection = endpoint({
  operationId: 'diagnoseConnection',
  method: 'POST',
  path: '/connections/:id/doctor',
  summary: 'Test a connection',
  description:
    'Calls what directory sync needs and says what it found, also of a draft; takes at most half a minute and changes ' +
    'nothing. A secret that WeCom refused is not tried again before it is saved again, or an hour has passed.',
  tag,
  role: 'operator',
  params: byConnection,
  responses: { 200: Diagnosis },
})

export const explainMember = endpoint({
  operationId: 'explainMember',
  method: 'POST',
  path: '/connections/:id/explain',
  summary: 'Explain what sync would do with one person',
  description: 'Reads the member now and writes nothing.',
  tag,
  role: 'operator',
  params: byConnection,
  body: z.strictObject({ userid: z.string().min(1).max(64).meta({ description: 'Of the member in WeCom.' }) }),
  responses: { 200: Explanation },
})

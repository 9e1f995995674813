/** Questions to a connection that really ask WeCom: does it work, and what would happen to this person? Both planned. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byConnection } from './formats.ts'

export const Diagnosis = answer({
  checks: z.array(
    answer({
      name: z.string().meta({ description: 'Permanent name of the check.', examples: ['address'] }),
      result: z.enum(['pass', 'warn', 'fail', 'skipped']),
      title: z.string(),
      detail: z.string(),
      remedy: z.string().nullable().meta({ description: 'What to do, naming the page of the WeCom console.' }),
      wecomCode: z.int().optional().meta({ description: 'errcode of WeCom.' }),
    }),
  ),
  observedAddress: z.string().optional().meta({ description: 'Our address as WeCom sees it; add it as a trusted IP.' }),
}).meta({ title: 'Diagnosis' })

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
  description: 'Calls what the enabled services need.',
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

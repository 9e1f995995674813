/** How every error is answered: problem details (RFC 9457) as `application/problem+json`, with a permanent code. */
import { z } from 'zod'
import { answer } from './formats.ts'

// Loose: further members belong to some codes (RFC 9457, 3.2), and a client should get to see them.
export const Problem = z
  .looseObject({
    type: z.string().meta({ description: 'URN of the kind of problem; follows from the code.' }),
    title: z.string().meta({ description: 'What happened, the same for every occurrence.' }),
    status: z.int().meta({ description: 'The HTTP status.' }),
    detail: z.string().optional().meta({ description: 'What happened this time.' }),
    code: z.string().meta({ description: 'Permanent name, `area/what`. Programs decide by this.' }),
    remedy: z.string().optional().meta({ description: 'What the reader can do about it.' }),
    requestId: z.string().optional().meta({ description: 'Finds the request in the log of the server.' }),
    fields: z
      .array(
        answer({
          path: z.string().meta({ description: 'Dotted path in the body or name of the parameter.' }),
          message: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'What was not accepted, when the request was not valid.' }),
    runId: z.string().nullable().optional().meta({ description: 'With `sync/run-active`: the run that is active.' }),
    owner: z
      .looseObject({ identifier: z.string(), displayName: z.string() })
      .optional()
      .meta({ description: 'With `sync/owned-by-other`: the connection that owns directory sync.' }),
  })
  .meta({
    id: 'Problem',
    title: 'Problem',
    description: 'Problem details (RFC 9457).',
    examples: [
      {
        type: 'urn:muster:error:connections:confirm',
        title: 'Removing a connection needs its identifier',
        status: 409,
        detail: 'The connection hq was not removed.',
        code: 'connections/confirm',
        remedy: 'Repeat the request with ?confirm=<identifier>.',
        requestId: 'req-1f',
      },
    ],
  })

export type Problem = z.output<typeof Problem>

/** A failure inside something that is stored, such as a run or a change. */
export const StoredProblem = answer({
  code: z.string().meta({ description: 'Permanent name, `area/what`.' }),
  title: z.string(),
  detail: z.string().nullable(),
  remedy: z.string().nullable().meta({ description: 'What the reader can do about it.' }),
})

/** Something worth knowing that stopped nothing. */
export const Notice = answer({ code: z.string(), detail: z.string() })

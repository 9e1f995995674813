/** The field mapping of a connection, tried on one member, in the admin API. */
import { sampleMapping } from '@muster/contracts'
import { errorTable } from '../errors.ts'
import type { MappingSamples } from '../sync/sample.ts'
import { route, type Route } from './routes.ts'

export function mappingRoutes({ mappingSamples }: { mappingSamples: MappingSamples }): Route[] {
  return [
    route(sampleMapping, async ({ params, body, language }) => {
      const { member, user, problem } = await mappingSamples.show(params.id, {
        userid: body.userid,
        mapping: body.mapping,
      })
      return {
        member: { ...member, fields: [...member.fields] },
        user: [...user],
        problem:
          problem === null
            ? null
            : {
                code: problem.code,
                title: errorTable[problem.code].title[language],
                detail: problem.detail?.[language] ?? null,
                remedy: (problem.remedy ?? errorTable[problem.code].remedy)[language],
              },
      }
    }),
  ]
}

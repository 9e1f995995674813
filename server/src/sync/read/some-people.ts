/**
 * A credential that shows all departments and, of all people, only some who were asked for by name before. With it the
 * reader reads some people by the very rules by which it reads everybody, in a handful of calls. Called by named-people.ts.
 */
import { WecomError, type CallOptions, type Member, type Principal } from '@muster/wecom'
import { foldName } from '../../directory/names.ts'

/** What WeCom said when it was asked for somebody by name. */
export type Answer = Member | WecomError

/** @param answers by folded userid; nobody else exists */
export function showingOnly(principal: Principal, answers: ReadonlyMap<string, Answer>, calls: CallOptions): Principal {
  const shown = [...answers.values()].filter((answer): answer is Member => !(answer instanceof WecomError))
  // Whose departments are withheld is on some list; which one makes no difference, because each person counts once.
  const listOf = (id: number) => ({
    members: shown.filter(({ departments }) => departments?.some((department) => department.id === id) ?? true),
    rejected: [],
  })
  const { departments, members, agent, tags, exports } = principal
  return {
    ...principal,
    departments: {
      ...departments,
      list: (id) => departments.list(id, calls),
      ids: (id) => departments.ids(id, calls),
    },
    members: {
      ...members,
      list: (id) => Promise.resolve(listOf(id)),
      listUnlessKnown: (id) => Promise.resolve(listOf(id)),
      simpleList: (id) => Promise.resolve(listOf(id)),
      get(userid) {
        const answer = answers.get(foldName(userid)) ?? nobody()
        return answer instanceof WecomError ? Promise.reject(answer) : Promise.resolve(answer)
      },
      async *ids() {
        for await (const { rows, rejected } of members.ids(calls)) {
          yield { rows: rows.filter(({ userid }) => answers.has(foldName(userid))), rejected }
        }
      },
    },
    agent: { get: (id) => agent.get(id, calls) },
    tags: { ...tags, get: (id) => tags.get(id, calls) },
    exports: {
      ...exports,
      run: async function* () {
        // Only people are exported this way, and one page is all of them.
        yield { rows: shown, rejected: [], file: 1, files: 1 }
      } as typeof exports.run,
    },
  }
}

/** As WeCom answers for a userid that it does not know. */
function nobody(): WecomError {
  return new WecomError('WECOM_MEMBER_NOT_FOUND', { api: 'user/get', message: 'not asked about' })
}

/**
 * Single questions of the doctor to WeCom: whatever WeCom says or fails to say is an answer, and none is thrown. Which are
 * asked is doctor.ts and suite-doctor.ts.
 */
import { WecomError, wecomProblems, type Department, type Member, type Principal } from '@muster/wecom'
import type { DepartmentsSeen } from './diagnosis/diagnosis.ts'
import { fieldsOf } from './diagnosis/field-diagnosis.ts'
import type { Asked, Trouble } from './diagnosis/verdicts.ts'
import { wecomProblem } from '../wecom-problem.ts'

export const NOT_ASKED = { kind: 'not-asked' } as const

/** Asks one question; whatever WeCom answers is an outcome. */
export type Ask = <T>(work: () => Promise<T>) => Promise<Asked<T>>

/** @param timeoutMs of the whole examination, for the words about it */
export async function troubleOf<T>(
  credential: Trouble['credential'],
  work: () => Promise<T>,
  timeoutMs: number,
): Promise<Asked<T>> {
  try {
    return { kind: 'answered', value: await work() }
  } catch (error) {
    const problem = wecomProblem(error)
    if (problem === undefined || !(error instanceof WecomError)) throw error
    const { code, kind, errcode, observedAddress: address, remedy } = error
    const isOurDeadline = code === 'WECOM_ABORTED'
    const seconds = Math.ceil(timeoutMs / 1000)
    return {
      kind: 'failed',
      trouble: {
        credential,
        code,
        kind,
        errcode,
        observedAddress: address,
        detail:
          isOurDeadline || problem.detail === undefined
            ? { en: `No answer of WeCom within ${seconds} s.`, zh: `企业微信在 ${seconds} 秒内未响应。` }
            : problem.detail,
        remedy: isOurDeadline ? wecomProblems.WECOM_TIMEOUT.remedy : remedy,
      },
    }
  }
}

/** A leaf has few people as a rule; a root may have them all. */
const LEAVES_TRIED = 3
const ROOTS_TRIED = 2

export function askDepartments(principal: Principal, ask: Ask, signal: AbortSignal): Promise<Asked<DepartmentsSeen>> {
  return ask(async () => {
    const { departments, rejected } = await principal.departments.list(undefined, { signal })
    return { departments, unreadable: rejected.length }
  })
}

export async function askSample(
  principal: Principal,
  departments: Asked<DepartmentsSeen>,
  individuals: readonly string[],
  ask: Ask,
  signal: AbortSignal,
): Promise<Asked<Member | null>> {
  if (departments.kind !== 'answered') return NOT_ASKED
  return ask(async () => {
    for (const id of placesToLook(departments.value.departments)) {
      const { members } = await principal.members.list(id, { signal })
      const [richest] = members.toSorted((one, other) => shown(other) - shown(one))
      if (richest !== undefined) return richest
    }
    const [individual] = individuals
    return individual === undefined ? null : await principal.members.get(individual, { signal })
  })
}

function placesToLook(departments: readonly Department[]): number[] {
  const ids = new Set(departments.map(({ id }) => id))
  const parents = new Set(departments.map(({ parentId }) => parentId))
  const leaves = departments.filter(({ id }) => !parents.has(id)).slice(0, LEAVES_TRIED)
  const roots = departments.filter(({ parentId }) => parentId === undefined || !ids.has(parentId)).slice(0, ROOTS_TRIED)
  return [...new Set([...leaves, ...roots].map(({ id }) => id))]
}

/** Whoever shows most tells best what WeCom withholds: a field that is not sent may be empty for one and not for another. */
function shown(member: Member): number {
  const states = Object.values(fieldsOf(member))
  return states.filter((state) => state === 'present').length * 100 + states.filter((state) => state === 'empty').length
}

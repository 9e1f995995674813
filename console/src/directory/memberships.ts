/** The memberships that somebody made by hand, while they are being changed. Pure. */
import type { User } from '@muster/contracts'

export interface HandMade {
  readonly departmentId: string
  readonly isMain: boolean
}

export function handMade({ departments }: Pick<User, 'departments'>): readonly HandMade[] {
  return departments
    .filter(({ origin }) => origin === 'manual')
    .map(({ departmentId, isMain }) => ({ departmentId, isMain }))
}

/** @param hasMain whether another one is the main one in any case; else the first by hand is */
export function addMembership(
  wanted: readonly HandMade[],
  departmentId: string,
  { hasMain }: { hasMain: boolean },
): readonly HandMade[] {
  if (wanted.some((one) => one.departmentId === departmentId)) return wanted
  return [...wanted, { departmentId, isMain: !hasMain && wanted.length === 0 }]
}

export function removeMembership(wanted: readonly HandMade[], departmentId: string): readonly HandMade[] {
  return wanted.filter((one) => one.departmentId !== departmentId)
}

/** One department is the main one. */
export function makeMain(wanted: readonly HandMade[], departmentId: string): readonly HandMade[] {
  return wanted.map((one) => ({ ...one, isMain: one.departmentId === departmentId }))
}

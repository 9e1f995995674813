/** What the list of people is asked for, from what stands in the address. Pure. */
import type { listUsers, Sent, User } from '@muster/contracts'

export interface PeopleSearch {
  readonly department?: string | undefined
  /** Without those below the department. */
  readonly direct?: true | undefined
  readonly q?: string | undefined
  readonly status?: User['status'] | undefined
  readonly origin?: User['origin'] | undefined
  readonly connection?: string | undefined
}

export function peopleQuery(
  organizationId: string,
  search: PeopleSearch,
): NonNullable<Sent<typeof listUsers>['query']> {
  const { department, direct, q, status, origin, connection } = search
  return {
    organizationId,
    ...(department === undefined
      ? {}
      : { departmentId: department, nested: direct === true ? ('false' as const) : ('true' as const) }),
    ...(q === undefined || q.trim() === '' ? {} : { q: q.trim() }),
    ...(status === undefined ? {} : { status }),
    ...(origin === undefined ? {} : { origin }),
    ...(connection === undefined ? {} : { connection }),
  }
}

/** Whether anything but the department narrows the list. */
export function isNarrowed({ q, status, origin, connection }: PeopleSearch): boolean {
  return [q, status, origin, connection].some((part) => part !== undefined && part !== '')
}

/** The department to name where only one fits: the main one, else the first. */
export function mainDepartment({ departments }: Pick<User, 'departments'>) {
  return departments.find(({ isMain }) => isMain) ?? departments[0]
}

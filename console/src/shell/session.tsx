/** Who is signed in here, and what they may do. The server decides again at every request; this only hides what it refuses. */
import { ApiProblem, getSession, type Role } from '@muster/contracts'
import type { ReactNode } from 'react'
import { useRead } from '../api.ts'
import { currentLanguage } from '../texts.ts'

const RANK = { auditor: 0, operator: 1, owner: 2 } as const satisfies Record<Role, number>

export function useSession() {
  return useRead(getSession, {})
}

/** Whether the person may do what needs this role. False while nobody knows. */
export function useMay(role: Role): boolean {
  const { data } = useSession()
  return data !== undefined && RANK[data.role] >= RANK[role]
}

/** What only people of a role see: buttons that change something above all. */
export function May({ role, children }: { role: Role; children: ReactNode }) {
  return useMay(role) ? children : null
}

/**
 * Where somebody signs in to come back here, in the language of the console.
 *
 * @param returnTo to another page instead
 * @param isFresh also when they are signed in already
 */
export function signInAddress({
  returnTo = window.location.pathname + window.location.search,
  isFresh = false,
}: { returnTo?: string; isFresh?: boolean } = {}): string {
  const query = new URLSearchParams({
    return_to: returnTo,
    lang: currentLanguage(),
    ...(isFresh ? { prompt: 'login' } : {}),
  })
  return `/signin/start?${query}`
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 401
}

/** Signed in, but not to administer anything. */
export function hasNoRole(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 403
}

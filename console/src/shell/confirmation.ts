/**
 * Dangerous acts, for which the server wants a recent proof of who is there (`auth/confirm-first`). `confirmThen` runs an
 * act, lets the dialog ask if it has to, and runs it again; whoever closes the dialog gets the refusal.
 */
import { ApiProblem } from '@muster/contracts'
import { useSyncExternalStore } from 'react'

const CONFIRM_FIRST = 'auth/confirm-first'

/** Somebody whose act waits for a proof. */
export interface Asked {
  readonly confirmed: () => void
  readonly cancelled: () => void
}

let asked: Asked | undefined
const listeners = new Set<() => void>()

export async function confirmThen<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== CONFIRM_FIRST) throw error
    if (!(await askPerson())) throw error
    return act()
  }
}

export function useAsked(): Asked | undefined {
  return useSyncExternalStore(listen, () => asked)
}

/** @returns whether they proved who they are */
async function askPerson(): Promise<boolean> {
  asked?.cancelled()
  const answer = Promise.withResolvers<boolean>()
  tell({ confirmed: () => answer.resolve(true), cancelled: () => answer.resolve(false) })
  try {
    return await answer.promise
  } finally {
    tell(undefined)
  }
}

function tell(next: Asked | undefined): void {
  asked = next
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

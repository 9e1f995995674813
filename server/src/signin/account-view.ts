/** What the account page shows, as data: account.ts fills it, pages/account.ts turns it into HTML and knows no rules. */
import type { Door } from '@muster/contracts'
import type { Text } from '../errors.ts'

export interface AccountView {
  readonly displayName: string
  readonly username: string
  /** What every form carries as `token`. */
  readonly token: string
  readonly hasPassword: boolean
  /** What was just done. */
  readonly done: Done | null
  /** Why something was not. */
  readonly problem: { readonly title: Text; readonly remedy: Text } | null
  readonly links: readonly ShownLink[]
  /** Whether a link may go: another one or a password is left. */
  readonly canUnbind: boolean
  readonly bindable: readonly {
    readonly identifier: string
    readonly displayName: string
    /** Which of several companies; null where there is no choice. */
    readonly company: { readonly corpId: string; readonly name: string } | null
  }[]
  readonly sessions: readonly ShownSession[]
}

export type Done = (typeof DONE)[number]

export const DONE = ['password', 'unbound', 'ended', 'others-ended'] as const

export interface ShownLink {
  readonly id: string
  readonly connectionName: string
  /** Of a connection that several use. */
  readonly company: string | null
  readonly userid: string
  readonly lastSignInAt: number | null
}

export interface ShownSession {
  readonly id: string
  readonly isThis: boolean
  readonly door: Door
  readonly address: string | null
  readonly userAgent: string | null
  readonly createdAt: number
  readonly lastSeenAt: number
}

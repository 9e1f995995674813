/**
 * What members let an app see of their private fields (`snsapi_privateinfo`, §3.2), and the tickets with which the app
 * fetches them (`auth/getuserdetail`, §3.1.4).
 */

import type { App } from './apps.ts'
import { foldUserid } from './company.ts'
import type { Company } from './company.ts'
import { ApiError } from '../errors.ts'
import type { Random } from '../random.ts'

/** In the order of the answer. `userid` is always there. */
export const privateFields = ['gender', 'avatar', 'qr_code', 'mobile', 'email', 'biz_mail', 'address'] as const
export type PrivateField = (typeof privateFields)[number]

export interface UserTicket {
  readonly company: Company
  readonly app: App
  readonly userid: string
  readonly fields: readonly string[]
}

export interface Consents {
  /** What the member chose within the last 30 days, or undefined: then the page asks. */
  recall(app: App, userid: string): readonly string[] | undefined
  remember(app: App, userid: string, fields: readonly string[]): void
}

export interface Tickets {
  mint(ticket: UserTicket): string
  /** Throws 84015 (unknown) or 84014 (expired). May be used again until it expires. */
  resolve(value: string): UserTicket
}

export const ticketLifetimeSeconds = 1800
const consentMemoryMs = 30 * 86_400_000
const ticketsMax = 100_000

/** The private fields that the administrator ticked for this app. */
export function offeredFields(app: App): PrivateField[] {
  return privateFields.filter((field) => app.grantedFields.includes(field))
}

export function createConsents(now: () => number): Consents {
  const choices = new WeakMap<App, Map<string, { fields: readonly string[]; untilMs: number }>>()

  return {
    recall(app, userid) {
      const choice = choices.get(app)?.get(foldUserid(userid))
      return choice && now() < choice.untilMs ? choice.fields : undefined
    },
    remember(app, userid, fields) {
      const ofApp = choices.get(app) ?? new Map<string, { fields: readonly string[]; untilMs: number }>()
      choices.set(app, ofApp)
      ofApp.set(foldUserid(userid), { fields, untilMs: now() + consentMemoryMs })
    },
  }
}

export function createTickets(random: Random, now: () => number): Tickets {
  const tickets = new Map<string, UserTicket & { expiresAtMs: number }>()

  return {
    mint(ticket) {
      const value = random.hex(96)
      tickets.set(value, { ...ticket, expiresAtMs: now() + ticketLifetimeSeconds * 1000 })
      for (const oldest of tickets.keys()) {
        if (tickets.size <= ticketsMax) break
        tickets.delete(oldest)
      }
      return value
    },
    resolve(value) {
      const ticket = tickets.get(value)
      if (!ticket) throw new ApiError(84015)
      if (now() >= ticket.expiresAtMs) throw new ApiError(84014)
      return ticket
    },
  }
}

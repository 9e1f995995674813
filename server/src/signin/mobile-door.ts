/**
 * The door of native apps: a code of WeCom's SDK instead of a browser that comes back. The same rules as at any other door,
 * and no page to ask anything on. Called by the token endpoint, through signin.ts.
 */
import type { SignInReason } from '@muster/contracts'
import type { Connection, ConnectionForSignIn, Connections } from '../connections/connections.ts'
import type { Database } from '../database/database.ts'
import { unreachable } from '../errors.ts'
import type { Admitting, Browser, Settled } from './admitting.ts'
import { isCode } from './asking.ts'
import type { Pace } from './pace.ts'
import type { Redeem } from './redeeming.ts'
import type { SignIns } from './sign-ins.ts'
import { isCorpId } from './visits.ts'

/** A native app with a code of WeCom's SDK. */
export interface MobileErrand {
  /** Id or identifier. */
  readonly connection: string
  /** Which company, of a connection with several; null: there is one, or none is named. */
  readonly corp: string | null
  readonly code: string
  /** Of the application: whose log a refusal belongs into, also where no connection is known. */
  readonly organizationId: string
  readonly applicationId: string
  /** Ids of the connections that the application accepts. */
  readonly connections: readonly string[]
}

export function createMobileDoor({
  database,
  connections,
  redeem,
  admitting,
  signIns,
  pace,
  now,
}: {
  database: Database
  connections: Connections
  redeem: Redeem
  admitting: Admitting
  signIns: SignIns
  pace: Pace
  now: () => number
}) {
  return async function admitByCode(errand: MobileErrand, browser: Browser): Promise<Settled> {
    const named = errand.corp === null || isCorpId(errand.corp) ? errand.corp : null
    const refuse = async (connection: Connection | null, reason: SignInReason, problem: string | null = null) => {
      const referenceId = await database.inTransaction((tx) =>
        signIns.refuse(
          tx,
          {
            connection,
            // Which company the caller has named is nothing that anybody has proved. A self-built connection has just one.
            corpId: connection?.corpId ?? null,
            organizationId: errand.organizationId,
            applicationId: errand.applicationId,
            door: 'mobile-sdk',
            reason,
            problem,
          },
          browser,
        ),
      )
      return { kind: 'refused', reason, referenceId } as const
    }
    if (pace.take(browser.address) !== undefined) return refuse(null, 'too-many-attempts')
    const found = await doorOf(errand.connection, named)
    if (found === undefined || !errand.connections.includes(found.connection.id))
      return refuse(null, 'connection-unknown')
    const { connection, corp, credential } = found
    // WeCom's SDK is for the app of one company (wecom-api.md §3.3).
    if (connection.kind === 'service_provider') return refuse(connection, 'code-of-another-door')
    if (!connection.signIn.enabled) return refuse(connection, 'sign-in-off')
    const isOne = errand.corp === null ? connection.kind !== 'delegated' || corp !== null : corp?.corpId === errand.corp
    if (!isOne) return refuse(connection, 'corp-not-authorised')
    if (!isCode(errand.code)) return refuse(connection, 'code-rejected')
    const takenAt = now()
    const outcome = await redeem(found, { text: errand.code, from: 'mobile-sdk' })
    switch (outcome.kind) {
      case 'code-rejected':
      case 'code-of-another-door':
        return refuse(connection, outcome.kind)
      case 'failed':
        return refuse(connection, outcome.reason, outcome.problem)
      case 'outsider':
      case 'member': {
        const { applicationId } = errand
        const facts = {
          connectionId: connection.id,
          corpId: corp?.corpId ?? null,
          credential,
          applicationId,
          door: 'mobile-sdk',
          takenAt,
          attempt: null,
        } as const
        const settled = await admitting.settle(facts, outcome, null, browser)
        return settled.kind === 'gone' ? refuse(null, 'connection-changed') : settled
      }
      default:
        return unreachable(outcome)
    }
  }

  /** The company need not be named where there is only one. */
  async function doorOf(connection: string, corp: string | null): Promise<ConnectionForSignIn | undefined> {
    const found = await connections.forSignIn(connection, corp)
    if (found?.connection.kind !== 'delegated' || corp !== null) return found
    const doors = await connections.doorsOf(found.connection.organizationId)
    const [door, another] = doors.filter((one) => one.connection.id === found.connection.id)
    return another === undefined ? (door ?? found) : found
  }
}

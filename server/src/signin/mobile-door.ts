/**
 * The door of native apps: a code of WeCom's SDK instead of a browser that comes back. The same rules as at any other door,
 * and no page to ask anything on. Called by the token endpoint, through signin.ts.
 */
import type { SignInReason } from '@muster/contracts'
import type { Connection, Connections } from '../connections/connections.ts'
import type { WecomAccess } from '../connections/wecom.ts'
import type { Database } from '../database/database.ts'
import { unreachable } from '../errors.ts'
import type { Admitting, Browser, Settled } from './admitting.ts'
import { askWecom, isCode } from './asking.ts'
import type { Pace } from './pace.ts'
import type { SignIns } from './sign-ins.ts'

/** A native app with a code of WeCom's SDK. */
export interface MobileErrand {
  /** Id or identifier. */
  readonly connection: string
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
  wecom,
  admitting,
  signIns,
  pace,
}: {
  database: Database
  connections: Connections
  wecom: WecomAccess
  admitting: Admitting
  signIns: SignIns
  pace: Pace
}) {
  return async function admitByCode(errand: MobileErrand, browser: Browser): Promise<Settled> {
    const refuse = async (connection: Connection | null, reason: SignInReason, problem: string | null = null) => {
      const referenceId = await database.inTransaction((tx) =>
        signIns.refuse(
          tx,
          {
            connection,
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
    const found = await connections.forSignIn(errand.connection)
    if (found === undefined || !errand.connections.includes(found.connection.id))
      return refuse(null, 'connection-unknown')
    const { connection, credential } = found
    if (!connection.signIn.enabled) return refuse(connection, 'sign-in-off')
    if (!isCode(errand.code)) return refuse(connection, 'code-rejected')
    const outcome = await askWecom(wecom.forSignIn(found), errand.code, { isMobile: true })
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
          credential,
          applicationId,
          door: 'mobile-sdk',
          attempt: null,
        } as const
        const settled = await admitting.settle(facts, outcome, null, browser)
        return settled.kind === 'gone' ? refuse(null, 'connection-changed') : settled
      }
      default:
        return unreachable(outcome)
    }
  }
}

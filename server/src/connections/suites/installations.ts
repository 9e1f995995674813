/**
 * Authorisations that begin at our side: the address that an administrator of a company opens or scans, and what WeCom
 * sends them back to us with. For a template of delegated apps that is the customised address, which needs the provider's
 * own secret and answers by event; without that secret, and for every other suite, it is the install page.
 */
import type { Actor, Audit } from '../../audit/audit.ts'
import type { Database } from '../../database/database.ts'
import { AppError } from '../../errors.ts'
import type { Authorisations } from './authorisations.ts'
import { connectionEntry, findRow, fromRow, rowOf, type Connection } from '../connection-records.ts'
import { clearInvitations, hasInvitation, keepInvitation, useInvitation } from './invitations.ts'
import { missingForSuite, refuseIncomplete } from '../requirements.ts'
import { wecomProblem } from '../wecom-problem.ts'
import type { WecomAccess } from '../wecom.ts'

export interface Installation {
  /** To be opened, or scanned, by an administrator of the company. */
  readonly url: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export type Installations = ReturnType<typeof createInstallations>

/** WeCom takes up to 32 letters and digits in a customised address, which are 128 bits. */
const STATE_BYTES = 16
/** Somebody waits; what the company has authorised can be read later, too. */
const READ_TIMEOUT_MS = 10_000
/** Whoever authorises in the last moment comes back after it. */
const GRACE_MS = 10 * 60_000
/** WeCom sends codes of up to 512 bytes. */
const AUTH_CODE = /^[\x21-\x7e]{1,512}$/

export function createInstallations({
  database,
  audit,
  authorisations,
  wecom,
  random,
  now,
  publicUrl,
  openUrl,
}: {
  database: Database
  audit: Audit
  authorisations: Pick<Authorisations, 'redeem'>
  wecom: Pick<WecomAccess, 'suiteOf' | 'providerOf'>
  /** Fills the array with unpredictable bytes. */
  random: (bytes: Uint8Array) => void
  now: () => number
  publicUrl: string
  /** Of WeCom's install page. */
  openUrl: string
}) {
  return {
    /**
     * @param reference id or identifier
     * @throws AppError `connections/not-found`, `connections/kind-without-corps`, `connections/incomplete`,
     * `suites/no-ticket`, and what WeCom refuses
     */
    async start(actor: Actor, reference: string): Promise<Installation> {
      const row = await rowOf(database, reference)
      if (row.kind === 'self_built') throw new AppError('connections/kind-without-corps')
      refuseIncomplete(missingForSuite(row))
      const connection = fromRow(row)
      const state = newState()
      const begunAt = now()
      const { url, expiresInSeconds } = await addressFor(connection, state).catch(throwProblem)
      const expiresAt = begunAt + expiresInSeconds * 1000
      // Not by name: what is on record of a company stays when the person is forgotten (threats.md D-07).
      const invitedBy = actor.id ?? actor.kind
      await database.inTransaction(async (tx) => {
        const current = await rowOf(tx, connection.id)
        await keepInvitation(tx, {
          connectionId: connection.id,
          state,
          invitedBy,
          at: begunAt,
          expiresAt: expiresAt + GRACE_MS,
        })
        await audit.record(tx, actor, [connectionEntry('corp.invite', current, {})])
      })
      return { url, expiresAt }
    },

    /**
     * What WeCom's install page sends an administrator back with.
     * @throws AppError `suites/invitation-unknown`, `suites/code-spent`, `suites/no-ticket`, and what WeCom refuses
     */
    async complete(reference: string, given: { authCode: unknown; state: unknown }): Promise<void> {
      const { authCode, state } = given
      const row = await findRow(database, reference)
      if (row === undefined || typeof state !== 'string') throw new AppError('suites/invitation-unknown')
      if (typeof authCode !== 'string' || !AUTH_CODE.test(authCode)) throw new AppError('suites/invitation-unknown')
      const wanted = { connectionId: row.id, state, at: now() }
      // Used up before the code is looked at: without a state of ours WeCom is not asked.
      const invitation = (await hasInvitation(database, wanted))
        ? await database.inTransaction((tx) => useInvitation(tx, wanted))
        : undefined
      if (invitation === undefined) throw new AppError('suites/invitation-unknown')
      await authorisations
        .redeem(fromRow(row), {
          authCode,
          isReset: false,
          state: null,
          invitedBy: invitation.invitedBy,
          happenedAt: null,
          signal: AbortSignal.timeout(READ_TIMEOUT_MS),
        })
        .catch(throwProblem)
    },

    /** Takes away what nobody came back from. */
    clear: () => clearInvitations(database, now()),
  }

  async function addressFor(connection: Connection, state: string): Promise<{ url: string; expiresInSeconds: number }> {
    const { kind, suiteId, has, providerCorpId } = connection
    if (kind === 'delegated' && has.providerSecret && providerCorpId !== null) {
      const provider = await wecom.providerOf(connection, { priority: 'interactive' })
      return provider.customizedAuthUrl({ state, templateIds: [suiteId!] })
    }
    const suite = await wecom.suiteOf(connection, { priority: 'interactive' })
    const { code, expiresInSeconds } = await suite.preAuthCode()
    const query = new URLSearchParams({
      suite_id: suite.suiteId,
      pre_auth_code: code,
      redirect_uri: `${publicUrl}/auth/wecom/${connection.identifier}/installed`,
      state,
    })
    return { url: `${openUrl}/3rdapp/install?${query.toString()}`, expiresInSeconds }
  }

  function newState(): string {
    const bytes = new Uint8Array(STATE_BYTES)
    random(bytes)
    return Buffer.from(bytes).toString('hex')
  }
}

/** Somebody waits and has to be told. */
function throwProblem(error: unknown): never {
  const problem = wecomProblem(error)
  if (problem === undefined) throw error
  const { code, ...rest } = problem
  throw new AppError(code, { ...rest, cause: error })
}

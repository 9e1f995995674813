/**
 * Asks WeCom what a delegated or a provider connection needs: its ticket, the tokens of suite and provider, and some of the
 * companies, each with what it authorised. What the answers mean is suite-diagnosis.ts. Called by doctor.ts.
 */
import type { CallReport, Member, Suite } from '@muster/wecom'
import type { Database, Row } from '../../database/database.ts'
import { AppError } from '../../errors.ts'
import { askDepartments, askSample, NOT_ASKED, troubleOf, type Ask } from './asking.ts'
import { rowOf } from '../connection-records.ts'
import type { Connection, Connections, SecretName } from '../connections.ts'
import { authorizedCorpRows, detailsOf } from '../suites/corp-records.ts'
import type { Diagnosis } from './doctor.ts'
import type { OwnFacts } from './diagnosis/diagnosis.ts'
import { fieldsOf } from './diagnosis/field-diagnosis.ts'
import type { Asked, Trouble } from './diagnosis/verdicts.ts'
import type { RefusedSecrets } from './refused-secrets.ts'
import { missingForSignIn } from '../requirements.ts'
import { addressSeen, diagnoseSuite, type CompanyFacts, type SuiteFacts } from './diagnosis/suite-diagnosis.ts'
import type { WecomAccess } from '../wecom.ts'

/** Of many companies these are enough to know whether it works; the ones that were asked longest ago go first. */
const COMPANIES_ASKED = 10
const COMPANIES_AT_ONCE = 3

export function createSuiteDoctor({
  database,
  connections,
  wecom,
  refusals,
  now,
  timeoutMs,
}: {
  database: Database
  connections: Connections
  wecom: WecomAccess
  refusals: RefusedSecrets
  now: () => number
  timeoutMs: number
}) {
  return {
    async examine(
      connection: Connection,
      own: OwnFacts,
      clock: { note: (report: CallReport) => void; aheadMs: () => number | null },
    ): Promise<Diagnosis> {
      const row = await rowOf(database, connection.id)
      const kind = row.kind === 'delegated' ? 'delegated' : 'service_provider'
      const signal = AbortSignal.timeout(timeoutMs)
      const missing = missingForSignIn(row).map(({ path }) => path)
      const [suite, provider] = await Promise.all([
        missing.length > 0 ? NOT_ASKED : askSuite(connection, clock.note, signal),
        askProvider(connection, clock.note, signal),
      ])
      const corps = await authorizedCorpRows(database, connection.id)
      const chosen = corps
        .toSorted((one, other) => (detailsOf(one.details).readAt ?? 0) - (detailsOf(other.details).readAt ?? 0))
        .slice(0, COMPANIES_ASKED)
      const asked = await eachOf(chosen, (corp) =>
        askCompany(connection, corp, suite.kind === 'answered' ? suite.value : undefined, clock.note, signal),
      )
      const sample = asked.find(({ sample: one }) => one.kind === 'answered')?.sample ?? asked[0]?.sample ?? NOT_ASKED
      const facts: SuiteFacts = {
        connection: { ...own.connection, kind, missing, hasProviderSecret: connection.has.providerSecret },
        organization: own.organization,
        syncOwner: own.syncOwner,
        callback: own.callback,
        clockAheadMs: clock.aheadMs(),
        ticketAgeMs: await ticketAge(connection.id),
        suite: suite.kind === 'answered' ? { kind: 'answered', value: true } : suite,
        provider,
        authorized: corps.length,
        companies: asked.map(({ facts: one }) => one),
        sample,
        now: now(),
      }
      const member = sample.kind === 'answered' ? sample.value : null
      return {
        checks: diagnoseSuite(facts),
        observedAddress: addressSeen(facts),
        sample:
          member === null ? undefined : { userid: member.userid, name: member.name ?? null, fields: fieldsOf(member) },
      }
    },
  }

  async function ticketAge(connectionId: string): Promise<number | null> {
    const row = await database.kysely
      .selectFrom('suite_tickets')
      .select('received_at')
      .where('connection_id', '=', connectionId)
      .executeTakeFirst()
    return row === undefined ? null : Math.max(0, now() - row.received_at)
  }

  async function askSuite(
    connection: Connection,
    note: (report: CallReport) => void,
    signal: AbortSignal,
  ): Promise<Asked<Suite>> {
    return askOnce('suite', connection, 'suiteSecret', note, async (onReport) => {
      const suite = await wecom.suiteOf(connection, { priority: 'interactive', onReport })
      await suite.token({ signal })
      return suite
    })
  }

  async function askProvider(
    connection: Connection,
    note: (report: CallReport) => void,
    signal: AbortSignal,
  ): Promise<Asked<true>> {
    if (!connection.has.providerSecret || connection.providerCorpId === null) return NOT_ASKED
    return askOnce('provider', connection, 'providerSecret', note, async (onReport) => {
      const provider = await wecom.providerOf(connection, { priority: 'interactive', onReport })
      await provider.token({ signal })
      return true as const
    })
  }

  /** A wrong secret is asked once. */
  async function askOnce<T>(
    credential: Trouble['credential'],
    { id }: Connection,
    name: SecretName,
    note: (report: CallReport) => void,
    work: (onReport: (report: CallReport) => void) => Promise<T>,
  ): Promise<Asked<T>> {
    // Before the secret: of one that is saved meanwhile, a refusal must not be believed later.
    const version = await connections.secretVersion(id, name)
    const remembered = await refusals.of(id, name, version)
    if (remembered !== undefined) return { kind: 'failed', trouble: { credential, ...remembered } }
    let wasAsked = false
    const asked = await troubleOf(
      credential,
      () =>
        work((report) => {
          note(report)
          wasAsked ||= report.errcode !== undefined
        }).catch(passIncomplete),
      timeoutMs,
    )
    if (asked.kind === 'answered') {
      return asked.value === undefined ? NOT_ASKED : { kind: 'answered', value: asked.value }
    }
    if (asked.kind === 'not-asked') return asked
    const { trouble } = asked
    // What the client repeated from its own memory was not asked for this saving of the secret.
    if (wasAsked && trouble.errcode !== undefined && ABOUT_SECRETS.has(trouble.code)) {
      await refusals.remember(id, name, version, trouble.errcode)
    }
    return asked
  }

  async function askCompany(
    connection: Connection,
    corp: Row<'corps'>,
    suite: Suite | undefined,
    note: (report: CallReport) => void,
    signal: AbortSignal,
  ): Promise<{ facts: CompanyFacts; sample: Asked<Member | null> }> {
    const about = { name: corp.name, agentId: corp.agent_id, expiresAt: detailsOf(corp.details).expiresAt }
    const code = await connections.revealPermanentCode(connection.id, corp.corp_id)
    const authorisation =
      suite === undefined || code === undefined
        ? NOT_ASKED
        : await troubleOf(
            'suite',
            async () => {
              await suite.authInfo(corp.corp_id, code.reveal(), { signal })
              return true as const
            },
            timeoutMs,
          )
    const nothing = {
      facts: { ...about, authorisation, token: NOT_ASKED, departments: NOT_ASKED },
      sample: NOT_ASKED,
    }
    // A code that WeCom has just refused is not tried as a secret.
    if (connection.kind !== 'delegated' || authorisation.kind === 'failed') return nothing
    const principal = await wecom.forDiagnosisOfCorp(connection, corp.corp_id, note)
    if (principal === undefined) return nothing
    const ask: Ask = (work) => troubleOf('app', work, timeoutMs)
    const token = await ask(async () => {
      await principal.token({ signal })
      return true as const
    })
    if (token.kind !== 'answered') return { ...nothing, facts: { ...nothing.facts, token } }
    const departments = await askDepartments(principal, ask, signal)
    const sample = await askSample(principal, departments, [], ask, signal)
    return { facts: { ...about, authorisation, token, departments }, sample }
  }
}

const ABOUT_SECRETS: ReadonlySet<string> = new Set(['WECOM_PROVIDER_CREDENTIAL_REJECTED', 'WECOM_SECRET_REJECTED'])

/** Somebody cleared it meanwhile: then there is nothing to ask with. */
function passIncomplete(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'connections/incomplete') return undefined
  throw error
}

async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let place = 0; place < items.length; place += COMPANIES_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(place, place + COMPANIES_AT_ONCE).map(work))))
  }
  return results
}

/**
 * Asks WeCom what a connection needs and hands the answers to diagnosis/, which says what they mean; suites are
 * suite-doctor.ts's. Writes only what it found last (`diagnoses`) and which secret WeCom refused (refused-secrets.ts).
 * Whatever WeCom says or fails to say becomes a check; nothing of it is thrown.
 */
import type { AgentInfo, CallReport, Principal } from '@muster/wecom'
import { isOneOf, type Database } from '../../database/database.ts'
import type { Organizations } from '../../directory/organizations.ts'
import { askDepartments, askSample, NOT_ASKED, troubleOf, type Ask } from './asking.ts'
import { createCallbackCheck } from './callback-check.ts'
import type { Connection, Connections } from '../connections.ts'
import { diagnose, observedAddress, type Facts, type IdsSeen, type OwnFacts } from './diagnosis/diagnosis.ts'
import { fieldsOf, type FieldState } from './diagnosis/field-diagnosis.ts'
import { createRefusedSecrets, writeAbout } from './refused-secrets.ts'
import { createSuiteDoctor } from './suite-doctor.ts'
import type { Asked, Check, Trouble } from './diagnosis/verdicts.ts'
import type { VerificationFiles } from '../verification-files.ts'
import type { WecomAccess } from '../wecom.ts'

export type { FieldState } from './diagnosis/field-diagnosis.ts'
export type { Check } from './diagnosis/verdicts.ts'

export interface Diagnosis {
  readonly checks: readonly Check[]
  /** Our address as WeCom sees it, when WeCom said so. */
  readonly observedAddress: string | undefined
  /** One real member: who it is, and which of its fields WeCom shows, but not what is in them. */
  readonly sample: Sample | undefined
}

/** What an examination found, later. Of the member that was looked at nothing is kept. */
export interface PastDiagnosis {
  /** Milliseconds since 1970. */
  readonly ranAt: number
  /** The connection was changed since. */
  readonly isOutdated: boolean
  readonly checks: readonly Check[]
  readonly observedAddress: string | null
}

export interface Sample {
  readonly userid: string
  readonly name: string | null
  readonly fields: Readonly<Record<string, FieldState>>
}

export type Doctor = ReturnType<typeof createDoctor>

export interface DoctorParts {
  readonly database: Database
  readonly connections: Connections
  readonly verificationFiles: VerificationFiles
  readonly organizations: Organizations
  readonly wecom: WecomAccess
  readonly now: () => number
  readonly publicUrl: string
  /** Where WeCom sends people of the connection of the environment. */
  readonly environmentRedirectUrl: string | undefined
  /** Of one examination as a whole; below the time after which clients and proxies give up. */
  readonly timeoutMs?: number
}

type CredentialName = 'app' | 'contacts'

const SECRET_OF = { app: 'secret', contacts: 'contactsSecret' } as const satisfies Record<CredentialName, string>

export function createDoctor({
  database,
  connections,
  verificationFiles,
  organizations,
  wecom,
  now,
  publicUrl,
  environmentRedirectUrl,
  timeoutMs = 25_000,
}: DoctorParts) {
  const refusals = createRefusedSecrets({ database, now })
  const suites = createSuiteDoctor({ database, connections, wecom, refusals, now, timeoutMs })
  const checkCallback = createCallbackCheck({ connections, publicUrl, now })
  /** By connection and when it was last saved. */
  const underWay = new Map<string, Promise<Diagnosis>>()

  return {
    /**
     * Whoever asks during an examination gets its result, so that impatience does not crowd out people who sign in.
     * @param reference id or identifier
     * @throws AppError `connections/not-found`
     */
    async examine(reference: string): Promise<Diagnosis> {
      const connection = await connections.get(reference)
      const key = `${connection.id} ${connection.updatedAt}`
      const joined = underWay.get(key)
      if (joined !== undefined) return joined
      const examination = examineNow(connection).finally(() => underWay.delete(key))
      underWay.set(key, examination)
      return examination
    },

    /**
     * What was found last; null when nobody ever asked.
     * @param reference id or identifier
     * @throws AppError `connections/not-found`
     */
    async last(reference: string): Promise<PastDiagnosis | null> {
      const connection = await connections.get(reference)
      const row = await database.kysely
        .selectFrom('diagnoses')
        .selectAll()
        .where('connection_id', '=', connection.id)
        .executeTakeFirst()
      if (row === undefined) return null
      return {
        ranAt: row.ran_at,
        isOutdated: connection.updatedAt > row.ran_at,
        checks: JSON.parse(row.checks) as Check[],
        observedAddress: row.observed_address,
      }
    },

    /** The same in numbers, by connection. */
    async lastCounts(
      connectionIds: readonly string[],
    ): Promise<Map<string, { ranAt: number; failed: number; warned: number }>> {
      const rows = await database.kysely
        .selectFrom('diagnoses')
        .select(['connection_id', 'ran_at', 'failed', 'warned'])
        .where(isOneOf(database, 'connection_id', connectionIds))
        .execute()
      return new Map(rows.map(({ connection_id: id, ran_at: ranAt, ...counts }) => [id, { ranAt, ...counts }]))
    },
  }

  async function examineNow(connection: Connection): Promise<Diagnosis> {
    // Before anything is asked: what is saved meanwhile was not looked at.
    const ranAt = now()
    const diagnosis = await (connection.kind === 'self_built' ? askEverything(connection) : askSuite(connection))
    await keep(connection.id, ranAt, diagnosis)
    return diagnosis
  }

  async function askEverything(connection: Connection): Promise<Diagnosis> {
    const clock = createClockComparison(now)
    const signal = AbortSignal.timeout(timeoutMs)
    const [own, app, contacts] = await Promise.all([
      ownFacts(connection, signal),
      askAs('app', connection, clock.note, signal, askApp),
      askAs('contacts', connection, clock.note, signal, askContacts),
    ])
    const reader = (connection.has.secret ? app : contacts).answers
    const facts: Facts = {
      ...own,
      app: { token: app.token, agent: app.answers?.agent ?? NOT_ASKED },
      contacts: {
        token: contacts.token,
        ids: contacts.answers?.ids ?? NOT_ASKED,
        details: contacts.answers === undefined ? NOT_ASKED : asTrue(contacts.answers.departments),
      },
      departments: reader?.departments ?? NOT_ASKED,
      sample: reader?.sample ?? NOT_ASKED,
      clockAheadMs: clock.aheadMs(),
    }
    const sample = facts.sample.kind === 'answered' ? facts.sample.value : null
    return {
      checks: diagnose(facts),
      observedAddress: observedAddress(facts),
      sample:
        sample === null ? undefined : { userid: sample.userid, name: sample.name ?? null, fields: fieldsOf(sample) },
    }
  }

  async function askSuite(connection: Connection): Promise<Diagnosis> {
    const clock = createClockComparison(now)
    const own = await ownFacts(connection, AbortSignal.timeout(timeoutMs))
    return suites.examine(connection, own, { note: clock.note, aheadMs: clock.aheadMs })
  }

  async function ownFacts(connection: Connection, signal: AbortSignal): Promise<OwnFacts> {
    const { id, organizationId, has, sync, signIn, managedByEnvironment } = connection
    const returnsTo = managedByEnvironment && environmentRedirectUrl !== undefined ? environmentRedirectUrl : publicUrl
    const organization = await organizations.get(organizationId)
    const owner = await connections.ownerOfSync(organizationId)
    const { users } = await database.kysely
      .selectFrom('users')
      .where('organization_id', '=', organizationId)
      .where('status', '<>', 'deleted')
      .select((eb) => eb.fn.countAll<number>().as('users'))
      .executeTakeFirstOrThrow()
    return {
      connection: {
        identifier: connection.identifier,
        corpId: connection.corpId,
        agentId: connection.agentId,
        hasSecret: has.secret,
        hasContactsSecret: has.contactsSecret,
        usesSignIn: signIn.enabled,
        returnsTo: new URL(returnsTo),
        verificationFiles: await verificationFiles.namesOf(id),
        usesSync: sync.enabled,
        onlyHere: sync.users.onlyHere,
        syntheticEmailDomain: signIn.syntheticEmailDomain,
      },
      organization: { name: organization.name, users, linkedUsers: await connections.linkedUsers(id) },
      syncOwner:
        owner === undefined
          ? null
          : { identifier: owner.identifier, displayName: owner.displayName, isThis: owner.id === id },
      callback: await checkCallback(connection, signal),
    }
  }

  /** The token first, because without it there is nothing to ask, and a wrong secret is asked once. */
  async function askAs<T extends Record<string, Asked<unknown>>>(
    credential: CredentialName,
    connection: Connection,
    onReport: (report: CallReport) => void,
    signal: AbortSignal,
    askAll: (principal: Principal, connection: Connection, ask: Ask, signal: AbortSignal) => Promise<T>,
  ): Promise<{ token: Asked<true>; answers?: T }> {
    // Before the secret: of one that is saved meanwhile, a refusal must not be believed later.
    const version = await connections.secretVersion(connection.id, SECRET_OF[credential])
    let wasAsked = false
    const principal = await wecom.forDiagnosis(connection, SECRET_OF[credential], (report) => {
      onReport(report)
      wasAsked ||= report.api === 'gettoken' && report.errcode !== undefined
    })
    if (principal === undefined) return { token: NOT_ASKED }
    const remembered = await refusals.of(connection.id, SECRET_OF[credential], version)
    if (remembered !== undefined) return { token: { kind: 'failed', trouble: { credential, ...remembered } } }

    let refused: Trouble | undefined
    const ask: Ask = async (work) => {
      const asked = await troubleOf(credential, work, timeoutMs)
      // Not only gettoken itself: after a reset an old token is refused first, and then the secret.
      if (asked.kind === 'failed' && asked.trouble.code === 'WECOM_SECRET_REJECTED') refused = asked.trouble
      return asked
    }
    const token = await ask(async () => {
      await principal.token({ signal })
      return true as const
    })
    const answers = token.kind === 'answered' ? await askAll(principal, connection, ask, signal) : undefined
    // What the client repeated from its own memory was not asked for this saving of the secret.
    if (wasAsked && refused?.errcode !== undefined) {
      await refusals.remember(connection.id, SECRET_OF[credential], version, refused.errcode)
    }
    return {
      token: refused === undefined ? token : { kind: 'failed', trouble: refused },
      ...(answers === undefined ? {} : { answers }),
    }
  }

  async function keep(
    connectionId: string,
    ranAt: number,
    { checks, observedAddress: address }: Diagnosis,
  ): Promise<void> {
    const row = {
      ran_at: ranAt,
      failed: checks.filter(({ result }) => result === 'fail').length,
      warned: checks.filter(({ result }) => result === 'warn').length,
      checks: JSON.stringify(checks),
      observed_address: address ?? null,
    }
    await writeAbout(() =>
      database.kysely
        .insertInto('diagnoses')
        .values({ connection_id: connectionId, ...row })
        .onConflict((conflict) => conflict.column('connection_id').doUpdateSet(row))
        .execute(),
    )
  }
}

async function askApp(principal: Principal, { agentId }: Connection, ask: Ask, signal: AbortSignal) {
  const [agent, departments] = await Promise.all([
    agentId === null ? NOT_ASKED : ask<AgentInfo>(() => principal.agent.get(agentId, { signal })),
    askDepartments(principal, ask, signal),
  ])
  const individuals = agent.kind === 'answered' ? agent.value.allowedUserids : []
  return { agent, departments, sample: await askSample(principal, departments, individuals, ask, signal) }
}

async function askContacts(principal: Principal, { has }: Connection, ask: Ask, signal: AbortSignal) {
  const [ids, departments] = await Promise.all([
    ask(() => firstIds(principal, signal)),
    askDepartments(principal, ask, signal),
  ])
  // With an app there is a better witness for what sync will see.
  const sample = has.secret ? NOT_ASKED : await askSample(principal, departments, [], ask, signal)
  return { ids, departments, sample }
}

/** The two lists of ids. WeCom's page of people holds ten thousand rows: enough to know that it works. */
async function firstIds(principal: Principal, signal: AbortSignal): Promise<IdsSeen> {
  const { departments } = await principal.departments.ids(undefined, { signal })
  const pages = principal.members.ids({ signal })
  const people = new Set<string>()
  let rows = 0
  for await (const page of pages) {
    rows = page.rows.length + page.rejected.length
    for (const { userid } of page.rows) people.add(userid.toLowerCase())
    break
  }
  return { people: people.size, departments: departments.length, isFirstPageOnly: rows >= IDS_PAGE_ROWS }
}

const IDS_PAGE_ROWS = 10_000

function asTrue(asked: Asked<unknown>): Asked<true> {
  return asked.kind === 'answered' ? { kind: 'answered', value: true } : asked
}

/** Compares our clock with the times that WeCom's answers name; the quickest answer counts. */
function createClockComparison(now: () => number) {
  let best: { durationMs: number; aheadMs: number } | undefined
  return {
    note({ serverTime, durationMs }: CallReport): void {
      if (serverTime === undefined || (best !== undefined && best.durationMs <= durationMs)) return
      // The header has whole seconds; half of one and half of the way are the best guess.
      best = { durationMs, aheadMs: now() - durationMs / 2 - (serverTime + 500) }
    },
    aheadMs: () => best?.aheadMs ?? null,
  }
}

/**
 * Carries out what decision.ts says about somebody whom WeCom has named: gathers the facts, decides and writes in one
 * transaction, so that there is never a session without its user, its link and its entry in the log, and never two of one
 * attempt. Whoever loses a race against another browser or a run is looked at again.
 */
import type { Door, SignInReason } from '@muster/contracts'
import { SYSTEM, type Actor, type Audit } from '../audit/audit.ts'
import type { Connection, Connections } from '../connections/connections.ts'
import type { Database, Transaction } from '../database/database.ts'
import { noteSignIn } from '../directory/links.ts'
import { AppError, unreachable } from '../errors.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import type {
  Admission,
  AdmissionScene,
  Change,
  KnownUser,
  MatchingRule,
  Standing,
  WantedUser,
} from '../sync/admission.ts'
import type { Asked } from './asking.ts'
import type { Attempt, Attempts, Phase } from './attempts.ts'
import {
  decide,
  type Account,
  type Activity,
  type Answer,
  type Decision,
  type Identity,
  type Refusal,
} from './decision.ts'
import type { SignIns } from './sign-ins.ts'

/** Where the person is, for the log and the list of sessions. */
export interface Browser {
  readonly address: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}

/** What somebody wants to come in for. */
export interface Errand {
  readonly connectionId: string
  /** Of which company they have to be a member; null: of any that has authorised the connection. */
  readonly corpId: string | null
  /** Of the connection when it began; see connections.ts. */
  readonly credential: string
  readonly applicationId: string | null
  readonly door: Door
  /** A moment before WeCom was asked; milliseconds since 1970, by our clock. null: long ago. */
  readonly takenAt: number | null
  /** An attempt in a browser, which ends with this; null for a native app. */
  readonly attempt: { readonly id: string; readonly phase: Phase } | null
}

/** Who the person has proved to be, or that they want to be somebody new. */
export type Claim =
  | { readonly kind: 'account'; readonly by: 'password' | 'session'; readonly userId: string }
  | { readonly kind: 'create' }

export type Settled =
  | { readonly kind: 'admitted'; readonly session: Session; readonly cookie: string }
  | { readonly kind: 'asking' }
  | { readonly kind: 'refused'; readonly reason: SignInReason; readonly referenceId: string }
  /** The attempt went on without us, or is too old. */
  | { readonly kind: 'gone' }

export interface AdmittingParts {
  readonly database: Database
  readonly connections: Connections
  readonly admission: Admission
  /** Passed on, because features know only each other's types. */
  readonly isLostRace: (error: unknown) => boolean
  readonly sceneOf: (connection: Connection, corpId: string) => AdmissionScene
  readonly sessions: Sessions
  readonly attempts: Attempts
  readonly signIns: SignIns
  readonly audit: Audit
  readonly now: () => number
}

export type Admitting = ReturnType<typeof createAdmitting>

/** As often as many browsers of one newcomer may collide before one of them has made the user. */
const ATTEMPTS = 5

export function createAdmitting(parts: AdmittingParts) {
  const { database, admission, attempts, signIns } = parts

  return {
    /** From what WeCom said to a session, a question or a refusal. */
    async settle(errand: Errand, asked: Asked, claim: Claim | null, browser: Browser): Promise<Settled> {
      for (let round = 1; ; round++) {
        try {
          return await database.inSharedTransaction((tx) => settleOnce(tx, errand, asked, claim, browser))
        } catch (error) {
          if (error instanceof AttemptGone) return { kind: 'gone' }
          // The door was closed while somebody went through it.
          if (error instanceof AppError && error.code === 'sessions/refused' && round < ATTEMPTS) continue
          if (!parts.isLostRace(error) || round === ATTEMPTS) throw error
        }
      }
    },

    /** Ends an attempt for a reason that has nothing to do with who the person is. */
    async refuse(
      attempt: Attempt,
      from: Phase,
      { reason, problem = null }: { reason: SignInReason; problem?: string | null },
      browser: Browser,
    ): Promise<Settled> {
      const { connectionId, corpId, organizationId, applicationId, door, asked } = attempt
      try {
        return await database.inSharedTransaction(async (tx) => {
          const referenceId = await signIns.record(tx, {
            ...browser,
            organizationId,
            connectionId,
            corpId: corpOf(asked) ?? corpId,
            userid: asked?.kind === 'member' ? asked.userid : null,
            userId: null,
            applicationId,
            door,
            outcome: BROKEN.has(reason) ? 'failed' : 'refused',
            reason,
            problem,
          })
          await advance(tx, { id: attempt.id, phase: from }, 'refused', { reason, referenceId })
          return { kind: 'refused', reason, referenceId }
        })
      } catch (error) {
        if (error instanceof AttemptGone) return { kind: 'gone' }
        throw error
      }
    },
  }

  async function settleOnce(
    tx: Transaction,
    errand: Errand,
    asked: Asked,
    claim: Claim | null,
    browser: Browser,
  ): Promise<Settled> {
    const corpId = corpOf(asked) ?? errand.corpId
    const found = await parts.connections.share(tx, errand.connectionId, corpId).catch(undefinedIfGone)
    if (found === undefined) throw new AttemptGone()
    const { connection, corp, credential } = found
    const userid = asked.kind === 'member' ? asked.userid : null
    const about: About = { errand, connection, corpId: corpId ?? corp?.corpId ?? null, userid, browser }
    // Whoever asked for people of one company gets nobody else, whatever else the connection takes.
    if (errand.corpId !== null && corpId !== errand.corpId) {
      return refused(tx, about, { ...REFUSED, reason: 'not-a-member' })
    }
    const isGone = corp === null ? connection.kind === 'self_built' : credential !== errand.credential
    if (isGone) return refused(tx, about, { ...REFUSED, reason: 'connection-changed' })
    const scene = parts.sceneOf(connection, about.corpId ?? '')
    const answer = claim === null ? null : await answerOf(tx, scene, claim)
    if (answer === undefined) return refused(tx, about, { ...REFUSED, reason: 'expired' })
    const gathered = await gather(tx, scene, connection, asked, errand.takenAt)
    const decision = decide({
      settings: connection.signIn,
      isCorpAuthorised: corp !== null,
      sighting: gathered.sighting,
      identity: gathered.identity,
      answer: answer?.said ?? null,
    })
    switch (decision.kind) {
      case 'refuse':
        return carryRefusalOut(tx, scene, about, gathered, decision)
      case 'ask': {
        if (errand.attempt === null) return refused(tx, about, { ...REFUSED, reason: 'not-linked' })
        await advance(tx, errand.attempt, 'asking', { asked, mayCreate: decision.mayCreate })
        return { kind: 'asking' }
      }
      case 'admit':
        return carryAdmissionOut(tx, scene, about, { ...gathered, proved: answer?.proved ?? null }, decision)
      default:
        return unreachable(decision)
    }
  }

  async function gather(
    tx: Transaction,
    scene: AdmissionScene,
    { kind, signIn }: Connection,
    asked: Asked,
    takenAt: number | null,
  ): Promise<Gathered> {
    if (asked.kind === 'outsider') return { ...NOTHING, sighting: { kind: 'outsider' } }
    if (asked.member === null) return withoutDetails(await admission.linked(tx, scene, asked.userid))
    const wanted = await admission.map(scene, asked.member)
    const rule = signIn.loginOnly ? null : RULES[signIn.association](fieldsToMatch(kind, signIn.matchFields))
    const standing = await admission.look(tx, scene, wanted, rule)
    // An event has had WeCom asked since: it may have said that they are gone, and what is known here is newer.
    const isOvertaken = standing.kind === 'linked' && (standing.known.link.asked_at ?? -1) >= (takenAt ?? 0)
    if (isOvertaken) return withoutDetails({ known: standing.known, isInQuestion: false })
    return {
      sighting: {
        kind: 'member',
        details: { kind: 'read', activity: activityOf(asked.member, scene.settings.notActivated) },
      },
      identity: identityOf(standing),
      wanted,
      standing,
      linked: standing.kind === 'linked' ? standing.known : null,
    }
  }

  /** @returns undefined when nothing is proved: the account is gone, or another one is signed in by now */
  async function answerOf(
    tx: Transaction,
    scene: AdmissionScene,
    claim: Claim,
  ): Promise<{ said: Answer; proved: KnownUser | null } | undefined> {
    if (claim.kind === 'create') return { said: claim, proved: null }
    const proved = await admission.known(tx, scene, claim.userId)
    if (proved === undefined) return undefined
    const said = {
      kind: 'proved',
      by: claim.by,
      account: accountOf(proved, false),
      isLinked: proved.link !== null,
    } as const
    return { said, proved }
  }

  async function carryAdmissionOut(
    tx: Transaction,
    scene: AdmissionScene,
    about: About,
    gathered: Gathered & { readonly proved: KnownUser | null },
    decision: Decision & { kind: 'admit' },
  ): Promise<Settled> {
    const { errand, connection, browser } = about
    const { userId, linkId, changes } = await admitted(tx, scene, gathered, decision)
    const at = parts.now()
    await recordChanges(tx, scene, changes, { kind: 'user', id: userId, name: null, ...placeOf(browser) })
    await noteSignIn(tx, { userId, linkId, at })
    const { session, cookie } = await parts.sessions.begin(tx, {
      userId,
      door: errand.door,
      connectionId: connection.id,
      corpId: scene.corpId,
      linkId,
      applicationId: errand.applicationId,
      address: browser.address,
      userAgent: browser.userAgent,
    })
    await signIns.record(tx, { ...factsOf(about), userId, outcome: 'succeeded', reason: null, problem: null })
    if (errand.attempt !== null) await advance(tx, errand.attempt, 'admitted')
    return { kind: 'admitted', session, cookie }
  }

  async function admitted(
    tx: Transaction,
    scene: AdmissionScene,
    { wanted, standing, linked, proved }: Gathered & { readonly proved: KnownUser | null },
    { as, refresh }: Decision & { kind: 'admit' },
  ): Promise<{ userId: string; linkId: string; changes: readonly Change[] }> {
    switch (as.kind) {
      case 'linked':
        if (linked === null) throw new Error('somebody was admitted by a link that nobody looked at')
        if (wanted === null || refresh === 'nothing') return { userId: as.userId, linkId: linked.link.id, changes: [] }
        return admission.refresh(tx, scene, wanted, linked, refresh)
      case 'matched':
        if (standing?.kind !== 'matched' || wanted === null) throw new Error('nobody was matched')
        return admission.link(tx, scene, wanted, standing.known, 'signin')
      case 'bound':
        if (proved === null || wanted === null) throw new Error('nothing was proved')
        return admission.link(tx, scene, wanted, proved, 'bind')
      case 'new':
        if (standing?.kind !== 'new' || wanted === null) throw new Error('somebody known was to be created')
        return admission.create(tx, scene, wanted, standing)
      default:
        return unreachable(as)
    }
  }

  async function carryRefusalOut(
    tx: Transaction,
    scene: AdmissionScene,
    about: About,
    { wanted, linked }: Gathered,
    refusal: Refusal,
  ): Promise<Settled> {
    if (refusal.question !== null) {
      await parts.audit.record(tx, SYSTEM, await admission.ask(tx, scene, refusal.question))
    }
    if (refusal.closes && linked !== null && wanted !== null) {
      await recordChanges(tx, scene, await admission.close(tx, scene, wanted, linked), SYSTEM)
    }
    return refused(tx, about, refusal)
  }

  async function refused(tx: Transaction, about: About, { reason, userId }: Refusal): Promise<Settled> {
    const referenceId = await signIns.record(tx, {
      ...factsOf(about),
      userId,
      outcome: 'refused',
      reason,
      problem: null,
    })
    const { attempt } = about.errand
    if (attempt !== null) await advance(tx, attempt, 'refused', { reason, referenceId })
    return { kind: 'refused', reason, referenceId }
  }

  /** @throws AttemptGone, which takes the whole transaction back */
  async function advance(
    tx: Transaction,
    { id, phase }: { id: string; phase: Phase },
    to: Phase,
    facts: Parameters<Attempts['move']>[4] = {},
  ): Promise<void> {
    if (!(await attempts.move(tx, id, phase, to, facts))) throw new AttemptGone()
  }

  /** What signing in changed about the account is on record like every change of access (invariant 7). */
  async function recordChanges(
    tx: Transaction,
    { organizationId, connectionId }: AdmissionScene,
    changes: readonly Change[],
    actor: Actor,
  ): Promise<void> {
    await parts.audit.record(
      tx,
      actor,
      changes.map(({ entity, action, targetId, reason }) => ({
        action: `${entity}.${action}`,
        organizationId,
        target: { kind: entity, id: targetId!, name: null },
        details: { connectionId, by: 'sign-in', ...(reason === null ? {} : { reason }) },
      })),
    )
  }
}

class AttemptGone extends Error {}

/** Reasons that say nothing about the person. */
const BROKEN: ReadonlySet<SignInReason> = new Set(['wecom-unavailable', 'wecom-problem', 'code-rejected', 'expired'])

const REFUSED: Omit<Refusal, 'reason'> = { kind: 'refuse', userId: null, closes: false, question: null }

interface About {
  readonly errand: Errand
  readonly connection: Connection
  readonly corpId: string | null
  readonly userid: string | null
  readonly browser: Browser
}

function factsOf({ errand, connection, corpId, userid, browser }: About) {
  return {
    organizationId: connection.organizationId,
    connectionId: connection.id,
    corpId,
    userid,
    applicationId: errand.applicationId,
    door: errand.door,
    ...placeOf(browser),
  }
}

function placeOf({ address, requestId }: Browser) {
  return { address, requestId }
}

interface Gathered {
  readonly sighting: Parameters<typeof decide>[0]['sighting']
  readonly identity: Identity | undefined
  readonly wanted: WantedUser | null
  readonly standing: Standing | null
  readonly linked: (Standing & { kind: 'linked' })['known'] | null
}

/** Somebody of whom WeCom says only that they are a member: then what is known here counts. */
function withoutDetails(
  linked: { readonly known: NonNullable<Gathered['linked']>; readonly isInQuestion: boolean } | undefined,
): Gathered {
  const known = linked?.isInQuestion === false ? linked.known : undefined
  const identity: Identity =
    known !== undefined
      ? { kind: 'linked', account: accountOf(known, false) }
      : linked !== undefined
        ? { kind: 'doubtful', question: null }
        : { kind: 'unknown', newcomer: { kind: 'unread' } }
  return { ...NOTHING, sighting: { kind: 'member', details: { kind: 'hidden' } }, identity, linked: known ?? null }
}

const NOTHING: Omit<Gathered, 'sighting'> = {
  identity: undefined,
  wanted: null,
  standing: null,
  linked: null,
}

/** By what somebody without a link may be recognised. */
const RULES: Readonly<Record<'create' | 'match' | 'ask', (fields: readonly string[]) => MatchingRule>> = {
  create: () => ({ byUsername: false, fields: [] }),
  ask: () => ({ byUsername: false, fields: [] }),
  match: (fields) => ({
    byUsername: fields.includes('username'),
    fields: (['email', 'phone'] as const).filter((field) => fields.includes(field)),
  }),
}

/**
 * A userid is the word of the company that gave it. Any company may authorise a provider, so there it is no sign that
 * somebody is the user of that name here.
 */
function fieldsToMatch(kind: Connection['kind'], fields: readonly string[]): readonly string[] {
  return kind === 'service_provider' ? fields.filter((field) => field !== 'username') : fields
}

/** undefined also for what an older version wrote, which knew one company for each connection. */
function corpOf(asked: Asked | null): string | undefined {
  return asked?.kind === 'member' ? asked.corpId : undefined
}

/** WeCom's status, and its switch, which few apps are shown (wecom-api.md §2.3.1). */
function activityOf(
  { status, isEnabled }: { readonly status?: number; readonly isEnabled?: boolean },
  notActivated: 'disable' | 'active',
): Activity {
  if (isEnabled === false || status === 2) return 'disabled'
  if (status === 5) return 'left'
  if (status === 4) return notActivated === 'active' ? 'active' : 'dormant'
  return status === 1 ? 'active' : 'unknown'
}

function identityOf(standing: Standing): Identity {
  switch (standing.kind) {
    case 'linked':
      return { kind: 'linked', account: accountOf(standing.known, standing.isRestorable) }
    case 'doubtful':
      return { kind: 'doubtful', question: standing.question }
    case 'matched':
      return { kind: 'matched', account: accountOf(standing.known, false) }
    case 'new': {
      const { address } = standing
      const { email, source } = address.kind === 'set' ? address.address : { email: null, source: null }
      const domain = email === null || source === 'synthetic' ? null : email.slice(email.lastIndexOf('@') + 1)
      return { kind: 'unknown', newcomer: { kind: 'possible', domain } }
    }
    case 'email-taken':
    case 'unsure':
      return { kind: 'unknown', newcomer: { kind: standing.kind, question: standing.question } }
    case 'impossible':
      return { kind: 'unknown', newcomer: { kind: 'impossible', problem: standing.problem } }
    default:
      return unreachable(standing)
  }
}

/** Rows hold only these words; anything else would be refused as disabled. */
function accountOf({ user }: KnownUser, isRestorable: boolean): Account {
  const status = user.status === 'active' || user.status === 'deleted' ? user.status : 'disabled'
  const disabledBy = user.disabled_by === 'source' ? 'source' : user.disabled_by === null ? null : 'administrator'
  return { userId: user.id, status, disabledBy, isRestorable }
}

function undefinedIfGone(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'connections/not-found') return undefined
  throw error
}

/**
 * Decides whether somebody whom WeCom has named may come in, and as whom (product.md §5, in its order). Pure: what it
 * needs to know was gathered by admitting.ts inside the transaction that carries the decision out. Nobody gets in on a
 * guess: whatever does not fit is refused, and where a person has to look the decision says with which question.
 */
import type { SignInReason, SignInSettings } from '@muster/contracts'
import { unreachable } from '../errors.ts'
import type { Question } from '../sync/admission.ts'

/** What WeCom said about who holds the code. */
export type Sighting =
  /** An openid, a customer, or a member of a connected company. */
  { readonly kind: 'outsider' } | { readonly kind: 'member'; readonly details: Details }

export type Details =
  /** Outside the visible range, or unknown to this app: authenticated all the same. Never proof that somebody left. */
  { readonly kind: 'hidden' } | { readonly kind: 'read'; readonly activity: Activity }

/**
 * `disabled` and `left` are WeCom's explicit statuses 2 and 5, `dormant` is 4 where the connection counts it as inactive.
 * `unknown`: WeCom withholds the status.
 */
export type Activity = 'active' | 'dormant' | 'disabled' | 'left' | 'unknown'

/** The account behind a link, or one that was found by matching or by proof. */
export interface Account {
  readonly userId: string
  readonly status: 'active' | 'disabled' | 'deleted'
  readonly disabledBy: 'administrator' | 'source' | null
  /** Whether sync would restore a deleted one for this member: deleted by the source, and the same person. */
  readonly isRestorable: boolean
}

/** Who the member is here. */
export type Identity =
  | { readonly kind: 'linked'; readonly account: Account }
  /** Linked, and it is not sure that they are the user who has the link; null when that is being asked already. */
  | { readonly kind: 'doubtful'; readonly question: Question | null }
  | { readonly kind: 'matched'; readonly account: Account }
  | { readonly kind: 'unknown'; readonly newcomer: Newcomer }

/** What a new user of this member would be. */
export type Newcomer =
  /** `domain` is null for a made-up address, which allowed domains do not concern. */
  | { readonly kind: 'possible'; readonly domain: string | null }
  | { readonly kind: 'email-taken'; readonly question: Question }
  /** The signs point to an account that is not given away by them; or to more than one. */
  | { readonly kind: 'unsure'; readonly question: Question }
  | { readonly kind: 'impossible'; readonly problem: string }
  /** Not known: nothing about the member can be read. */
  | { readonly kind: 'unread' }

/**
 * That somebody is an account: by its password and in the same attempt, or because they are signed in to it; or that they
 * want a new one.
 */
export type Answer =
  | {
      readonly kind: 'proved'
      readonly by: 'password' | 'session'
      readonly account: Account
      readonly isLinked: boolean
    }
  | { readonly kind: 'create' }

export interface Facts {
  readonly settings: Pick<
    SignInSettings,
    'enabled' | 'loginOnly' | 'association' | 'unreadableMembers' | 'allowedDomains' | 'refreshProfile'
  >
  /** Whether the company has authorised this connection; always, for its own app. */
  readonly isCorpAuthorised: boolean
  readonly sighting: Sighting
  /** undefined for outsiders. */
  readonly identity: Identity | undefined
  /** What the person answered on the binding page; null before. */
  readonly answer: Answer | null
}

export type Decision =
  | { readonly kind: 'admit'; readonly as: Admitted; readonly refresh: 'profile' | 'status' | 'nothing' }
  /** The binding page. */
  | { readonly kind: 'ask'; readonly mayCreate: boolean }
  | Refusal

export type Admitted =
  /** Through the link, which may enable or restore them first. */
  | { readonly kind: 'linked'; readonly userId: string }
  | { readonly kind: 'matched'; readonly userId: string }
  | { readonly kind: 'bound'; readonly userId: string }
  | { readonly kind: 'new' }

export interface Refusal {
  readonly kind: 'refuse'
  readonly reason: SignInReason
  /** Whom it is about, where that is known. */
  readonly userId: string | null
  /** WeCom says that the account is to be closed, and it is open here. */
  readonly closes: boolean
  /** To be put on the review list. */
  readonly question: Question | null
}

export function decide({ settings, isCorpAuthorised, sighting, identity, answer }: Facts): Decision {
  if (sighting.kind === 'outsider' || identity === undefined) return refuse('not-a-member')
  if (!isCorpAuthorised) return refuse('corp-not-authorised')
  const known = identity.kind === 'linked' ? identity.account : null
  if (!settings.enabled) return refuse('sign-in-off', known)
  const { details } = sighting
  if (details.kind === 'hidden') return decideUnread(settings, identity)

  const closed = CLOSED[details.activity]
  if (closed !== undefined) {
    const isExplicit = details.activity !== 'dormant'
    return { ...refuse(closed, known), closes: isExplicit && known?.status === 'active' }
  }
  switch (identity.kind) {
    case 'doubtful':
      return { ...refuse('under-review'), question: identity.question }
    case 'linked': {
      if (answer?.kind === 'proved' && answer.account.userId !== identity.account.userId)
        return refuse('already-linked')
      const refresh = settings.refreshProfile ? 'profile' : 'status'
      return admitAccount(identity.account, details.activity, { as: 'linked', refresh })
    }
    case 'matched':
    case 'unknown':
      return decideNewcomer(settings, identity, details.activity, answer)
    default:
      return unreachable(identity)
  }
}

const CLOSED: Readonly<Record<string, SignInReason | undefined>> = {
  disabled: 'disabled-in-wecom',
  left: 'left-wecom',
  dormant: 'not-activated',
} satisfies Partial<Record<Activity, SignInReason>>

/** Nothing was read, so nothing is refreshed, enabled or restored on the strength of it. */
function decideUnread({ unreadableMembers }: Facts['settings'], identity: Identity): Decision {
  const account = identity.kind === 'linked' ? identity.account : null
  if (unreadableMembers === 'refuse') return refuse('unreadable', account)
  if (identity.kind === 'doubtful') return { ...refuse('under-review'), question: identity.question }
  return account === null
    ? refuse('unreadable')
    : admitAccount(account, 'unknown', { as: 'linked', refresh: 'nothing' })
}

function decideNewcomer(
  settings: Facts['settings'],
  identity: Extract<Identity, { kind: 'matched' | 'unknown' }>,
  activity: Activity,
  answer: Answer | null,
): Decision {
  // Whoever is signed in may add a way in, whatever becomes of people who are not.
  if (answer?.kind === 'proved' && answer.by === 'session') return bind(answer, activity)
  if (settings.loginOnly) return refuse('not-linked')
  switch (settings.association) {
    case 'ask':
      return decideAsked(settings, identity, activity, answer)
    case 'match':
      if (identity.kind === 'matched') return admitAccount(identity.account, activity, { as: 'matched' })
      return admitNew(settings, identity.newcomer)
    case 'create':
      // Matching was not asked for; what only matching could have found is no reason to let somebody in.
      return identity.kind === 'matched' ? refuse('cannot-create') : admitNew(settings, identity.newcomer)
    default:
      return unreachable(settings.association)
  }
}

function decideAsked(
  settings: Facts['settings'],
  identity: Extract<Identity, { kind: 'matched' | 'unknown' }>,
  activity: Activity,
  answer: Answer | null,
): Decision {
  const wouldCreate = identity.kind === 'unknown' ? admitNew(settings, identity.newcomer) : refuse('cannot-create')
  if (answer === null) return { kind: 'ask', mayCreate: wouldCreate.kind === 'admit' }
  if (answer.kind === 'create') return wouldCreate
  return bind(answer, activity)
}

/** One member of a company per user (threats.md L-09). */
function bind({ account, isLinked }: Answer & { kind: 'proved' }, activity: Activity): Decision {
  return isLinked ? refuse('already-linked', account) : admitAccount(account, activity, { as: 'bound' })
}

function admitNew({ allowedDomains }: Facts['settings'], newcomer: Newcomer): Decision {
  switch (newcomer.kind) {
    case 'unread':
      return refuse('unreadable')
    case 'impossible':
      return refuse('cannot-create')
    case 'email-taken':
      return { ...refuse('email-taken'), question: newcomer.question }
    case 'unsure':
      return { ...refuse('under-review'), question: newcomer.question }
    case 'possible': {
      const { domain } = newcomer
      const isAllowed =
        domain === null || allowedDomains.length === 0 || allowedDomains.some((one) => isSame(one, domain))
      return isAllowed ? { kind: 'admit', as: { kind: 'new' }, refresh: 'nothing' } : refuse('domain-not-allowed')
    }
    default:
      return unreachable(newcomer)
  }
}

/** What an administrator closed stays closed; what the source closed follows the source, when it says so. */
function admitAccount(
  account: Account,
  activity: Activity,
  { as, refresh = 'profile' }: { as: 'linked' | 'matched' | 'bound'; refresh?: 'profile' | 'status' | 'nothing' },
): Decision {
  const { status, disabledBy, userId, isRestorable } = account
  const isConfirmed = activity === 'active'
  if (status === 'deleted' && !(as === 'linked' && isRestorable && isConfirmed && disabledBy !== 'administrator')) {
    return refuse('deleted', account)
  }
  if (status === 'disabled' && !(as !== 'bound' && disabledBy === 'source' && isConfirmed)) {
    return refuse('disabled', account)
  }
  return { kind: 'admit', as: { kind: as, userId }, refresh }
}

function refuse(reason: SignInReason, account: Account | null = null): Refusal {
  return { kind: 'refuse', reason, userId: account?.userId ?? null, closes: false, question: null }
}

/** Domains are compared as names, ignoring case and one trailing dot. */
function isSame(one: string, other: string): boolean {
  return fold(one) === fold(other)
}

function fold(domain: string): string {
  return domain.normalize('NFC').toLowerCase().replace(/\.$/, '')
}

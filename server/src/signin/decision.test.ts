import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WantedUser } from '../sync/admission.ts'
import { createRandom } from '../../test-support/random.ts'
import { decide, type Account, type Answer, type Facts, type Identity } from './decision.ts'

const SETTINGS: Facts['settings'] = {
  enabled: true,
  loginOnly: false,
  association: 'create',
  unreadableMembers: 'refuse',
  allowedDomains: [],
  refreshProfile: true,
}

const ACTIVE: Account = { userId: 'usr_1', status: 'active', disabledBy: null, isRestorable: false }
const question = { wanted: {} as WantedUser, reason: 'conflict', candidates: [] } as const
const LINKED: Identity = { kind: 'linked', account: ACTIVE }
const STRANGER: Identity = { kind: 'unknown', newcomer: { kind: 'possible', domain: 'corp.example' } }
const READ = (activity: 'active' | 'dormant' | 'disabled' | 'left' | 'unknown') =>
  ({ kind: 'member', details: { kind: 'read', activity } }) as const
const HIDDEN = { kind: 'member', details: { kind: 'hidden' } } as const

/** Somebody active without a link, through a connection with the default settings, unless said otherwise. */
function facts(given: Partial<Omit<Facts, 'settings'>> & { settings?: Partial<Facts['settings']> }): Facts {
  return {
    isCorpAuthorised: true,
    sighting: READ('active'),
    identity: STRANGER,
    answer: null,
    ...given,
    settings: { ...SETTINGS, ...given.settings },
  }
}

const account = (given: Partial<Account>): Identity => ({ kind: 'linked', account: { ...ACTIVE, ...given } })
const proved = (given: Partial<Account> = {}, rest: Partial<Answer & { kind: 'proved' }> = {}): Answer => ({
  kind: 'proved',
  by: 'password',
  isLinked: false,
  account: { ...ACTIVE, userId: 'usr_2', ...given },
  ...rest,
})

const CASES: readonly [sentence: string, given: Facts, outcome: string][] = [
  ['an outsider is refused', facts({ sighting: { kind: 'outsider' }, identity: undefined }), 'not-a-member'],
  [
    'also where signing in is off',
    facts({ sighting: { kind: 'outsider' }, settings: { enabled: false } }),
    'not-a-member',
  ],
  [
    'a company that has not authorised us is refused',
    facts({ isCorpAuthorised: false, identity: LINKED }),
    'corp-not-authorised',
  ],
  ['nobody comes in while signing in is off', facts({ identity: LINKED, settings: { enabled: false } }), 'sign-in-off'],
  ['somebody linked comes in', facts({ identity: LINKED }), 'in: linked'],
  [
    'also where only people who are linked may',
    facts({ identity: LINKED, settings: { loginOnly: true } }),
    'in: linked',
  ],
  ['also whose status WeCom withholds', facts({ identity: LINKED, sighting: READ('unknown') }), 'in: linked'],
  [
    'not whom WeCom shows as disabled',
    facts({ identity: LINKED, sighting: READ('disabled') }),
    'disabled-in-wecom, closes',
  ],
  ['not who left', facts({ identity: LINKED, sighting: READ('left') }), 'left-wecom, closes'],
  [
    'who never activated WeCom is refused and keeps the account',
    facts({ identity: LINKED, sighting: READ('dormant') }),
    'not-activated',
  ],
  ['a disabled member without a link is refused', facts({ sighting: READ('disabled') }), 'disabled-in-wecom'],
  [
    'a disabled member is not asked anything',
    facts({ sighting: READ('left'), settings: { association: 'ask' } }),
    'left-wecom',
  ],
  [
    'what an administrator disabled stays so',
    facts({ identity: account({ status: 'disabled', disabledBy: 'administrator' }) }),
    'disabled',
  ],
  [
    'what the source disabled follows the source',
    facts({ identity: account({ status: 'disabled', disabledBy: 'source' }) }),
    'in: linked',
  ],
  [
    'but not on silence',
    facts({ identity: account({ status: 'disabled', disabledBy: 'source' }), sighting: READ('unknown') }),
    'disabled',
  ],
  ['what was deleted by hand stays so', facts({ identity: account({ status: 'deleted' }) }), 'deleted'],
  [
    'whom the source deleted comes back',
    facts({ identity: account({ status: 'deleted', isRestorable: true }) }),
    'in: linked',
  ],
  [
    'not whom an administrator had disabled before',
    facts({ identity: account({ status: 'deleted', isRestorable: true, disabledBy: 'administrator' }) }),
    'deleted',
  ],
  [
    'a userid that shows somebody else waits for a person',
    facts({ identity: { kind: 'doubtful', question } }),
    'under-review, asks',
  ],
  [
    'hidden details of somebody in question do, too, whatever the setting',
    facts({
      sighting: HIDDEN,
      identity: { kind: 'doubtful', question: null },
      settings: { unreadableMembers: 'allow-linked' },
    }),
    'under-review',
  ],
  ['hidden details refuse', facts({ sighting: HIDDEN, identity: LINKED }), 'unreadable'],
  [
    'unless the setting lets linked people in',
    facts({ sighting: HIDDEN, identity: LINKED, settings: { unreadableMembers: 'allow-linked' } }),
    'in: linked',
  ],
  [
    'never people without a link',
    facts({
      sighting: HIDDEN,
      identity: { kind: 'unknown', newcomer: { kind: 'unread' } },
      settings: { unreadableMembers: 'allow-linked' },
    }),
    'unreadable',
  ],
  [
    'and nobody is enabled by what nobody has read',
    facts({
      sighting: HIDDEN,
      identity: account({ status: 'disabled', disabledBy: 'source' }),
      settings: { unreadableMembers: 'allow-linked' },
    }),
    'disabled',
  ],
  ['a newcomer is created', facts({}), 'in: new'],
  ['not where only linked people may sign in', facts({ settings: { loginOnly: true } }), 'not-linked'],
  ['not outside the allowed domains', facts({ settings: { allowedDomains: ['other.example'] } }), 'domain-not-allowed'],
  ['a domain is compared as a name', facts({ settings: { allowedDomains: ['CORP.example.'] } }), 'in: new'],
  ['a part of a name is another domain', facts({ settings: { allowedDomains: ['example'] } }), 'domain-not-allowed'],
  [
    'a made-up address passes',
    facts({
      identity: { kind: 'unknown', newcomer: { kind: 'possible', domain: null } },
      settings: { allowedDomains: ['other.example'] },
    }),
    'in: new',
  ],
  [
    'an address of somebody else refuses',
    facts({ identity: { kind: 'unknown', newcomer: { kind: 'email-taken', question } } }),
    'email-taken, asks',
  ],
  [
    'signs of somebody else refuse',
    facts({ identity: { kind: 'unknown', newcomer: { kind: 'unsure', question } } }),
    'under-review, asks',
  ],
  [
    'what cannot be created is refused',
    facts({ identity: { kind: 'unknown', newcomer: { kind: 'impossible', problem: 'sync/name-unusable' } } }),
    'cannot-create',
  ],
  [
    'somebody is matched where that was asked for',
    facts({ identity: { kind: 'matched', account: ACTIVE }, settings: { association: 'match' } }),
    'in: matched',
  ],
  ['and only there', facts({ identity: { kind: 'matched', account: ACTIVE } }), 'cannot-create'],
  ['without a match somebody is new', facts({ settings: { association: 'match' } }), 'in: new'],
  [
    'a matched account that is disabled stays so',
    facts({
      identity: { kind: 'matched', account: { ...ACTIVE, status: 'disabled', disabledBy: 'administrator' } },
      settings: { association: 'match' },
    }),
    'disabled',
  ],
  ['somebody is asked', facts({ settings: { association: 'ask' } }), 'ask, may create'],
  [
    'who may not be created is asked for an account only',
    facts({ settings: { association: 'ask', allowedDomains: ['other.example'] } }),
    'ask',
  ],
  ['who has proved an account gets it', facts({ answer: proved(), settings: { association: 'ask' } }), 'in: bound'],
  [
    'not one that is a member already',
    facts({ answer: proved({}, { isLinked: true }), settings: { association: 'ask' } }),
    'already-linked',
  ],
  [
    'not a disabled one',
    facts({ answer: proved({ status: 'disabled', disabledBy: 'source' }), settings: { association: 'ask' } }),
    'disabled',
  ],
  [
    'not a deleted one',
    facts({ answer: proved({ status: 'deleted', isRestorable: true }), settings: { association: 'ask' } }),
    'deleted',
  ],
  [
    'a password proves nothing where nobody asks for it',
    facts({ answer: proved(), settings: { loginOnly: true } }),
    'not-linked',
  ],
  ['nor does it where people are created', facts({ answer: proved() }), 'in: new'],
  [
    'a wish for a new account counts where somebody was asked',
    facts({ answer: { kind: 'create' }, settings: { association: 'ask' } }),
    'in: new',
  ],
  [
    'and not against the allowed domains',
    facts({ answer: { kind: 'create' }, settings: { association: 'ask', allowedDomains: ['other.example'] } }),
    'domain-not-allowed',
  ],
  [
    'whoever is signed in adds a way in',
    facts({ answer: proved({}, { by: 'session' }), settings: { loginOnly: true } }),
    'in: bound',
  ],
  [
    'not a second member of the same company',
    facts({ answer: proved({}, { by: 'session', isLinked: true }) }),
    'already-linked',
  ],
  [
    'not a member who is somebody else',
    facts({ identity: LINKED, answer: proved({}, { by: 'session' }) }),
    'already-linked',
  ],
  [
    'and is let in where it was theirs',
    facts({ identity: LINKED, answer: proved({ userId: 'usr_1' }, { by: 'session' }) }),
    'in: linked',
  ],
]

for (const [sentence, given, outcome] of CASES) {
  test(sentence, () => {
    assert.equal(told(given), outcome)
  })
}

test('what is refreshed follows the setting, and nothing does when nothing was read', () => {
  const refreshOf = (given: Facts) => {
    const decision = decide(given)
    return decision.kind === 'admit' ? decision.refresh : decision.kind
  }

  assert.equal(refreshOf(facts({ identity: LINKED })), 'profile')
  assert.equal(refreshOf(facts({ identity: LINKED, settings: { refreshProfile: false } })), 'status')
  assert.equal(
    refreshOf(facts({ identity: LINKED, sighting: HIDDEN, settings: { unreadableMembers: 'allow-linked' } })),
    'nothing',
  )
})

test('whatever the facts are, nobody comes in against the rules that outrank all others', (t) => {
  const seed = Number(process.env.MUSTER_TEST_SEED ?? Date.now() % 2 ** 32)
  t.diagnostic(`MUSTER_TEST_SEED=${seed}`)
  const random = createRandom(seed)
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const anyAccount = (userId: string): Account => ({
    userId,
    status: one(['active', 'disabled', 'deleted']),
    disabledBy: one(['administrator', 'source', null]),
    isRestorable: one([true, false]),
  })
  const anyIdentity = (): Identity =>
    one<() => Identity>([
      () => ({ kind: 'linked', account: anyAccount('usr_1') }),
      () => ({ kind: 'matched', account: anyAccount('usr_1') }),
      () => ({ kind: 'doubtful', question: one([question, null]) }),
      () => ({
        kind: 'unknown',
        newcomer: one([
          { kind: 'possible', domain: one([null, 'corp.example']) },
          { kind: 'email-taken', question },
          { kind: 'unsure', question },
          { kind: 'impossible', problem: 'x' },
          { kind: 'unread' },
        ] as const),
      }),
    ])()
  for (let round = 0; round < 20_000; round++) {
    const given: Facts = {
      settings: {
        enabled: one([true, false]),
        loginOnly: one([true, false]),
        association: one(['create', 'match', 'ask']),
        unreadableMembers: one(['refuse', 'allow-linked']),
        allowedDomains: one([[], ['other.example']]),
        refreshProfile: one([true, false]),
      },
      isCorpAuthorised: one([true, false]),
      sighting: one([
        { kind: 'outsider' },
        HIDDEN,
        READ('active'),
        READ('dormant'),
        READ('disabled'),
        READ('left'),
        READ('unknown'),
      ] as const),
      identity: one([anyIdentity, () => undefined])(),
      answer: one([
        null,
        { kind: 'create' },
        {
          kind: 'proved',
          by: one(['password', 'session']),
          account: anyAccount('usr_2'),
          isLinked: one([true, false]),
        },
      ] as const),
    }
    const decision = decide(given)
    if (decision.kind !== 'admit') continue
    const { settings, sighting, identity, answer } = given
    const why = JSON.stringify(given)
    assert.ok(settings.enabled && given.isCorpAuthorised && sighting.kind === 'member' && identity !== undefined, why)
    const activity = sighting.details.kind === 'read' ? sighting.details.activity : null
    assert.ok(activity === null || activity === 'active' || activity === 'unknown', why)
    if (activity === null) assert.ok(identity.kind === 'linked' && settings.unreadableMembers === 'allow-linked', why)
    assert.notEqual(identity.kind, 'doubtful', why)
    const isAdded = answer?.kind === 'proved' && answer.by === 'session'
    if (identity.kind !== 'linked') assert.ok(!settings.loginOnly || isAdded, why)
    if (decision.as.kind === 'new') assert.ok(identity.kind === 'unknown' && identity.newcomer.kind === 'possible', why)
    if (decision.as.kind === 'bound') assert.ok(answer?.kind === 'proved' && !answer.isLinked, why)
    if (decision.as.kind === 'matched') assert.equal(settings.association, 'match', why)
    const admitted = decision.as.kind === 'bound' ? answer : identity
    if (admitted !== null && 'account' in admitted && decision.as.kind !== 'new') {
      const { status, disabledBy } = admitted.account
      assert.ok(status === 'active' || disabledBy !== 'administrator', why)
    }
  }
})

function told(given: Facts): string {
  const decision = decide(given)
  if (decision.kind === 'admit') return `in: ${decision.as.kind}`
  if (decision.kind === 'ask') return decision.mayCreate ? 'ask, may create' : 'ask'
  const { reason, closes, question: asked } = decision
  return [reason, ...(closes ? ['closes'] : []), ...(asked === null ? [] : ['asks'])].join(', ')
}

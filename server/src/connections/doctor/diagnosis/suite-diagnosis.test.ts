/** What each answer about a suite means: one problem is reported once, by its own check, and stands in the way of others by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WecomError, type WecomErrorCode } from '@muster/wecom'
import {
  addressSeen,
  diagnoseSuite,
  type CompanyFacts,
  type SuiteCheckName,
  type SuiteFacts,
} from './suite-diagnosis.ts'
import type { Asked, Check, Trouble } from './verdicts.ts'

const notAsked = { kind: 'not-asked' } as const
const fine = { kind: 'answered', value: true } as const
const NOW = Date.UTC(2026, 10, 20)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

function refused(code: WecomErrorCode, errcode: number, credential: Trouble['credential']): Asked<never> {
  const { kind, remedy } = new WecomError(code, { api: 'some/api', message: 'refused' })
  const seen = errcode === 60020 ? '203.0.113.7' : undefined
  const detail = { en: `answered ${errcode}`, zh: `返回 ${errcode}` }
  return { kind: 'failed', trouble: { credential, code, kind, errcode, observedAddress: seen, detail, remedy } }
}

const company: CompanyFacts = {
  name: '上海示例科技',
  agentId: 1_000_021,
  expiresAt: null,
  authorisation: fine,
  token: fine,
  departments: { kind: 'answered', value: { departments: [{ id: 1 }], unreadable: 0 } },
}

const healthy: SuiteFacts = {
  connection: {
    kind: 'delegated',
    identifier: 'partners',
    missing: [],
    hasProviderSecret: true,
    usesSignIn: true,
    returnsTo: new URL('https://muster.corp.example'),
    verificationFiles: ['WW_verify_a1.txt'],
    usesSync: true,
    onlyHere: 'disable',
    syntheticEmailDomain: 'wecom.local',
  },
  organization: { name: 'Default', users: 12, linkedUsers: 10 },
  syncOwner: { identifier: 'partners', displayName: '代开发', isThis: true },
  callback: {
    hasToken: true,
    hasAesKey: true,
    publicUrl: new URL('https://muster.corp.example'),
    trips: [
      { address: 'https://muster.corp.example/callback/wecom/partners/command', kind: 'answered', durationMs: 20 },
    ],
  },
  clockAheadMs: 0,
  ticketAgeMs: 4 * MINUTE,
  suite: fine,
  provider: fine,
  authorized: 1,
  companies: [company],
  sample: {
    kind: 'answered',
    value: {
      userid: 'woAJ2GCAAAXtWyujaWJHDDGi0mACHAAA',
      name: '张三',
      departments: [{ id: 1 }],
      mainDepartment: 1,
      directLeaders: [],
      position: '',
      status: 1,
      mobile: '13800000000',
      gender: 'male',
      email: 'zhang@example.com',
      bizMail: 'zhang@corp.example',
      avatar: '',
      attributes: [],
    },
  },
  now: NOW,
}

const provider: SuiteFacts = {
  ...healthy,
  connection: { ...healthy.connection, kind: 'service_provider', usesSync: false },
  companies: [{ ...company, token: notAsked, departments: notAsked }],
  sample: notAsked,
}

interface Situation {
  readonly what: string
  readonly facts: SuiteFacts
  /** What does not pass; sign-in domains can never be asked for. */
  readonly expected: Partial<Record<SuiteCheckName, Check['result']>>
  readonly says?: Partial<Record<SuiteCheckName, RegExp>>
}

const dead = {
  companies: [{ ...company, authorisation: notAsked, token: notAsked, departments: notAsked }],
  sample: notAsked,
}

const situations: readonly Situation[] = [
  {
    what: 'a template that works',
    facts: healthy,
    expected: {},
    says: { ticket: /4 minutes ago/, companies: /1 company/ },
  },
  { what: 'a provider that works', facts: provider, expected: {}, says: { 'sign-in-domain': /登录发起域/ } },
  {
    what: 'a draft without its secrets',
    facts: {
      ...healthy,
      ...dead,
      connection: { ...healthy.connection, missing: ['suiteSecret', 'callback.token'], hasProviderSecret: false },
      ticketAgeMs: null,
      suite: notAsked,
      provider: notAsked,
      clockAheadMs: null,
      authorized: 0,
      companies: [],
    },
    expected: {
      settings: 'fail',
      ticket: 'skipped',
      'suite-token': 'skipped',
      address: 'skipped',
      clock: 'skipped',
      companies: 'warn',
      departments: 'skipped',
      member: 'skipped',
    },
    says: { settings: /suiteSecret, callback\.token/ },
  },
  {
    what: 'a ticket that never came',
    facts: {
      ...healthy,
      ...dead,
      ticketAgeMs: null,
      suite: refused('WECOM_NO_TICKET', 0, 'suite'),
      provider: notAsked,
      connection: { ...healthy.connection, hasProviderSecret: false },
      authorized: 0,
      companies: [],
    },
    expected: {
      ticket: 'fail',
      'suite-token': 'skipped',
      address: 'skipped',
      companies: 'warn',
      departments: 'skipped',
      member: 'skipped',
    },
    says: { ticket: /never sent one.*指令回调 URL/ },
  },
  {
    what: 'a ticket that is late',
    facts: { ...healthy, ticketAgeMs: 16 * MINUTE },
    expected: { ticket: 'warn' },
    says: { ticket: /16 minutes ago/ },
  },
  {
    what: 'a ticket that is not good any more, with a token that still is',
    facts: { ...healthy, ticketAgeMs: 45 * MINUTE },
    expected: { ticket: 'fail' },
    says: { ticket: /not good any more/ },
  },
  {
    what: 'a wrong secret of the suite, while the companies are still read',
    facts: {
      ...healthy,
      suite: refused('WECOM_PROVIDER_CREDENTIAL_REJECTED', 40080, 'suite'),
      companies: [{ ...company, authorisation: notAsked }],
    },
    expected: { 'suite-token': 'fail', companies: 'skipped' },
    says: { 'suite-token': /Copy SuiteID and Secret again/ },
  },
  {
    what: 'a wrong secret of the provider',
    facts: { ...healthy, provider: refused('WECOM_SECRET_REJECTED', 40001, 'provider') },
    expected: { 'provider-token': 'fail' },
    says: { 'provider-token': /ProviderSecret/ },
  },
  {
    what: 'an address that WeCom does not trust',
    facts: {
      ...healthy,
      ...dead,
      suite: refused('WECOM_ADDRESS_NOT_TRUSTED', 60020, 'suite'),
      provider: refused('WECOM_ADDRESS_NOT_TRUSTED', 60020, 'provider'),
    },
    expected: {
      address: 'fail',
      'suite-token': 'skipped',
      'provider-token': 'skipped',
      companies: 'skipped',
      departments: 'skipped',
      member: 'skipped',
    },
    says: { address: /203\.0\.113\.7.*IP 白名单/ },
  },
  {
    what: 'nobody who has authorised',
    facts: { ...healthy, authorized: 0, companies: [], sample: notAsked },
    expected: { companies: 'warn', departments: 'skipped', member: 'skipped' },
    says: { companies: /Connections → partners → Companies/ },
  },
  {
    what: 'a company whose code was reset, beside one that works',
    facts: {
      ...healthy,
      authorized: 2,
      companies: [
        company,
        {
          ...company,
          name: '北京示例',
          authorisation: refused('WECOM_AUTHORIZATION_GONE', 40084, 'suite'),
          token: notAsked,
          departments: notAsked,
        },
      ],
    },
    expected: { companies: 'fail' },
    says: { companies: /“北京示例”: answered 40084.*authorise the app again/ },
  },
  {
    what: 'a company in which WeCom names no app of ours',
    facts: { ...healthy, companies: [{ ...company, agentId: null }] },
    expected: { companies: 'warn' },
    says: { companies: /nobody can sign in/ },
  },
  {
    what: 'a provider in a company without an app, which needs none',
    facts: { ...provider, companies: [{ ...provider.companies[0]!, agentId: null }] },
    expected: {},
  },
  {
    what: 'more companies than are asked',
    facts: { ...healthy, authorized: 143 },
    expected: {},
    says: { companies: /143 companies.*1 company of them/ },
  },
  {
    what: 'an edition that ends soon, and one that has ended',
    facts: {
      ...healthy,
      authorized: 2,
      companies: [
        { ...company, expiresAt: NOW + 10 * DAY },
        { ...company, name: '北京示例', expiresAt: NOW - 3 * DAY },
      ],
    },
    expected: { editions: 'warn' },
    says: { editions: /“北京示例” ended 3 days ago, and 1 other soon/ },
  },
  {
    what: 'editions that last',
    facts: { ...healthy, companies: [{ ...company, expiresAt: NOW + 100 * DAY }] },
    expected: {},
    says: { editions: /None ends within two weeks/ },
  },
  {
    what: 'a company that shows no department',
    facts: {
      ...healthy,
      companies: [{ ...company, departments: { kind: 'answered', value: { departments: [], unreadable: 0 } } }],
    },
    expected: { departments: 'warn' },
    says: { departments: /“上海示例科技” shows none/ },
  },
  {
    what: 'nobody among those who were looked at',
    facts: { ...healthy, sample: { kind: 'answered', value: null } },
    expected: { member: 'warn' },
  },
  {
    what: 'a callback that does not come through',
    facts: {
      ...healthy,
      callback: {
        ...healthy.callback!,
        trips: [
          { address: 'https://muster.corp.example/callback/wecom/partners/command', kind: 'refused', status: 502 },
        ],
      },
    },
    expected: { callback: 'fail' },
    says: { callback: /502/ },
  },
  {
    what: 'a public address that WeCom cannot trust',
    facts: { ...healthy, connection: { ...healthy.connection, returnsTo: new URL('http://localhost:8080') } },
    expected: { 'sign-in-domain': 'warn' },
    says: { 'sign-in-domain': /MUSTER_PUBLIC_URL/ },
  },
]

for (const { what, facts, expected, says = {} } of situations) {
  test(`${what} is reported as such`, () => {
    const checks = diagnoseSuite(facts)

    const unusual = Object.fromEntries(
      checks.flatMap(({ name, result }) => (result === 'pass' ? [] : [[name, result]])),
    )
    assert.deepEqual(unusual, { 'sign-in-domain': 'skipped', ...expected })
    for (const [name, pattern] of Object.entries(says)) {
      const check = checks.find((candidate) => candidate.name === name)
      assert.match(`${check?.detail.en} ${check?.remedy?.en ?? ''}`, pattern)
    }
    for (const { name, result, detail, remedy } of checks) {
      assert.equal(remedy !== null, result === 'warn' || result === 'fail', `${name}: what needs something says what`)
      assert.match(detail.zh, /\p{Script=Han}/u, `${name} speaks Chinese`)
    }
  })
}

test('what is about an address book is left out for a provider', () => {
  const names = diagnoseSuite(provider).map(({ name }) => name)

  for (const name of ['departments', 'member', 'sync-owner', 'leavers']) assert.ok(!names.includes(name), name)
})

test('the address that WeCom saw is known whoever met it', () => {
  const facts = { ...healthy, provider: refused('WECOM_ADDRESS_NOT_TRUSTED', 60020, 'provider') }

  assert.equal(addressSeen(facts), '203.0.113.7')
  assert.equal(addressSeen(healthy), undefined)
})

/** What each answer of WeCom means: one problem is reported once, by its own check, and stands in the way of others by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentInfo, Member, WecomErrorCode } from '@muster/wecom'
import { WecomError, wecomProblems } from '@muster/wecom'
import type { CallbackFacts, CallbackTrip } from './callback-diagnosis.ts'
import { diagnose, observedAddress, type CheckName, type Facts } from './diagnosis.ts'
import { fieldsOf } from './field-diagnosis.ts'
import type { Asked, Check } from './verdicts.ts'

const notAsked = { kind: 'not-asked' } as const

function answered<T>(value: T): Asked<T> {
  return { kind: 'answered', value }
}

function refused(code: WecomErrorCode, errcode: number, credential: 'app' | 'contacts' = 'app'): Asked<never> {
  const { kind, remedy } = new WecomError(code, { api: 'some/api', message: 'refused' })
  const seen = errcode === 60020 ? '203.0.113.7' : undefined
  const detail = { en: `answered ${errcode}`, zh: `返回 ${errcode}` }
  return { kind: 'failed', trouble: { credential, code, kind, errcode, observedAddress: seen, detail, remedy } }
}

const everyField: Member = {
  userid: 'zhangsan',
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
}

const agent: AgentInfo = {
  agentId: 1,
  name: '目录',
  allowedDepartmentIds: [1],
  allowedUserids: [],
  allowedTagIds: [],
  isClosed: false,
}

const healthy: Facts = {
  connection: {
    identifier: 'hq',
    corpId: 'ww1',
    agentId: 1,
    hasSecret: true,
    hasContactsSecret: false,
    usesSignIn: false,
    returnsTo: new URL('https://muster.corp.example'),
    verificationFiles: [],
    usesSync: true,
    onlyHere: 'disable',
    syntheticEmailDomain: 'wecom.local',
  },
  organization: { name: '公司', users: 3, linkedUsers: 2 },
  syncOwner: { identifier: 'hq', displayName: '总部', isThis: true },
  app: { token: answered(true), agent: answered(agent) },
  contacts: { token: notAsked, ids: notAsked, details: notAsked },
  departments: answered({ departments: [{ id: 1, parentId: 0 }], unreadable: 0 }),
  sample: answered(everyField),
  clockAheadMs: 0,
  callback: null,
}

/** A callback with one address. */
function tripping(trip: object, facts: Partial<CallbackFacts> = {}): CallbackFacts {
  const address = 'https://muster.corp.example/callback/wecom/hq'
  return {
    hasToken: true,
    hasAesKey: true,
    publicUrl: new URL('https://muster.corp.example'),
    trips: [{ address, ...trip } as CallbackTrip],
    ...facts,
  }
}

/** Everything as in `healthy`, but for what is given. */
function given(changes: {
  callback?: Facts['callback']
  connection?: Partial<Facts['connection']>
  app?: Partial<Facts['app']>
  contacts?: Partial<Facts['contacts']>
  departments?: Facts['departments']
  sample?: Facts['sample']
  syncOwner?: Facts['syncOwner']
  clockAheadMs?: number | null
}): Facts {
  return {
    ...healthy,
    ...changes,
    connection: { ...healthy.connection, ...changes.connection },
    app: { ...healthy.app, ...changes.app },
    contacts: { ...healthy.contacts, ...changes.contacts },
  }
}

/** A credential that got no further than this answer to gettoken. */
function stoppedAtToken(token: Asked<never>): Facts {
  return given({ app: { token, agent: notAsked }, departments: notAsked, sample: notAsked, clockAheadMs: 0 })
}

/** Every call after the token was answered like this. */
function stoppedAfterToken(answer: Asked<never>): Facts {
  return given({ app: { agent: answer }, departments: answer, sample: notAsked })
}

const withContacts = { hasContactsSecret: true }
const contactsWork: Pick<Facts['contacts'], 'token' | 'ids'> = {
  token: answered(true),
  ids: answered({ people: 5, departments: 2, isFirstPageOnly: false }),
}
const newAddress = refused('WECOM_CONTACTS_ADDRESS_NEW', 48009, 'contacts')
const contactsOnly = {
  connection: { ...withContacts, hasSecret: false, agentId: null },
  app: { token: notAsked, agent: notAsked },
} as const

/** What a situation comes to, for the checks that do not pass. */
const situations: readonly {
  what: string
  facts: Facts
  expected: Partial<Record<CheckName, Check['result']>>
  says?: Partial<Record<CheckName, RegExp>>
}[] = [
  { what: 'everything works', facts: healthy, expected: {} },
  {
    what: 'a draft without anything',
    facts: given({
      connection: { corpId: null, agentId: null, hasSecret: false, usesSync: false },
      app: { token: notAsked, agent: notAsked },
      departments: notAsked,
      sample: notAsked,
      syncOwner: null,
      clockAheadMs: null,
    }),
    expected: { settings: 'fail', ...everythingOf('skipped'), leavers: 'skipped' },
    says: { settings: /corpId .*企业信息.*secret .*应用管理/, token: /What was entered/, clock: /What was entered/ },
  },
  {
    what: 'an app without agentId',
    facts: given({ connection: { agentId: null }, app: { agent: notAsked } }),
    expected: { settings: 'warn' },
    says: { settings: /one by one/, 'visible-range': /whole company/, app: /enabled/ },
  },
  {
    what: 'an app without agentId and without the root',
    facts: given({
      connection: { agentId: null },
      app: { agent: notAsked },
      departments: answered({ departments: [{ id: 7, parentId: 1 }], unreadable: 0 }),
    }),
    expected: { settings: 'warn', 'visible-range': 'warn' },
  },
  {
    what: 'a wrong secret',
    facts: stoppedAtToken(refused('WECOM_SECRET_REJECTED', 40001)),
    expected: { ...everythingOf('skipped'), token: 'fail', clock: 'pass' },
    says: { token: /40001.*Copy the Secret/, member: /App secret/ },
  },
  {
    what: 'a secret that was reset while its token still seemed good',
    facts: given({
      app: { token: refused('WECOM_SECRET_REJECTED', 40001), agent: refused('WECOM_SECRET_REJECTED', 40001) },
      departments: refused('WECOM_SECRET_REJECTED', 40001),
      sample: notAsked,
    }),
    expected: { ...everythingOf('skipped'), token: 'fail', clock: 'pass' },
    says: { departments: /App secret/, address: /App secret/ },
  },
  {
    what: 'an unknown company',
    facts: stoppedAtToken(refused('WECOM_CORP_UNKNOWN', 40013)),
    expected: { ...everythingOf('skipped'), token: 'fail', clock: 'pass' },
    says: { token: /40013.*CorpId/ },
  },
  {
    what: 'an address that is blocked',
    facts: stoppedAtToken(refused('WECOM_FREQUENCY_LIMITED', 45009)),
    expected: { ...everythingOf('skipped'), token: 'fail', clock: 'pass' },
    says: { token: /blocked this address/ },
  },
  {
    what: 'a WeCom that cannot be reached',
    facts: {
      ...stoppedAtToken({
        kind: 'failed',
        trouble: {
          credential: 'app',
          code: 'WECOM_TIMEOUT',
          kind: 'timeout',
          errcode: undefined,
          observedAddress: undefined,
          detail: { en: 'No answer.', zh: '无响应。' },
          remedy: wecomProblems.WECOM_TIMEOUT.remedy,
        },
      }),
      clockAheadMs: null,
    },
    expected: { ...everythingOf('skipped'), token: 'fail' },
    says: { token: /No answer/, clock: /App secret/ },
  },
  {
    what: 'an untrusted address, at gettoken',
    facts: stoppedAtToken(refused('WECOM_ADDRESS_NOT_TRUSTED', 60020)),
    expected: { ...everythingOf('skipped'), address: 'fail', clock: 'pass' },
    says: { address: /203\.0\.113\.7.*应用管理.*企业可信IP/, token: /Trusted address/ },
  },
  {
    what: 'an untrusted address, at the calls',
    facts: stoppedAfterToken(refused('WECOM_ADDRESS_NOT_TRUSTED', 60020)),
    expected: { ...everythingOf('skipped'), token: 'pass', address: 'fail', clock: 'pass' },
    says: { member: /Trusted address/ },
  },
  {
    what: 'an address that only 通讯录同步 does not trust',
    facts: given({
      connection: withContacts,
      contacts: {
        token: answered(true),
        ids: refused('WECOM_ADDRESS_NOT_TRUSTED', 60020, 'contacts'),
        details: refused('WECOM_ADDRESS_NOT_TRUSTED', 60020, 'contacts'),
      },
    }),
    expected: { address: 'fail', ids: 'skipped' },
    says: { address: /管理工具 → 通讯录同步/ },
  },
  {
    what: 'a disabled app, at gettoken',
    facts: stoppedAtToken(refused('WECOM_APP_DISABLED', 50003)),
    expected: { ...everythingOf('skipped'), app: 'fail', clock: 'pass' },
    says: { app: /50003.*应用管理/, token: /App enabled/, departments: /App enabled/ },
  },
  {
    what: 'a disabled app, at the calls',
    facts: stoppedAfterToken(refused('WECOM_APP_DISABLED', 50003)),
    expected: { ...everythingOf('skipped'), token: 'pass', app: 'fail', clock: 'pass' },
  },
  {
    what: 'an app that says of itself that it is closed',
    facts: given({ app: { agent: answered({ ...agent, isClosed: true }) } }),
    expected: { app: 'fail' },
  },
  {
    what: 'the AgentId of another app',
    facts: given({ app: { agent: refused('WECOM_AGENT_MISMATCH', 301002) } }),
    expected: { app: 'fail', 'visible-range': 'skipped' },
    says: { app: /same page/, 'visible-range': /App enabled/ },
  },
  {
    what: 'a range without the root',
    facts: given({
      app: {
        agent: answered({ ...agent, allowedDepartmentIds: [2, 3], allowedUserids: ['lisi'], allowedTagIds: [9] }),
      },
    }),
    expected: { 'visible-range': 'warn' },
    says: { 'visible-range': /2 departments, 1 single person, 1 tag\..*looks like a leaver.*可见范围/ },
  },
  {
    what: 'a range without the root, beside 通讯录同步',
    facts: given({
      connection: withContacts,
      app: { agent: answered({ ...agent, allowedDepartmentIds: [2] }) },
      contacts: { ...contactsWork, details: answered(true) },
    }),
    expected: { 'visible-range': 'warn' },
    says: { 'visible-range': /1 department, .*only ids and departments/ },
  },
  {
    what: 'an empty range',
    facts: given({
      app: { agent: answered({ ...agent, allowedDepartmentIds: [] }) },
      departments: answered({ departments: [], unreadable: 0 }),
      sample: answered(null),
    }),
    expected: { 'visible-range': 'fail', departments: 'warn', member: 'warn' },
  },
  {
    what: 'several roots',
    facts: given({
      departments: answered({
        departments: [
          { id: 2, parentId: 1 },
          { id: 3, parentId: 1 },
          { id: 4, parentId: 3 },
        ],
        unreadable: 0,
      }),
    }),
    expected: {},
    says: { departments: /3 departments under 2 roots/ },
  },
  {
    what: 'a department that cannot be understood',
    facts: given({ departments: answered({ departments: [{ id: 1, parentId: 0 }], unreadable: 1 }) }),
    expected: { departments: 'warn' },
    says: { departments: /remove nobody/ },
  },
  {
    what: 'departments that may not be listed',
    facts: given({ departments: refused('WECOM_API_FORBIDDEN', 48002), sample: notAsked }),
    expected: { departments: 'fail', member: 'skipped' },
    says: { departments: /48002/, member: /Departments/ },
  },
  {
    what: 'people who may not be listed',
    facts: given({ sample: refused('WECOM_API_FORBIDDEN', 48002) }),
    expected: { member: 'fail' },
  },
  {
    what: 'the secret of 通讯录同步 entered as that of an app',
    facts: stoppedWithContactsSecret(),
    expected: {
      app: 'skipped',
      'visible-range': 'skipped',
      departments: 'fail',
      member: 'skipped',
      address: 'skipped',
    },
    says: { departments: /not that of an app.*通讯录同步.*contactsSecret/ },
  },
  {
    what: 'ids only, beside an app',
    facts: given({ connection: withContacts, contacts: { ...contactsWork, details: newAddress } }),
    expected: {},
    says: { ids: /48009.*as it should be/ },
  },
  {
    what: 'ids only, and no app',
    facts: given({
      ...contactsOnly,
      contacts: { ...contactsWork, details: newAddress },
      departments: newAddress,
      sample: notAsked,
    }),
    expected: {
      settings: 'warn',
      token: 'skipped',
      app: 'skipped',
      'visible-range': 'skipped',
      departments: 'skipped',
      member: 'skipped',
      ids: 'warn',
    },
    says: { ids: /48009.*named by their userid.*创建应用/, departments: /List of ids/, token: /No Secret of an app/ },
  },
  {
    what: '通讯录同步 alone, from an address it has long been used from',
    facts: given({ ...contactsOnly, contacts: { ...contactsWork, details: answered(true) } }),
    expected: { settings: 'warn', token: 'skipped', app: 'skipped', 'visible-range': 'skipped' },
  },
  {
    what: 'a wrong secret of 通讯录同步 beside an app that works',
    facts: given({
      connection: withContacts,
      contacts: { token: refused('WECOM_SECRET_REJECTED', 40001, 'contacts') },
    }),
    expected: { 'contacts-token': 'fail', ids: 'skipped' },
    says: { 'contacts-token': /管理工具 → 通讯录同步/, ids: /Contacts secret/ },
  },
  {
    what: 'ids that cannot be listed',
    facts: given({
      connection: withContacts,
      contacts: {
        token: answered(true),
        ids: refused('WECOM_API_FORBIDDEN', 48002, 'contacts'),
        details: answered(true),
      },
    }),
    expected: { ids: 'fail' },
  },
  { what: 'a clock 29 s ahead', facts: given({ clockAheadMs: 29_000 }), expected: {} },
  {
    what: 'a clock 31 s ahead',
    facts: given({ clockAheadMs: 31_000 }),
    expected: { clock: 'warn' },
    says: { clock: /31 seconds ahead of/ },
  },
  {
    what: 'a clock an hour behind',
    facts: given({ clockAheadMs: -3_600_000 }),
    expected: { clock: 'fail' },
    says: { clock: /60 minutes behind/ },
  },
  { what: 'an answer without a time', facts: given({ clockAheadMs: null }), expected: { clock: 'skipped' } },
  {
    what: 'leavers who stay active',
    facts: given({ connection: { onlyHere: 'ignore' } }),
    expected: { leavers: 'warn' },
    says: { leavers: /Connections → hq → Fields/ },
  },
  {
    what: 'sync that belongs to another connection',
    facts: given({
      connection: { usesSync: false },
      syncOwner: { identifier: 'old', displayName: '旧', isThis: false },
    }),
    expected: { 'sync-owner': 'warn', leavers: 'skipped' },
    says: { 'sync-owner': /“旧” \(old\).*Switch it off at old/ },
  },
  {
    what: 'a callback that brought the message back',
    facts: given({ callback: tripping({ kind: 'answered', durationMs: 12.4 }) }),
    expected: {},
    says: { callback: /came back through https:\/\/muster\.corp\.example\/callback\/wecom\/hq in 12 ms\./ },
  },
  {
    what: 'a callback at an address that only the emulator reaches',
    facts: given({
      callback: tripping({ kind: 'answered', durationMs: 1 }, { publicUrl: new URL('http://localhost') }),
    }),
    expected: {},
    says: { callback: /no public address/ },
  },
  {
    what: 'a callback that takes longer than WeCom waits',
    facts: given({ callback: tripping({ kind: 'answered', durationMs: 1_200 }) }),
    expected: { callback: 'warn' },
    says: { callback: /took 1200 ms.*one second/ },
  },
  {
    what: 'a callback at which nothing answers',
    facts: given({ callback: tripping({ kind: 'unreachable', reason: 'ENOTFOUND' }) }),
    expected: { callback: 'fail' },
    says: { callback: /\(ENOTFOUND\).*MUSTER_PUBLIC_URL/ },
  },
  {
    what: 'a callback that somebody else answers',
    facts: given({ callback: tripping({ kind: 'refused', status: 403 }) }),
    expected: { callback: 'fail' },
    says: { callback: /refuses.*Another installation/ },
  },
  {
    what: 'a callback that a proxy keeps for itself',
    facts: given({ callback: tripping({ kind: 'refused', status: 302 }) }),
    expected: { callback: 'fail' },
    says: { callback: /status 302.*proxy pass \/callback\/wecom\// },
  },
  {
    what: 'a callback that answers with a page',
    facts: given({ callback: tripping({ kind: 'changed' }) }),
    expected: { callback: 'fail' },
    says: { callback: /another text than was encrypted/ },
  },
  {
    what: 'half a callback',
    facts: given({ callback: { ...tripping({ kind: 'changed' }), hasAesKey: false, trips: [] } }),
    expected: { callback: 'fail' },
    says: { callback: /EncodingAESKey is missing/ },
  },
  {
    what: 'a callback of a connection without corpId',
    facts: given({ callback: { ...tripping({ kind: 'changed' }), trips: [] } }),
    expected: { callback: 'skipped' },
  },
  {
    what: 'a sign-in domain that WeCom trusts, and a file that is served',
    facts: given({
      connection: { usesSignIn: true, verificationFiles: ['WW_verify_a1.txt'] },
      app: { agent: answered({ ...agent, redirectDomain: 'muster.corp.example' }) },
    }),
    expected: {},
    says: {
      'sign-in-domain': /授权回调域 has to be muster\.corp\.example as well/,
      'verification-file': /https:\/\/muster\.corp\.example\/WW_verify_a1\.txt/,
    },
  },
  {
    what: 'a sign-in domain that WeCom does not tell',
    facts: given({ connection: { usesSignIn: true } }),
    expected: { 'sign-in-domain': 'skipped', 'verification-file': 'skipped' },
  },
  ...['', 'other.corp.example', 'muster.corp.example:8443'].map((redirectDomain) => ({
    what: `a sign-in domain where WeCom trusts “${redirectDomain}”`,
    facts: given({ connection: { usesSignIn: true }, app: { agent: answered({ ...agent, redirectDomain }) } }),
    expected: { 'sign-in-domain': 'warn', 'verification-file': 'skipped' } as const,
    says: { 'sign-in-domain': /网页授权及JS-SDK → 可信域名/ },
  })),
  ...['http://localhost:8080', 'https://192.0.2.7', 'https://[2001:db8::1]:8443'].map((address) => ({
    what: `a public address that WeCom cannot trust: ${address}`,
    facts: given({ connection: { usesSignIn: true, returnsTo: new URL(address) } }),
    expected: { 'sign-in-domain': 'warn', 'verification-file': 'skipped' } as const,
    says: { 'sign-in-domain': /MUSTER_PUBLIC_URL/ },
  })),
  {
    what: 'a sign-in domain that cannot be asked for, because the address is not trusted',
    facts: {
      ...stoppedAfterToken(refused('WECOM_ADDRESS_NOT_TRUSTED', 60020)),
      connection: { ...healthy.connection, usesSignIn: true },
    },
    expected: {
      address: 'fail',
      app: 'skipped',
      'visible-range': 'skipped',
      departments: 'skipped',
      member: 'skipped',
      'sign-in-domain': 'skipped',
      'verification-file': 'skipped',
    },
  },
]

for (const { what, facts, expected, says = {} } of situations) {
  test(`${what} is reported as such`, () => {
    const checks = diagnose(facts)

    const unusual = Object.fromEntries(
      checks.flatMap(({ name, result }) => (result === 'pass' ? [] : [[name, result]])),
    )
    const wanted = Object.fromEntries(Object.entries(expected).filter(([, result]) => result !== 'pass'))
    assert.deepEqual(unusual, wanted)
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

test('each field that WeCom withholds is named with what follows, and nobody’s data is', () => {
  const { mobile, gender, email, bizMail, avatar, directLeaders, ...rest } = everyField
  const cases: readonly [Member, RegExp][] = [
    [rest, /mobile, gender, email, biz_mail, avatar, direct_leader: .*userid@wecom\.local/],
    [{ ...everyField, email: undefined }, /withholds email: e-mail addresses come from biz_mail only/],
    [{ ...everyField, bizMail: undefined }, /withholds biz_mail: .* from email only/],
    [{ ...everyField, name: undefined }, /withholds name: userids take the place/],
  ]
  for (const [member, pattern] of cases) {
    const check = diagnose(given({ sample: answered(member) })).find(({ name }) => name === 'member')

    assert.equal(check?.result, 'warn')
    assert.match(check.detail.en, pattern)
    assert.ok(![mobile!, email!, '张三', 'zhangsan'].some((text) => JSON.stringify(check).includes(text)))
  }
  assert.equal(fieldsOf(rest)['gender'], 'withheld')
  assert.equal(fieldsOf(everyField)['avatar'], 'empty')
  assert.ok(gender && bizMail && avatar === '' && directLeaders)
})

test('the address that WeCom saw is known whoever met it', () => {
  assert.equal(observedAddress(stoppedAfterToken(refused('WECOM_ADDRESS_NOT_TRUSTED', 60020))), '203.0.113.7')
  assert.equal(observedAddress(healthy), undefined)
})

function stoppedWithContactsSecret(): Facts {
  const answer = refused('WECOM_CONTACTS_ADDRESS_NEW', 48009)
  return given({ app: { agent: refused('WECOM_API_FORBIDDEN', 48002) }, departments: answer, sample: notAsked })
}

/** The checks that need WeCom and an app. */
function everythingOf(result: Check['result']): Partial<Record<CheckName, Check['result']>> {
  const names = ['token', 'address', 'clock', 'app', 'visible-range', 'departments', 'member'] as const
  return Object.fromEntries(names.map((name) => [name, result]))
}

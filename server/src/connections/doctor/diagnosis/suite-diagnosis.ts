/**
 * What the doctor's facts mean for a delegated or a provider connection, as diagnosis.ts says it for a self-built one: a
 * table of checks, each reported once, by the one it belongs to. Pure. The asking is suite-doctor.ts.
 */
import type { Member } from '@muster/wecom'
import type { Text } from '../../../errors.ts'
import { TITLES as OWN_TITLES, type ConnectionFacts, type DepartmentsSeen, type Facts } from './diagnosis.ts'
import { memberVerdict } from './field-diagnosis.ts'
import {
  callback,
  clockVerdict,
  leavers,
  noDomain,
  organization,
  syncOwner,
  verificationFile,
} from './own-diagnosis.ts'
import {
  checksOf,
  duration,
  failure,
  needs,
  notTrusted,
  pass,
  plural,
  skipped,
  type Asked,
  type Check,
  type Trouble,
  type Verdict,
} from './verdicts.ts'

export interface SuiteFacts extends Pick<Facts, 'organization' | 'syncOwner' | 'clockAheadMs' | 'callback'> {
  readonly connection: Pick<
    ConnectionFacts,
    'identifier' | 'usesSignIn' | 'returnsTo' | 'verificationFiles' | 'usesSync' | 'onlyHere' | 'syntheticEmailDomain'
  > & {
    readonly kind: 'delegated' | 'service_provider'
    /** Fields without which the suite cannot be asked. */
    readonly missing: readonly string[]
    readonly hasProviderSecret: boolean
  }
  /** Of the newest ticket, since it came; null when there never was one. */
  readonly ticketAgeMs: number | null
  readonly suite: Asked<true>
  readonly provider: Asked<true>
  /** How many have authorised; of some of them it was asked. */
  readonly authorized: number
  readonly companies: readonly CompanyFacts[]
  /** Of the first company of a delegated connection; null when nobody was found. */
  readonly sample: Asked<Member | null>
  /** Milliseconds since 1970. */
  readonly now: number
}

export interface CompanyFacts {
  readonly name: string
  readonly agentId: number | null
  readonly expiresAt: number | null
  /** What it has authorised, asked with the token of the suite. */
  readonly authorisation: Asked<true>
  /** Asked with its permanent code, of a delegated connection. */
  readonly token: Asked<true>
  readonly departments: Asked<DepartmentsSeen>
}

/** In the order in which they are reported. Names are promises. */
const TITLES = {
  settings: OWN_TITLES.settings,
  ticket: { en: 'Suite ticket', zh: 'suite_ticket' },
  'suite-token': { en: 'Suite secret', zh: '套件 Secret' },
  'provider-token': { en: 'Provider secret', zh: 'ProviderSecret' },
  address: OWN_TITLES.address,
  clock: OWN_TITLES.clock,
  companies: { en: 'Authorised companies', zh: '已授权企业' },
  editions: { en: 'Editions', zh: '版本有效期' },
  departments: OWN_TITLES.departments,
  member: OWN_TITLES.member,
  'sync-owner': OWN_TITLES['sync-owner'],
  leavers: OWN_TITLES.leavers,
  organization: OWN_TITLES.organization,
  callback: OWN_TITLES.callback,
  'sign-in-domain': OWN_TITLES['sign-in-domain'],
  'verification-file': OWN_TITLES['verification-file'],
} as const satisfies Record<string, Text>

export type SuiteCheckName = keyof typeof TITLES

/** One rule for each check; undefined leaves it out, because the connection does not use what it is about. */
const RULES: Readonly<Record<SuiteCheckName, (facts: SuiteFacts) => Verdict | undefined>> = {
  settings,
  ticket,
  'suite-token': suiteToken,
  'provider-token': (facts) => (facts.connection.hasProviderSecret ? providerToken(facts) : undefined),
  address,
  clock: (facts) =>
    facts.clockAheadMs === null ? (upstream(facts, 'clock') ?? clockVerdict(null)) : clockVerdict(facts.clockAheadMs),
  companies,
  editions,
  departments: ofDelegated(departments),
  member: ofDelegated(member),
  'sync-owner': ofDelegated(syncOwner),
  leavers: ofDelegated(leavers),
  organization,
  callback,
  'sign-in-domain': (facts) => (facts.connection.usesSignIn ? signInDomain(facts) : undefined),
  'verification-file': ({ connection }) => (connection.usesSignIn ? verificationFile(connection) : undefined),
}

export function diagnoseSuite(facts: SuiteFacts): Check[] {
  return checksOf(TITLES, RULES, facts)
}

export function addressSeen(facts: SuiteFacts): string | undefined {
  return troubles(facts).find(({ observedAddress }) => observedAddress !== undefined)?.observedAddress
}

/** What is about the address book of companies: a provider's app is for signing in only. */
function ofDelegated(rule: (facts: SuiteFacts) => Verdict): (facts: SuiteFacts) => Verdict | undefined {
  return (facts) => (facts.connection.kind === 'delegated' ? rule(facts) : undefined)
}

// ---- The suite ------------------------------------------------------------------------------------------------------

const CONSOLE: Text = {
  en: 'the provider console (服务商后台 → 应用管理 → the app or template)',
  zh: '服务商后台（应用管理 → 应用或模板详情）',
}

function settings({ connection: { missing } }: SuiteFacts): Verdict {
  if (missing.length === 0) {
    return pass({ en: 'Everything that the suite needs.', zh: '套件所需的内容均已填写。' })
  }
  return {
    result: 'fail',
    detail: { en: 'WeCom cannot be asked yet.', zh: '暂时无法调用企业微信。' },
    remedy: {
      en: `Enter ${missing.join(', ')}, as shown in ${CONSOLE.en}.`,
      zh: `请填写 ${missing.join('、')}，见${CONSOLE.zh}。`,
    },
  }
}

const TICKET_GOOD_FOR_MS = 30 * 60_000
/** WeCom sends one every ten minutes. */
const TICKET_LATE_MS = 15 * 60_000

function ticket(facts: SuiteFacts): Verdict {
  const { ticketAgeMs: age, connection } = facts
  if (connection.missing.length > 0) return because('settings')
  const remedy: Text = {
    en: `Check the command callback (指令回调 URL), its Token and EncodingAESKey in ${CONSOLE.en}; “刷新 Ticket” there sends one at once.`,
    zh: `请在${CONSOLE.zh}核对“指令回调 URL”、Token 与 EncodingAESKey；点击“刷新 Ticket”可立即推送一次。`,
  }
  if (age === null) {
    return {
      result: 'fail',
      detail: {
        en: 'WeCom has never sent one. It does so every ten minutes to the command callback.',
        zh: '从未收到。企业微信每十分钟向“指令回调 URL”推送一次。',
      },
      remedy,
    }
  }
  const ago = duration(age)
  if (age < TICKET_LATE_MS) {
    return pass({ en: `The newest came ${ago.en} ago.`, zh: `最近一次收到于 ${ago.zh}前。` })
  }
  const isDead = age >= TICKET_GOOD_FOR_MS
  return {
    result: isDead ? 'fail' : 'warn',
    detail: {
      en: `The newest came ${ago.en} ago, and WeCom sends one every ten minutes.${isDead ? ' It is not good any more.' : ''}`,
      zh: `最近一次收到于 ${ago.zh}前，而企业微信每十分钟推送一次。${isDead ? '该 ticket 已失效。' : ''}`,
    },
    remedy,
  }
}

function suiteToken(facts: SuiteFacts): Verdict {
  const { suite, connection } = facts
  if (connection.missing.length > 0) return because('settings')
  if (suite.kind === 'not-asked') return because('ticket')
  if (suite.kind === 'answered') return pass({ en: 'WeCom gave a token for it.', zh: '已获取 suite_access_token。' })
  const subject = subjectOf(suite.trouble)
  if (subject !== undefined && subject !== 'suite-token') return because(subject)
  return {
    ...failure(suite.trouble),
    remedy: isAboutSecret(suite.trouble)
      ? {
          en: `Copy SuiteID and Secret again from ${CONSOLE.en}. Saving them has them asked again.`,
          zh: `请从${CONSOLE.zh}重新复制 SuiteID 与 Secret。保存后会重新验证。`,
        }
      : suite.trouble.remedy,
  }
}

function providerToken({ provider }: SuiteFacts): Verdict {
  if (provider.kind === 'not-asked') return because('settings')
  if (provider.kind === 'answered') {
    return pass({ en: 'WeCom gave a token for it.', zh: '已获取 provider_access_token。' })
  }
  const subject = subjectOf(provider.trouble)
  if (subject !== undefined && subject !== 'provider-token') return because(subject)
  return {
    ...failure(provider.trouble),
    remedy: isAboutSecret(provider.trouble)
      ? {
          en: 'Copy CorpID and ProviderSecret again from 服务商后台 → 服务商信息. Saving them has them asked again.',
          zh: '请从“服务商后台 → 服务商信息”重新复制 CorpID 与 ProviderSecret。保存后会重新验证。',
        }
      : provider.trouble.remedy,
  }
}

function address(facts: SuiteFacts): Verdict {
  const refused = troubles(facts).find(({ code }) => code === 'WECOM_ADDRESS_NOT_TRUSTED')
  if (refused !== undefined) {
    const { observedAddress: seen } = refused
    return notTrusted(refused, {
      en: `Add ${seen ?? 'the public address of this server'} to the IP 白名单 in ${CONSOLE.en}, and wait a minute.`,
      zh: `请在${CONSOLE.zh}的“IP 白名单”中添加 ${seen ?? '本服务器的公网 IP'}，约一分钟后生效。`,
    })
  }
  const isTaken = [facts.suite, facts.provider, ...facts.companies.map(({ departments: list }) => list)].some(
    ({ kind }) => kind === 'answered',
  )
  if (isTaken) return pass({ en: 'WeCom takes calls from this server.', zh: '企业微信接受来自本服务器的调用。' })
  return upstream(facts, 'address') ?? because('suite-token')
}

// ---- The companies --------------------------------------------------------------------------------------------------

const AUTHORISE_AGAIN: Text = {
  en: 'Have an administrator of the company authorise the app again, or reset its secret in the provider console.',
  zh: '请由该企业管理员重新授权，或在服务商后台重置该应用的 Secret。',
}

function companies(facts: SuiteFacts): Verdict {
  const { authorized, companies: asked, connection } = facts
  if (authorized === 0) {
    return {
      result: 'warn',
      detail: { en: 'No company authorises the app now.', zh: '目前没有企业授权此应用。' },
      remedy: {
        en: `Invite one: Connections → ${connection.identifier} → Companies in the console.`,
        zh: `请邀请企业授权：控制台“连接 → ${connection.identifier} → 授权企业”。`,
      },
    }
  }
  const blocked = upstream(facts, 'companies')
  if (blocked !== undefined) return blocked
  const refused = asked.flatMap((company) => {
    const trouble = [company.authorisation, company.token, company.departments].find(
      (one) => one.kind === 'failed' && subjectOf(one.trouble) === undefined,
    )
    return trouble?.kind === 'failed' ? [{ company, trouble: trouble.trouble }] : []
  })
  const [first] = refused
  if (first !== undefined) {
    const others = refused.length - 1
    return {
      ...failure(first.trouble),
      detail: {
        en: `“${first.company.name}”${others === 0 ? '' : ` and ${plural(others, 'other')}`}: ${first.trouble.detail.en}`,
        zh: `“${first.company.name}”${others === 0 ? '' : `等 ${refused.length} 个企业`}：${first.trouble.detail.zh}`,
      },
      remedy: isAboutSecret(first.trouble) ? AUTHORISE_AGAIN : first.trouble.remedy,
    }
  }
  const without = connection.kind === 'delegated' ? asked.filter(({ agentId }) => agentId === null) : []
  if (without.length > 0) {
    return {
      result: 'warn',
      detail: {
        en: `“${without[0]!.name}”${without.length === 1 ? '' : ` and ${plural(without.length - 1, 'other')}`}: WeCom names no app of ours there, so nobody can sign in.`,
        zh: `“${without[0]!.name}”${without.length === 1 ? '' : `等 ${without.length} 个企业`}：企业微信未返回其中的应用，无法登录。`,
      },
      remedy: {
        en: `Put the app of that company online in ${CONSOLE.en}.`,
        zh: `请在${CONSOLE.zh}将该企业的应用上线。`,
      },
    }
  }
  const some: Text =
    asked.length === authorized
      ? { en: '', zh: '' }
      : {
          en: ` ${plural(asked.length, 'company', 'companies')} of them were asked.`,
          zh: `其中 ${asked.length} 个已检查。`,
        }
  return pass({
    en: `${plural(authorized, 'company', 'companies')}, and WeCom confirms what they authorised.${some.en}`,
    zh: `${authorized} 个企业，授权均有效。${some.zh}`,
  })
}

const SOON_MS = 14 * 24 * 3_600_000

function editions({ companies: asked, now }: SuiteFacts): Verdict | undefined {
  const ending = asked
    .filter(({ expiresAt }) => expiresAt !== null && expiresAt - now < SOON_MS)
    .toSorted((one, other) => one.expiresAt! - other.expiresAt!)
  const [first] = ending
  if (first === undefined) {
    return asked.some(({ expiresAt }) => expiresAt !== null)
      ? pass({ en: 'None ends within two weeks.', zh: '两周内没有版本到期。' })
      : undefined
  }
  const isOver = first.expiresAt! <= now
  const time = duration(Math.abs(first.expiresAt! - now))
  return {
    result: 'warn',
    detail: {
      en: `That of “${first.name}” ${isOver ? `ended ${time.en} ago` : `ends in ${time.en}`}${ending.length === 1 ? '' : `, and ${plural(ending.length - 1, 'other')} soon`}.`,
      zh: `“${first.name}”的版本${isOver ? `已于 ${time.zh}前到期` : `将于 ${time.zh}后到期`}${ending.length === 1 ? '' : `，另有 ${ending.length - 1} 个即将到期`}。`,
    },
    remedy: {
      en: 'Have it renewed in WeCom, or its people can no longer sign in and be read.',
      zh: '请在企业微信中续期，否则其成员将无法登录，通讯录也无法读取。',
    },
  }
}

/** In the console of the company: an app that it has authorised is not among those that it made itself. */
const RANGE_PAGE: Text = { en: '应用管理 → the app → 可见范围', zh: '应用管理 → 应用详情 → 可见范围' }

function departments(facts: SuiteFacts): Verdict {
  // With its permanent code a company is read without the suite.
  const read = facts.companies.flatMap(({ name, departments: list }) =>
    list.kind === 'answered' ? [{ name, ...list.value }] : [],
  )
  if (read.length === 0) return upstream(facts, 'departments') ?? because('companies')
  const count = read.reduce((sum, { departments: list }) => sum + list.length, 0)
  const odd = read.find(({ departments: list, unreadable }) => list.length === 0 || unreadable > 0)
  if (odd !== undefined) {
    return {
      result: 'warn',
      detail:
        odd.unreadable > 0
          ? {
              en: `“${odd.name}” has ${odd.unreadable} that cannot be understood. Runs will be incomplete and remove nobody.`,
              zh: `“${odd.name}”有 ${odd.unreadable} 个部门无法解析。同步将不完整，且不会移除任何人。`,
            }
          : { en: `“${odd.name}” shows none.`, zh: `“${odd.name}”没有可见的部门。` },
      remedy: {
        en: `Have its administrator check the visible range of the app: ${RANGE_PAGE.en}.`,
        zh: `请由该企业管理员检查应用的可见范围：${RANGE_PAGE.zh}。`,
      },
    }
  }
  return pass({
    en: `${plural(count, 'department')} of ${plural(read.length, 'company', 'companies')}.`,
    zh: `${read.length} 个企业，共 ${count} 个部门。`,
  })
}

/** An app of a template may read of a member what the company has granted it (wecom-api.md). */
const grantedByCompany: Text = {
  en: 'Nothing, if you can do without. The administrator of each company grants its app the fields one by one.',
  zh: '如不需要这些字段则无需操作。应用可读取的字段由各企业的管理员逐项授权。',
}

function member({ sample, connection, ...facts }: SuiteFacts): Verdict {
  if (sample.kind === 'answered') {
    const verdict = memberVerdict(sample.value, connection, RANGE_PAGE)
    return verdict.result === 'warn' && sample.value !== null ? { ...verdict, remedy: grantedByCompany } : verdict
  }
  if (sample.kind === 'not-asked' || subjectOf(sample.trouble) !== undefined) {
    return facts.authorized === 0 ? because('companies') : because('departments')
  }
  return failure(sample.trouble)
}

// ---- On our side ----------------------------------------------------------------------------------------------------

/** WeCom tells nobody which domains a suite has, so this says what they have to be. */
function signInDomain({ connection: { returnsTo, kind } }: SuiteFacts): Verdict {
  const unfit = noDomain(returnsTo)
  if (unfit !== undefined) return unfit
  const pages: Text =
    kind === 'delegated'
      ? {
          en: '企业微信授权登录 → 授权回调域 and 网页授权及JS-SDK → 可信域名 of the app in each company',
          zh: '每个企业中应用的“企业微信授权登录 → 授权回调域”与“网页授权及JS-SDK → 可信域名”',
        }
      : {
          en: '登录授权 → 授权回调域 and 登录发起域, and for the workbench 可信域名, in the provider console',
          zh: '服务商后台的“登录授权 → 授权回调域、登录发起域”，以及工作台登录所需的“可信域名”',
        }
  return skipped({
    en: `WeCom does not tell it: ${pages.en} have to be ${returnsTo.host}. Sign in once.`,
    zh: `企业微信不提供查询：${pages.zh}须为 ${returnsTo.host}。请实际登录一次确认。`,
  })
}

// ---- Whose problem it is --------------------------------------------------------------------------------------------

/** The check that reports a problem, where that is not the one that met it. */
function subjectOf({ code, credential, kind }: Trouble): SuiteCheckName | undefined {
  if (code === 'WECOM_ADDRESS_NOT_TRUSTED') return 'address'
  if (code === 'WECOM_NO_TICKET' || code === 'WECOM_SUITE_TICKET_REJECTED') return 'ticket'
  if (kind !== 'credential' || code === 'WECOM_AUTHORIZATION_GONE') return undefined
  if (credential === 'suite') return 'suite-token'
  return credential === 'provider' ? 'provider-token' : undefined
}

function isAboutSecret({ kind }: Trouble): boolean {
  return kind === 'credential'
}

function troubles({ suite, provider, companies: asked, sample }: SuiteFacts): Trouble[] {
  const ofCompanies = asked.flatMap(({ authorisation, token, departments: list }) => [authorisation, token, list])
  return [suite, provider, ...ofCompanies, sample].flatMap((one) => (one.kind === 'failed' ? [one.trouble] : []))
}

/** Why nothing of a company could be asked, when that lies before it. */
function upstream(facts: SuiteFacts, own: SuiteCheckName): Verdict | undefined {
  if (facts.connection.missing.length > 0) return because('settings')
  if (facts.suite.kind === 'answered') return undefined
  if (facts.suite.kind === 'not-asked') return because('ticket')
  const subject = subjectOf(facts.suite.trouble) ?? 'suite-token'
  return subject === own ? undefined : because(subject)
}

function because(name: SuiteCheckName): Verdict {
  return needs(TITLES[name])
}

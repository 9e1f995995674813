/**
 * What the doctor's facts mean: a table of checks, each of which looks at what was asked and says pass, warn, fail or
 * skipped, and what to do in WeCom's console. Pure. The asking is doctor.ts.
 *
 * A problem is reported once, by the check it belongs to: an untrusted address fails `address`, and whatever could not
 * be asked because of it is skipped and says so.
 */
import type { AgentInfo, Department, Member } from '@muster/wecom'
import type { Text } from '../../../errors.ts'
import type { CallbackFacts } from './callback-diagnosis.ts'
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

export interface Facts {
  readonly connection: ConnectionFacts
  readonly organization: OrganizationFacts
  /** The connection of the organization that has sync switched on, this one or another. */
  readonly syncOwner: { readonly identifier: string; readonly displayName: string; readonly isThis: boolean } | null
  /** What was asked with the Secret of the app. */
  readonly app: { readonly token: Asked<true>; readonly agent: Asked<AgentInfo> }
  /** What was asked with the secret of 通讯录同步. */
  readonly contacts: { readonly token: Asked<true>; readonly ids: Asked<IdsSeen>; readonly details: Asked<true> }
  /** Asked with the credential that reads the address book: the app's, else that of 通讯录同步. */
  readonly departments: Asked<DepartmentsSeen>
  /** Null when nobody was found in the few places that were looked at. */
  readonly sample: Asked<Member | null>
  /** By how much our clock is ahead of WeCom's; null when no answer named a time. */
  readonly clockAheadMs: number | null
  /** null: the connection has no callback. */
  readonly callback: CallbackFacts | null
}

/** What is known without asking WeCom. */
export type OwnFacts = Pick<Facts, 'connection' | 'organization' | 'syncOwner' | 'callback'>

export interface ConnectionFacts {
  readonly identifier: string
  readonly corpId: string | null
  readonly agentId: number | null
  readonly hasSecret: boolean
  readonly hasContactsSecret: boolean
  readonly usesSignIn: boolean
  /** The origin that WeCom sends people back to. */
  readonly returnsTo: URL
  /** Names of the files that are served for it. */
  readonly verificationFiles: readonly string[]
  readonly usesSync: boolean
  readonly onlyHere: 'ignore' | 'disable' | 'delete'
  readonly syntheticEmailDomain: string
}

export interface OrganizationFacts {
  readonly name: string
  readonly users: number
  /** Links through this connection. */
  readonly linkedUsers: number
}

export interface DepartmentsSeen {
  readonly departments: readonly Department[]
  /** Rows without a usable id or parent. */
  readonly unreadable: number
}

export interface IdsSeen {
  readonly people: number
  readonly departments: number
  /** There are more pages than the first one. */
  readonly isFirstPageOnly: boolean
}

/** In the order in which they are reported. Names are promises. */
export const TITLES = {
  settings: { en: 'What was entered', zh: '已填写的内容' },
  token: { en: 'App secret', zh: '应用 Secret' },
  'contacts-token': { en: 'Contacts secret', zh: '通讯录同步 Secret' },
  address: { en: 'Trusted address', zh: '可信 IP' },
  clock: { en: 'Clock', zh: '时钟' },
  app: { en: 'App enabled', zh: '应用状态' },
  'visible-range': { en: 'Visible range', zh: '可见范围' },
  departments: { en: 'Departments', zh: '部门' },
  member: { en: 'A sample member', zh: '成员示例' },
  ids: { en: 'List of ids', zh: '成员 ID 列表' },
  'sync-owner': { en: 'Owner of sync', zh: '同步归属' },
  leavers: { en: 'Leavers', zh: '离职处理' },
  organization: { en: 'Organization', zh: '组织' },
  callback: { en: 'Callback', zh: '回调' },
  'sign-in-domain': { en: 'Sign-in domain', zh: '登录域名' },
  'verification-file': { en: 'Verification file', zh: '域名校验文件' },
} as const satisfies Record<string, Text>

export type CheckName = keyof typeof TITLES

/** One rule for each check; undefined leaves it out, because the connection does not use what it is about. */
const RULES: Readonly<Record<CheckName, (facts: Facts) => Verdict | undefined>> = {
  settings,
  token: ({ connection, app }) => credential('token', app.token, connection),
  'contacts-token': ({ connection, contacts }) =>
    connection.hasContactsSecret ? credential('contacts-token', contacts.token, connection) : undefined,
  address,
  clock,
  app,
  'visible-range': visibleRange,
  departments,
  member,
  ids: (facts) => (facts.connection.hasContactsSecret ? ids(facts) : undefined),
  'sync-owner': syncOwner,
  leavers,
  organization,
  callback,
  'sign-in-domain': (facts) => (facts.connection.usesSignIn ? signInDomain(facts) : undefined),
  'verification-file': ({ connection }) => (connection.usesSignIn ? verificationFile(connection) : undefined),
}

export function diagnose(facts: Facts): Check[] {
  return checksOf(TITLES, RULES, facts)
}

export function observedAddress(facts: Facts): string | undefined {
  return troubles(facts).find((trouble) => trouble.observedAddress !== undefined)?.observedAddress
}

// ---- The credential -------------------------------------------------------------------------------------------------

function settings({ connection }: Facts): Verdict {
  const { corpId, agentId, hasSecret, hasContactsSecret } = connection
  const missing: Text[] = [
    ...(corpId === null
      ? [{ en: 'corpId (我的企业 → 企业信息, 企业ID)', zh: 'corpId（我的企业 → 企业信息 → 企业ID）' }]
      : []),
    ...(hasSecret || hasContactsSecret
      ? []
      : [
          {
            en: 'secret (应用管理 → 自建 → the app, Secret) with agentId beside it',
            zh: 'secret（应用管理 → 自建 → 应用详情 → Secret）及同页的 agentId',
          },
        ]),
  ]
  if (missing.length > 0) {
    return {
      result: 'fail',
      detail: { en: 'WeCom cannot be asked yet.', zh: '暂时无法调用企业微信。' },
      remedy: {
        en: `Enter ${missing.map(({ en }) => en).join(' and ')}.`,
        zh: `请填写 ${missing.map(({ zh }) => zh).join('和 ')}。`,
      },
    }
  }
  if (!hasSecret) {
    return {
      result: 'warn',
      detail: {
        en: 'Only the secret of 通讯录同步. From a new address WeCom shows it ids, but no names.',
        zh: '仅填写了通讯录同步的 Secret。在新 IP 上它只能读取 ID，不能读取姓名。',
      },
      remedy: {
        en: 'Enter agentId and secret of a self-built app: 应用管理 → 自建 → the app.',
        zh: '请填写自建应用的 agentId 和 secret：应用管理 → 自建 → 应用详情。',
      },
    }
  }
  if (agentId === null) {
    return {
      result: 'warn',
      detail: {
        en: 'Without agentId the people who were added one by one to the visible range cannot be found.',
        zh: '未填写 agentId，无法得知可见范围中单独添加的成员。',
      },
      remedy: {
        en: 'Enter agentId: 应用管理 → 自建 → the app, AgentId.',
        zh: '请填写 agentId：应用管理 → 自建 → 应用详情 → AgentId。',
      },
    }
  }
  return pass({ en: 'CorpId, AgentId and Secret.', zh: '企业 ID、AgentId 与 Secret 均已填写。' })
}

function credential(name: 'token' | 'contacts-token', token: Asked<true>, connection: ConnectionFacts): Verdict {
  const isApp = name === 'token'
  if (isApp && connection.corpId !== null && !connection.hasSecret && connection.hasContactsSecret) {
    return skipped({ en: 'No Secret of an app was entered.', zh: '未填写应用 Secret。' })
  }
  if (token.kind === 'not-asked') return because('settings')
  if (token.kind === 'answered') {
    return pass({ en: 'WeCom gave a token for it.', zh: '已获取 access_token。' })
  }
  const { trouble } = token
  const subject = subjectOf(trouble)
  if (subject !== undefined && subject !== name) return because(subject)
  return { ...failure(trouble), remedy: credentialRemedy(trouble, isApp) }
}

/** Where exactly the right value is, which the client cannot know: it does not see whose secret it was given. */
function credentialRemedy({ code, kind, remedy }: Trouble, isApp: boolean): Text {
  if (kind === 'frequency') {
    return {
      en: 'WeCom may have blocked this address, for an hour, after many wrong secrets from it. Wait, and look for other programs that ask with an old one.',
      zh: '该 IP 可能因多次使用错误的 Secret 被企业微信封禁一小时。请稍候，并检查是否有其他程序仍在使用旧 Secret。',
    }
  }
  if (code !== 'WECOM_SECRET_REJECTED') return remedy
  return isApp
    ? {
        en: 'Copy the Secret again from 应用管理 → 自建 → the app, and check that corpId is the 企业ID of the same company. Saving it has it asked again; the one that was refused is not, because WeCom blocks the address for an hour after many wrong ones.',
        zh: '请从“应用管理 → 自建 → 应用详情”重新复制 Secret，并确认 corpId 为同一企业的企业ID。保存后会重新验证；已被拒绝的 Secret 不会反复尝试，否则企业微信会封禁该 IP 一小时。',
      }
    : {
        en: 'Copy the Secret again from 管理工具 → 通讯录同步, or remove contactsSecret: an app alone is enough. Saving it has it asked again; the one that was refused is not, because WeCom blocks the address for an hour after many wrong ones.',
        zh: '请从“管理工具 → 通讯录同步”重新复制 Secret，或清除 contactsSecret：仅用应用即可同步。保存后会重新验证；已被拒绝的 Secret 不会反复尝试，否则企业微信会封禁该 IP 一小时。',
      }
}

// ---- Where we call from ---------------------------------------------------------------------------------------------

function address(facts: Facts): Verdict {
  const refused = troubles(facts).find(({ code }) => code === 'WECOM_ADDRESS_NOT_TRUSTED')
  if (refused !== undefined) {
    const { observedAddress: seen } = refused
    const page =
      refused.credential === 'app'
        ? { en: '应用管理 → 自建 → the app → 企业可信IP', zh: '应用管理 → 自建 → 应用详情 → 企业可信IP' }
        : { en: '管理工具 → 通讯录同步 → 企业可信IP', zh: '管理工具 → 通讯录同步 → 企业可信IP' }
    return notTrusted(refused, {
      en: `Add ${seen ?? 'the public address of this server'} under ${page.en}, and wait a minute. WeCom wants a verified 可信域名 or 接收消息 URL of the app before it shows the setting.`,
      zh: `请在“${page.zh}”中添加 ${seen ?? '本服务器的公网 IP'}，约一分钟后生效。设置前须先为应用配置并验证可信域名或接收消息 URL。`,
    })
  }
  const later = [facts.app.agent, facts.departments, facts.contacts.ids, facts.contacts.details]
  // A token alone proves nothing: WeCom gives one to any address.
  if (later.some(({ kind }) => kind === 'answered')) {
    return pass({ en: 'WeCom takes calls from this server.', zh: '企业微信接受来自本服务器的调用。' })
  }
  return upstream(facts, 'address') ?? because('departments')
}

/** What does not depend on WeCom alone: applications that trust us refuse sign-ins signed in their future or past. */
function clock(facts: Facts): Verdict {
  return (facts.clockAheadMs === null ? upstream(facts, 'clock') : undefined) ?? clockVerdict(facts.clockAheadMs)
}

// ---- The app --------------------------------------------------------------------------------------------------------

function app(facts: Facts): Verdict {
  const disabled = troubles(facts).find(({ code }) => code === 'WECOM_APP_DISABLED')
  const { agent } = facts.app
  if (disabled !== undefined || (agent.kind === 'answered' && agent.value.isClosed === true)) {
    return {
      result: 'fail',
      wecomCode: disabled?.errcode,
      detail: {
        en: `The app is disabled${disabled === undefined ? '' : ` (${disabled.errcode})`}.`,
        zh: `应用已停用${disabled === undefined ? '' : `（${disabled.errcode}）`}。`,
      },
      remedy: {
        en: 'Enable it under 应用管理 → 自建 → the app.',
        zh: '请在“应用管理 → 自建 → 应用详情”中启用。',
      },
    }
  }
  if (agent.kind === 'answered') {
    const name = agent.value.name ?? ''
    return pass(
      name === ''
        ? { en: 'It is enabled.', zh: '应用已启用。' }
        : { en: `“${name}” is enabled.`, zh: `“${name}”已启用。` },
    )
  }
  const blocked = appUpstream(facts, 'app')
  if (blocked !== undefined) return blocked
  if (agent.kind === 'failed') {
    if (isContactsSecret(facts)) return because('departments')
    const { code, remedy } = agent.trouble
    const isMismatch = code === 'WECOM_AGENT_MISMATCH' || code === 'WECOM_AGENT_NOT_FOUND'
    return {
      ...failure(agent.trouble),
      remedy: isMismatch
        ? {
            en: 'Copy AgentId and Secret from the same page: 应用管理 → 自建 → the app.',
            zh: '请从同一页面复制 AgentId 与 Secret：应用管理 → 自建 → 应用详情。',
          }
        : remedy,
    }
  }
  return facts.departments.kind === 'answered'
    ? pass({ en: 'It is enabled; its name needs the agentId.', zh: '应用已启用（查看名称需要 agentId）。' })
    : because('departments')
}

const ROOT = 1
const rangePage: Text = {
  en: '应用管理 → 自建 → the app → 可见范围',
  zh: '应用管理 → 自建 → 应用详情 → 可见范围',
}

function visibleRange(facts: Facts): Verdict {
  const { agent } = facts.app
  if (agent.kind === 'failed') {
    return appUpstream(facts, 'visible-range') ?? because('app')
  }
  if (agent.kind === 'not-asked') {
    const blocked = appUpstream(facts, 'visible-range')
    if (blocked !== undefined) return blocked
    if (facts.departments.kind !== 'answered') return because('departments')
    return seesRoot(facts.departments.value.departments)
      ? pass({ en: 'The whole company.', zh: '整个企业。' })
      : narrowed(facts, {
          en: 'The root department is not in it. What is in it cannot be counted without the agentId.',
          zh: '不包含根部门。未填写 agentId，无法统计其内容。',
        })
  }
  const { allowedDepartmentIds, allowedUserids, allowedTagIds } = agent.value
  const [departments_, people, tags] = [allowedDepartmentIds.length, allowedUserids.length, allowedTagIds.length]
  if (departments_ + people + tags === 0) {
    return {
      result: 'fail',
      detail: { en: 'It is empty: the app sees nobody.', zh: '可见范围为空：应用看不到任何人。' },
      remedy: {
        en: `Choose the departments to synchronise under ${rangePage.en}; for the whole company, the root department.`,
        zh: `请在“${rangePage.zh}”中选择要同步的部门；同步整个企业请选择根部门。`,
      },
    }
  }
  const counted: Text = {
    en: [
      plural(departments_, 'department'),
      plural(people, 'single person', 'single people'),
      plural(tags, 'tag'),
    ].join(', '),
    zh: `部门 ${departments_} 个，单独成员 ${people} 人，标签 ${tags} 个`,
  }
  const hasRoot = allowedDepartmentIds.includes(ROOT)
  if (hasRoot) {
    return pass({ en: `The whole company (${counted.en}).`, zh: `整个企业（${counted.zh}）。` })
  }
  return narrowed(facts, {
    en: `The root department is not in it: ${counted.en}.`,
    zh: `不包含根部门：${counted.zh}。`,
  })
}

/** With the secret of 通讯录同步 beside it, the app is not the only witness of who there is. */
function narrowed({ connection }: Facts, detail: Text): Verdict {
  const follows: Text = connection.hasContactsSecret
    ? {
        en: 'Of everybody else only ids and departments are known, from 通讯录同步.',
        zh: '其他人只能通过通讯录同步获知 ID 与部门。',
      }
    : {
        en: 'Everybody else is not synchronised, and whoever is moved out of it looks like a leaver.',
        zh: '其他人不会被同步；被移出范围的成员看起来与离职相同。',
      }
  return {
    result: 'warn',
    detail: { en: `${detail.en} ${follows.en}`, zh: `${detail.zh}${follows.zh}` },
    remedy: {
      en: `Nothing, if that is what you want. For the whole company add the root department under ${rangePage.en}.`,
      zh: `如符合预期则无需操作。如需同步整个企业，请在“${rangePage.zh}”中添加根部门。`,
    },
  }
}

// ---- What can be read -----------------------------------------------------------------------------------------------

function departments(facts: Facts): Verdict {
  const asked = facts.departments
  if (asked.kind === 'not-asked') return upstream(facts, 'departments') ?? because('settings')
  if (asked.kind === 'failed') {
    const subject = subjectOf(asked.trouble)
    if (subject !== undefined) return because(subject)
    if (isContactsSecret(facts)) {
      return {
        ...failure(asked.trouble),
        detail: {
          en: 'The Secret is not that of an app but of 通讯录同步, which may read only ids from this address (48009).',
          zh: '所填 Secret 不是应用的，而是通讯录同步的；在此 IP 上它只能读取 ID（48009）。',
        },
        remedy: {
          en: 'Enter the Secret of a self-built app as secret (应用管理 → 自建 → the app). This one may be entered as contactsSecret.',
          zh: '请将自建应用的 Secret 填入 secret（应用管理 → 自建 → 应用详情）；当前的 Secret 可填入 contactsSecret。',
        },
      }
    }
    // Explained there, because it is about the secret and not about departments.
    if (asked.trouble.code === 'WECOM_CONTACTS_ADDRESS_NEW') return because('ids')
    return failure(asked.trouble)
  }
  const { departments: seen, unreadable } = asked.value
  const ids = new Set(seen.map(({ id }) => id))
  const roots = seen.filter(({ parentId }) => parentId === undefined || !ids.has(parentId)).length
  if (unreadable > 0) {
    return {
      result: 'warn',
      detail: {
        en: `${plural(seen.length, 'department')}, and ${unreadable} that cannot be understood. Runs will be incomplete and remove nobody.`,
        zh: `${seen.length} 个部门，另有 ${unreadable} 个无法解析。同步将不完整，且不会移除任何人。`,
      },
      remedy: {
        en: 'Open them once under 通讯录 and save them. If it stays, report it.',
        zh: '请在“通讯录”中打开这些部门并重新保存；如仍如此请反馈。',
      },
    }
  }
  if (seen.length === 0) {
    return {
      result: 'warn',
      detail: {
        en: 'None is visible. Only people who were added one by one can be read.',
        zh: '没有可见的部门，只能读取单独添加的成员。',
      },
      remedy: {
        en: `Add departments under ${rangePage.en}.`,
        zh: `请在“${rangePage.zh}”中添加部门。`,
      },
    }
  }
  return pass(
    roots === 1
      ? { en: `${plural(seen.length, 'department')} under one root.`, zh: `${seen.length} 个部门，一个顶层部门。` }
      : {
          en: `${plural(seen.length, 'department')} under ${roots} roots, which stand beside each other here.`,
          zh: `${seen.length} 个部门，${roots} 个顶层部门，在本系统中并列。`,
        },
  )
}

function member(facts: Facts): Verdict {
  const { sample } = facts
  if (sample.kind === 'not-asked') {
    const { departments: list } = facts
    const subject = list.kind === 'failed' ? subjectOf(list.trouble) : undefined
    return upstream(facts, 'member') ?? because(subject ?? 'departments')
  }
  if (sample.kind === 'failed') {
    const subject = subjectOf(sample.trouble)
    return subject === undefined ? failure(sample.trouble) : because(subject)
  }
  return memberVerdict(sample.value, facts.connection, rangePage)
}

function ids(facts: Facts): Verdict {
  const { connection, contacts } = facts
  if (contacts.ids.kind === 'not-asked') return upstream(facts, 'ids') ?? because('contacts-token')
  if (contacts.ids.kind === 'failed') {
    const subject = subjectOf(contacts.ids.trouble)
    return subject === undefined ? failure(contacts.ids.trouble) : because(subject)
  }
  const { people, departments: places, isFirstPageOnly } = contacts.ids.value
  const counted: Text = {
    en: `${isFirstPageOnly ? 'More than ' : ''}${plural(people, 'person', 'people')} in ${plural(places, 'department')} can be listed`,
    zh: `可列出 ${places} 个部门、${people} 人${isFirstPageOnly ? '以上' : ''}`,
  }
  const isNewAddress =
    contacts.details.kind === 'failed' && contacts.details.trouble.code === 'WECOM_CONTACTS_ADDRESS_NEW'
  if (!isNewAddress) {
    // Whatever else went wrong with the details is another check's to say.
    return pass({ en: `${counted.en} with 通讯录同步.`, zh: `通讯录同步${counted.zh}。` })
  }
  const explained: Text = {
    en: `${counted.en}, but ids only (48009): WeCom shows 通讯录同步 nothing else from an address it did not use before 2022-08-15, or not for 90 days.`,
    zh: `${counted.zh}，但只有 ID（48009）：若该 IP 在 2022-08-15 之前未使用过通讯录同步，或超过 90 天未使用，企业微信只允许其读取 ID。`,
  }
  if (connection.hasSecret) {
    return {
      ...pass({
        en: `${explained.en} That is as it should be; the app reads everything else.`,
        zh: `${explained.zh}这是正常的，其余信息由应用读取。`,
      }),
      wecomCode: 48009,
    }
  }
  return {
    result: 'warn',
    wecomCode: 48009,
    detail: {
      en: `${explained.en} New people are named by their userid and count as active; what is known of the others stays.`,
      zh: `${explained.zh}新成员以 userid 为姓名并视为在职，其余成员的资料保持不变。`,
    },
    remedy: {
      en: 'Nothing in the console lifts this. For names make a self-built app (应用管理 → 自建 → 创建应用) whose 可见范围 is the root department, and enter its agentId and secret.',
      zh: '管理后台无法解除此限制。如需姓名，请创建自建应用（应用管理 → 自建 → 创建应用），将可见范围设为根部门，并填写其 agentId 与 secret。',
    },
  }
}

// ---- On our side ----------------------------------------------------------------------------------------------------

/**
 * WeCom tells one trusted domain of an app, which is what signing in inside WeCom needs; the callback domain of scanning
 * cannot be asked for.
 */
function signInDomain(facts: Facts): Verdict {
  const { returnsTo } = facts.connection
  const { agent } = facts.app
  const scanning: Text = {
    en: `企业微信授权登录 → Web网页 → 授权回调域 has to be ${returnsTo.host} as well, which WeCom does not tell: sign in once.`,
    zh: `“企业微信授权登录 → Web网页 → 授权回调域”也须为 ${returnsTo.host}；企业微信不提供该设置的查询，请实际登录一次确认。`,
  }
  const page: Text = {
    en: `Enter ${returnsTo.host} under 应用管理 → 自建 → the app → 网页授权及JS-SDK → 可信域名.`,
    zh: `请在“应用管理 → 自建 → 应用详情 → 网页授权及JS-SDK → 可信域名”中填写 ${returnsTo.host}。`,
  }
  const unfit = noDomain(returnsTo)
  if (unfit !== undefined) return unfit
  if (agent.kind !== 'answered') {
    return agent.kind === 'not-asked'
      ? (appUpstream(facts, 'sign-in-domain') ?? because('settings'))
      : because(subjectOf(agent.trouble) ?? 'app')
  }
  const trusted = agent.value.redirectDomain
  if (trusted === undefined) {
    return skipped({
      en: `WeCom did not tell the trusted domain of the app. ${scanning.en}`,
      zh: `企业微信未返回应用的可信域名。${scanning.zh}`,
    })
  }
  if (trusted.toLowerCase() !== returnsTo.host) {
    return {
      result: 'warn',
      detail: {
        en: `People come back to ${returnsTo.host}, and WeCom names ${trusted === '' ? 'no trusted domain' : `${trusted} as the trusted domain`} of the app. Inside WeCom signing in ends with “redirect_uri 参数错误”, unless the app has further ones.`,
        zh: `登录返回 ${returnsTo.host}，而企业微信${trusted === '' ? '未返回该应用的可信域名' : `返回的应用可信域名为 ${trusted}`}。除非应用另有可信域名，在企业微信内登录会提示“redirect_uri 参数错误”。`,
      },
      remedy: { en: `${page.en} ${scanning.en}`, zh: `${page.zh}${scanning.zh}` },
    }
  }
  return pass({
    en: `${trusted} is the trusted domain of the app. ${scanning.en}`,
    zh: `应用的可信域名为 ${trusted}。${scanning.zh}`,
  })
}

// ---- Whose problem it is --------------------------------------------------------------------------------------------

/** The check that reports a problem, where that is not the one that met it. */
function subjectOf({ kind, code, credential: whose }: Trouble): CheckName | undefined {
  if (code === 'WECOM_ADDRESS_NOT_TRUSTED') return 'address'
  if (code === 'WECOM_AGENT_MISMATCH') return undefined
  if (kind !== 'credential') return undefined
  if (whose === 'contacts') return 'contacts-token'
  return code === 'WECOM_APP_DISABLED' ? 'app' : 'token'
}

function troubles({ app: { token, agent }, contacts, departments: list, sample }: Facts): Trouble[] {
  return [token, agent, contacts.token, contacts.ids, contacts.details, list, sample].flatMap((asked) =>
    asked.kind === 'failed' ? [asked.trouble] : [],
  )
}

/** Why a question was not asked, or not answered, when that lies before it. */
function upstream(facts: Facts, own: CheckName): Verdict | undefined {
  const {
    connection,
    app: { token },
    contacts,
  } = facts
  const usesContacts = own === 'ids' || !connection.hasSecret
  const [name, asked] = usesContacts ? (['contacts-token', contacts.token] as const) : (['token', token] as const)
  if (asked.kind === 'not-asked') return because('settings')
  if (asked.kind === 'answered') return undefined
  const subject = subjectOf(asked.trouble) ?? name
  return subject === own ? undefined : because(subject)
}

/** As `upstream`, for what only the Secret of an app can tell. */
function appUpstream(facts: Facts, own: CheckName): Verdict | undefined {
  const { connection } = facts
  if (connection.corpId !== null && !connection.hasSecret && connection.hasContactsSecret) return because('token')
  const { agent } = facts.app
  const subject = agent.kind === 'failed' ? subjectOf(agent.trouble) : undefined
  if (subject !== undefined && subject !== own) return because(subject)
  return upstream(facts, own)
}

/** Somebody entered the secret of 通讯录同步 as that of an app. */
function isContactsSecret({ connection, departments: list }: Facts): boolean {
  return connection.hasSecret && list.kind === 'failed' && list.trouble.code === 'WECOM_CONTACTS_ADDRESS_NEW'
}

function seesRoot(list: readonly Department[]): boolean {
  return list.some(({ id }) => id === ROOT)
}

function because(name: CheckName): Verdict {
  return needs(TITLES[name])
}

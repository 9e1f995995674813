/**
 * The credentials of a company: what kinds of principal exist (wecom-api.md §0.3), and what an administrator can set on
 * each. What a kind may see is decided in lens.ts, which calls it may make in the route tables.
 */

export const principalKinds = [
  'contacts-sync',
  'self-built-before-2022',
  'self-built',
  'system',
  'delegated',
  'third-party',
  'third-party-contacts',
  'upstream',
] as const

/**
 * | Kind | Who |
 * |---|---|
 * | contacts-sync | the contacts-sync assistant 通讯录同步助手: whole company, read-write or read-only |
 * | self-built-before-2022 | a self-built app created before 2022-06-20 20:00: sees sensitive fields |
 * | self-built | a self-built app created after that moment |
 * | system | a built-in app with its own secret (customer contact, calendar, …) |
 * | delegated | 代开发自建应用: the permanent code is its secret, ids are encrypted per provider |
 * | third-party | an ordinary third-party app: names are ids |
 * | third-party-contacts | a third-party contacts app 通讯录应用 |
 * | upstream | an upstream company that reads a downstream one 上下游 |
 */
export type PrincipalKind = (typeof principalKinds)[number]

/** 可见范围. The whole company when it contains the root department. */
export interface VisibleRange {
  departments: number[]
  members: string[]
  tags: number[]
}

export interface App {
  /** The contacts-sync assistant has no agentid on the wire; here it is 0. */
  readonly agentId: number
  name: string
  readonly kind: PrincipalKind
  /** For `delegated` and the third-party kinds this is the permanent code. */
  secret: string
  isEnabled: boolean
  range: VisibleRange
  /** Addresses that may call (60020 otherwise), `any` to switch the check off. */
  trustedAddresses: string[] | 'any'
  /**
   * Contacts-sync only: addresses from which it was used before the rule of 2022-08-15, which keep working while they are
   * used at least every 90 days. Everything else gets 48009. `any` stands for an old installation.
   */
  knownAddresses: string[] | 'any'
  /** Contacts-sync only: whether the assistant may edit or just read. */
  canWrite: boolean
  /**
   * 网页授权及JS-SDK 可信域名: hosts, with the port unless it is the usual one, that may receive codes. `any` switches the
   * check off.
   */
  trustedDomains: string[] | 'any'
  /** 授权回调域 of web login: more hosts, for the login pages only. */
  callbackDomains: string[]
  /** Member fields the administrator ticked: of delegated apps all, else those of `auth/getuserdetail`. Third-party: `leaders`. */
  grantedFields: string[]
  /** Delegated: folded userids of members who consented to sensitive fields. */
  consents: string[]
  /** Third-party and delegated: the right to all department ids (组织架构信息). */
  seesStructure: boolean
  /** Third-party: authorised to edit contacts, which `user/list_id` asks for. */
  canEditContacts: boolean
  /** Whose encryption of ids applies. Apps of one provider see the same `open_userid`. */
  providerId: string
  /** The suite or template whose authorisation put this app here. Then its company goes by the id that the provider sees. */
  readonly suiteId?: string
  /** Answered by `agent/get_permissions`. */
  permissions: string[]
  /** Grows with every change of this record. */
  version: number
}

/** The kinds whose token comes from `gettoken`; the others get theirs from chapter 1.2 or from the control API. */
export const kindsOfGettoken: readonly PrincipalKind[] = [
  'contacts-sync',
  'self-built-before-2022',
  'self-built',
  'system',
  'delegated',
]

/** The kinds that see encrypted ids in place of userids. */
export function seesEncryptedIds(app: App): boolean {
  return app.kind === 'delegated' || app.kind === 'third-party' || app.kind === 'third-party-contacts'
}

/** Whether a code may be sent to this host[:port]: exactly one of those entered, no parent and no wildcard (§3, §6). */
export function trusts(
  app: Pick<App, 'trustedDomains' | 'callbackDomains'>,
  domain: string,
  source: 'web' | 'client' | 'mobile',
): boolean {
  if (app.trustedDomains === 'any') return true
  const domains = source === 'web' ? [...app.trustedDomains, ...app.callbackDomains] : app.trustedDomains
  return domains.some((trusted) => trusted.toLowerCase() === domain)
}

export function createApp(given: Pick<App, 'agentId' | 'name' | 'kind' | 'secret'> & Partial<App>): App {
  return {
    isEnabled: true,
    range: { departments: [1], members: [], tags: [] },
    trustedAddresses: 'any',
    knownAddresses: [],
    canWrite: true,
    trustedDomains: 'any',
    callbackDomains: [],
    grantedFields: fieldsGrantedAtFirst(given.kind),
    consents: [],
    seesStructure: false,
    canEditContacts: false,
    providerId: 'provider-1',
    permissions: ['contact:base:readonly'],
    version: 1,
    ...given,
  }
}

function fieldsGrantedAtFirst(kind: PrincipalKind): string[] {
  if (kind === 'delegated') return ['name', 'position']
  const isSelfBuilt = kind === 'self-built' || kind === 'self-built-before-2022'
  return isSelfBuilt ? ['gender', 'avatar', 'qr_code', 'mobile', 'email', 'biz_mail', 'address'] : []
}

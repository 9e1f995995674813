/**
 * Everything about the emulated service that can be set while it runs: limits, the readings of points that no page
 * confirms, delays. Defaults are WeCom's published numbers, or the reading that wecom-api.md recommends.
 */

export interface Limits {
  /** Calls per company and API; `null` switches a limit off. */
  perMinute: number | null
  perHour: number | null
  /** Calls per address and API. */
  perAddressPerMinute: number | null
  perAddressPerHour: number | null
  minutePenaltyMs: number
  hourPenaltyMs: number
  /** Calls with `debug=1` per company and API and minute. */
  debugPerMinute: number | null
  /** Calls of one company to one API at the same time. WeCom publishes no number; this one is ours. */
  concurrency: number | null
  /** A longer reply is 45029. WeCom publishes no number; this one is ours. */
  replyBytesMax: number
  /** Wrong secrets from one address within an hour before it is banned for an hour (a community reply quotes 2,000). */
  wrongSecretsPerHour: number
  /** Failed look-ups by mobile or mail address, in percent of `memberLimit`, before the API is blocked for a day. */
  failedLookupsPercent: number
  /** The account limit of each company; null means twice its members, at least 200. */
  memberLimit: number | null
  /** Smallest `block_size` an export accepts; tests lower it to get several files from a small company. */
  exportBlockMin: number
}

/** Where wecom-api.md marks a point unconfirmed, both readings can be shown. The first of each pair is the default. */
export interface Readings {
  /** Does a repeated gettoken return the token that is still valid, or a new one (§11.4)? */
  repeatedGettoken: 'same' | 'rotate'
  /** Does gettoken itself refuse untrusted addresses (§11.3)? */
  gettokenChecksAddress: boolean
  /** Is a withheld gender absent (recordings) or "0" (documentation) (§11.6)? */
  withheldGender: 'absent' | 'zero'
  /** Do provider apps and upstream companies get `enable` (§11.7)? */
  enableForProviders: boolean
  /** Has the plain text of an export 16 random bytes and a length in front (§11.10)? */
  exportPrefix: 'none' | 'callback'
  /** What `user/get` answers for an existing member outside the range (§11.2). */
  memberOutOfRange: 60011 | 60111
  /** What an unknown department id gives on department/* and user/* (§11.2). */
  unknownDepartment: 'by-family' | 60003 | 60123
  /** Direct leaders a member may have: 5 by the text of 2022, 1 by that of 2026 (§11.8). */
  directLeadersMax: number
  /** Longest department name: 64 by the text of 2026, 32 by that of 2023. */
  departmentNameMax: number
  /** `limit` of user/list_id when the caller gives none (§11.11). */
  listIdDefaultLimit: number
  /** A code made for another app of the same company: 50001 (§6) or 40029 (§3). */
  codeOfOtherApp: 50001 | 40029
  /** A code that was used or is too old: always 40029 (pages), or 42022 and 42003 (error table) (§3). */
  spentCode: 40029 | 'by-reason'
  /** Keys of the exchange: small on the current path and capitalised on the older one, or the same on both (§3.1.4). */
  getuserinfoKeys: 'by-path' | 'small' | 'capitalised'
  /** Where a code of the mobile SDK can be exchanged: on both paths, or on `user/getuserinfo` only (§3.3, §11.12). */
  mobileCodes: 'both-paths' | 'older-path'
  /** `snsapi_privateinfo` without an agentid: taken for `snsapi_base`, or an error; the text of 2024 says both (§3.2). */
  privateinfoWithoutAgent: 'base' | 'error'
  /** Does a refusal on the current login page return without a code, as on the older one, or show a page (§3.1.1)? */
  refusalOnLogin: 'returns' | 'stays'
  /** Does the panel insist that the page around it is on a trusted domain (−31033, §3.1.1)? */
  panelChecksOrigin: boolean
  /** Does the in-client page turn other browsers away? */
  authorizeChecksClient: boolean
  /** May an app write tags, its own ones (§2.5), or only the assistant and contacts apps (§2.1)? */
  tagWritesByApps: 'own' | 'refused'
  /** Do providers see a company under an id encrypted for them, as since 2022-06-28, or under its own (§3.5.7)? */
  corpIdsForProviders: 'encrypted' | 'plain'
  /** The same for userids; `open_userid` is always encrypted (§3.4). */
  useridsForProviders: 'encrypted' | 'plain'
  /** Do the older calls for tokens and `get_login_info` carry `errcode` also when they succeed (§0.2)? */
  serviceErrcode: 'always' | 'on-failure'
  /** Are `service/v2/…` there, which older and private deployments answer with 404? */
  hasServiceV2: boolean
  /** May a template have a pre-authorisation code, or only the links of `get_customized_auth_url` (48002)? */
  preAuthOfTemplates: 'allowed' | 'refused'
  /** What a suite is told about a company that has cancelled: the relation is void, or the permanent code bad (§1.2). */
  cancelledAuthorization: 48004 | 40084
  /** After a reset: is the old permanent code dead at once, or when the new one is fetched (§3.5.6)? */
  resetKillsSecret: 'at-once' | 'on-exchange'
  /** Whose id stands behind the message when WeCom verifies the addresses of a suite (§11.14)? */
  suiteVerificationReceiver: 'provider' | 'suite'
  /** Whose id stands behind what is sent to the data URL of a suite (§4.2)? */
  suiteDataReceiver: 'company' | 'suite'
  /** Are self-built apps told of contacts? The pages do not list them as receivers, a community reply says so (§4.3). */
  eventsToSelfBuilt: boolean
  /** Has the reduced form of department events the name (§4.3, §11.9)? */
  namesInReducedEvents: boolean
  /**
   * A member who moves out of an app's range: no event, and an `update_user` when moving in, or `delete_user` and
   * `create_user` (§4.3).
   */
  movesAcrossRange: 'by-range' | 'create-and-delete'
}

export interface Settings {
  limits: Limits
  readings: Readings
  /** Added to every answer. */
  latencyMs: number
  /** An export is pending, then running, then done. */
  exportPendingMs: number
  exportRunningMs: number
  /** How exports submitted from now on end. */
  exportOutcome: 'done' | 'failed'
  /** The address every call seems to come from; null means the real one of the connection. */
  callerAddress: string | null
}

export function defaultSettings(): Settings {
  return {
    limits: {
      perMinute: 10_000,
      perHour: 150_000,
      perAddressPerMinute: 20_000,
      perAddressPerHour: 600_000,
      minutePenaltyMs: 60_000,
      hourPenaltyMs: 3_600_000,
      debugPerMinute: 5,
      concurrency: 100,
      replyBytesMax: 32 * 1024 * 1024,
      wrongSecretsPerHour: 2_000,
      failedLookupsPercent: 20,
      memberLimit: null,
      exportBlockMin: 10_000,
    },
    readings: {
      repeatedGettoken: 'same',
      gettokenChecksAddress: false,
      withheldGender: 'absent',
      enableForProviders: false,
      exportPrefix: 'none',
      memberOutOfRange: 60011,
      unknownDepartment: 'by-family',
      directLeadersMax: 5,
      departmentNameMax: 64,
      listIdDefaultLimit: 10_000,
      codeOfOtherApp: 50001,
      spentCode: 40029,
      getuserinfoKeys: 'by-path',
      mobileCodes: 'both-paths',
      privateinfoWithoutAgent: 'base',
      refusalOnLogin: 'returns',
      panelChecksOrigin: true,
      authorizeChecksClient: true,
      tagWritesByApps: 'own',
      corpIdsForProviders: 'encrypted',
      useridsForProviders: 'encrypted',
      serviceErrcode: 'always',
      hasServiceV2: true,
      preAuthOfTemplates: 'allowed',
      cancelledAuthorization: 48004,
      resetKillsSecret: 'at-once',
      suiteVerificationReceiver: 'provider',
      suiteDataReceiver: 'company',
      eventsToSelfBuilt: false,
      namesInReducedEvents: true,
      movesAcrossRange: 'by-range',
    },
    latencyMs: 0,
    exportPendingMs: 100,
    exportRunningMs: 200,
    exportOutcome: 'done',
    callerAddress: null,
  }
}

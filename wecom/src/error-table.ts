/**
 * What can go wrong, as data: one row per problem with its kind and remedy, and WeCom's numbers pointing at the rows.
 * Problem codes are permanent: callers and dashboards switch on them. Numbers and meanings follow WeCom's global error
 * table (page 90313); documentation links of a number go to WeCom's own query page for it.
 */

/** Which sort of reaction a failure needs. */
export type WecomErrorKind =
  /** the corp id, secret or token is not accepted */
  | 'credential'
  /** our network address is not accepted */
  | 'address'
  /** this app may not make this call at all */
  | 'permission'
  /** the person or department is outside the visible range */
  | 'scope'
  | 'not-found'
  /** a sign-in code or ticket cannot be used: start the sign-in again */
  | 'sign-in'
  /** something must be set differently in WeCom's console */
  | 'configuration'
  /** the company needs another interface licence */
  | 'licence'
  | 'frequency'
  | 'busy'
  | 'network'
  | 'timeout'
  | 'aborted'
  /** the answer is not what WeCom's API sends */
  | 'protocol'
  | 'invalid-request'
  /** an errcode this package does not know */
  | 'unknown'

export type Remedy = { readonly en: string; readonly zh: string }

type Problem = {
  readonly kind: WecomErrorKind
  readonly retryable: boolean
  readonly remedy: Remedy
  /** developer.work.weixin.qq.com/document/path/… */
  readonly page: number
}

const ERROR_TABLE_PAGE = 90313
const TOKEN_PAGE = 91039

function permanent(kind: WecomErrorKind, en: string, zh: string, page = ERROR_TABLE_PAGE): Problem {
  return { kind, retryable: false, remedy: { en, zh }, page }
}

function passing(kind: WecomErrorKind, en: string, zh: string, page = ERROR_TABLE_PAGE): Problem {
  return { kind, retryable: true, remedy: { en, zh }, page }
}

export const problems = {
  // The credential
  WECOM_CORP_UNKNOWN: permanent(
    'credential',
    'Check the CorpId: WeCom admin console, My Company, Company Information.',
    '请核对企业 ID：管理后台“我的企业 → 企业信息”。',
    TOKEN_PAGE,
  ),
  WECOM_SECRET_REJECTED: permanent(
    'credential',
    'Copy the Secret again from the details page of the app (or from contacts synchronization) and save it here. Do not retry with the same one: WeCom blocks the address for an hour after many wrong secrets.',
    '请从应用详情页（或“通讯录同步”）重新复制 Secret 并保存。不要用同一 Secret 反复重试：错误次数过多时企业微信会封禁该 IP 一小时。',
    TOKEN_PAGE,
  ),
  WECOM_TOKEN_REJECTED: permanent(
    'credential',
    'WeCom refuses even a freshly issued token. Check that the Secret belongs to this app and that no other system resets it.',
    '刚获取的 access_token 仍被拒绝。请确认 Secret 属于该应用，且没有其他系统重置它。',
    TOKEN_PAGE,
  ),
  WECOM_CREDENTIAL_MISSING: permanent(
    'credential',
    'A credential was not sent. Complete the CorpId, Secret and AgentId of this connection.',
    '请求缺少凭证。请补全该连接的企业 ID、Secret 和 AgentId。',
    TOKEN_PAGE,
  ),
  WECOM_AGENT_MISMATCH: permanent(
    'credential',
    'The AgentId and the Secret belong to different apps. Copy both from the same app details page.',
    'AgentId 与 Secret 不属于同一个应用。请从同一应用详情页复制两者。',
  ),
  WECOM_APP_DISABLED: permanent(
    'credential',
    'The app is disabled. Enable it in the WeCom admin console, App Management.',
    '应用已停用。请在管理后台“应用管理”中启用该应用。',
  ),
  WECOM_CORP_UNAVAILABLE: permanent(
    'credential',
    'The company is dissolved or banned in WeCom. Ask its WeCom administrator.',
    '企业已解散或被封禁，请联系企业微信管理员。',
  ),
  WECOM_PROVIDER_CREDENTIAL_REJECTED: permanent(
    'credential',
    'Check the id and the secret of the suite, and those of the service provider, in the provider console.',
    '请在服务商后台核对套件的 SuiteID 与 SuiteSecret，以及服务商的 CorpID 与 ProviderSecret。',
    97162,
  ),
  WECOM_AUTHORIZATION_GONE: permanent(
    'credential',
    'The company has withdrawn its authorisation of the app, or its permanent code was reset. Let its administrator authorise the app again.',
    '企业已取消对应用的授权，或永久授权码已被重置。请由该企业管理员重新授权。',
    97162,
  ),
  WECOM_NO_TICKET: passing(
    'credential',
    'There is no valid suite ticket. WeCom sends one every ten minutes to the command callback of the suite: check its address, Token and EncodingAESKey in the provider console.',
    '没有有效的 suite_ticket。企业微信每十分钟向套件的“指令回调 URL”推送一次：请在服务商后台核对该 URL、Token 与 EncodingAESKey。',
    97162,
  ),
  WECOM_SUITE_TICKET_REJECTED: passing(
    'credential',
    'WeCom refuses the suite ticket: it is older than thirty minutes or of another suite. The next one comes within ten minutes; check the command callback of the suite if this continues.',
    'suite_ticket 被拒绝：已超过三十分钟，或不属于该套件。下一个将在十分钟内推送；若持续出现，请检查套件的“指令回调 URL”。',
    97162,
  ),

  // Where we call from
  WECOM_ADDRESS_NOT_TRUSTED: permanent(
    'address',
    'Add the reported address to the trusted IPs of the app (app details page, Trusted IP) and wait about a minute.',
    '请将提示的 IP 加入应用详情页的“企业可信 IP”，约一分钟后生效。',
  ),
  WECOM_CONTACTS_ADDRESS_NEW: permanent(
    'address',
    'The contacts-sync secret may only read ids from a new address. Use the Secret of an app whose visible range covers the company for everything else.',
    '通讯录同步助手在新 IP 上只能读取 ID。其余信息请使用可见范围覆盖全公司的自建应用 Secret。',
    96079,
  ),

  // What the app may do and see
  WECOM_API_FORBIDDEN: permanent(
    'permission',
    'This app may not use this interface. Check its permissions in the WeCom admin console, or use the credential the documentation names.',
    '该应用无权调用此接口。请在管理后台检查其权限，或使用文档要求的凭证。',
  ),
  WECOM_API_RETIRED: permanent(
    'permission',
    'WeCom has withdrawn this interface or this right. Grant it again in the admin console if it is still offered.',
    '该接口已下线或权限已被收回。如仍提供，请在管理后台重新开通。',
  ),
  WECOM_CONSENT_MISSING: permanent(
    'permission',
    'The member or the administrator has not allowed this. Ask for the consent, or tick the sensitive fields in the app details.',
    '成员或管理员尚未授权。请取得授权，或在应用详情中勾选敏感信息字段。',
    95833,
  ),
  WECOM_NOT_VISIBLE: permanent(
    'scope',
    'It is outside the visible range of the app. Extend the range on the app details page if it should be read.',
    '不在应用的可见范围内。如需读取，请在应用详情页扩大可见范围。',
  ),
  WECOM_LICENCE_MISSING: permanent(
    'licence',
    'The company needs an interface licence for this call. Order or activate it in the provider console.',
    '企业缺少接口许可。请在服务商后台购买或激活接口许可。',
  ),

  // Things that are not there
  WECOM_MEMBER_NOT_FOUND: permanent(
    'not-found',
    'The member does not exist or is not visible to this app. Check the userid and the visible range.',
    '成员不存在或对该应用不可见。请核对 userid 与可见范围。',
  ),
  WECOM_DEPARTMENT_NOT_FOUND: permanent(
    'not-found',
    'The department does not exist any more, or its id is wrong.',
    '部门不存在或部门 ID 有误。',
  ),
  WECOM_TAG_NOT_FOUND: permanent(
    'not-found',
    'The tag does not exist any more, or its id is wrong.',
    '标签不存在或标签 ID 有误。',
  ),
  WECOM_AGENT_NOT_FOUND: permanent(
    'not-found',
    'Check the AgentId on the details page of the app.',
    '请在应用详情页核对 AgentId。',
  ),
  WECOM_JOB_NOT_FOUND: permanent(
    'not-found',
    'The job is unknown or its result was cleaned up. Start it again.',
    '任务不存在或结果已被清理，请重新发起。',
  ),

  // Sign-in
  WECOM_CODE_REJECTED: permanent(
    'sign-in',
    'The sign-in code is used, expired or from another app. Start the sign-in again.',
    '登录授权码已使用、已过期或不属于该应用，请重新登录。',
    98177,
  ),
  WECOM_TICKET_REJECTED: permanent(
    'sign-in',
    'The user ticket is invalid or older than 30 minutes. Start the sign-in again.',
    'user_ticket 无效或已超过 30 分钟，请重新登录。',
    95833,
  ),
  WECOM_SECOND_FACTOR_REJECTED: permanent(
    'sign-in',
    'The second verification cannot be completed. Start it again and check its settings in the admin console.',
    '二次验证无法完成。请重新发起，并检查管理后台的二次验证设置。',
    99500,
  ),
  WECOM_DOMAIN_NOT_TRUSTED: permanent(
    'configuration',
    'Set the exact domain, with its port, as trusted domain or authorisation callback domain of this app, and verify its ownership.',
    '请将完整域名（含端口）设置为该应用的可信域名或授权回调域，并完成归属验证。',
  ),
  WECOM_CONSOLE_SETTING: permanent(
    'configuration',
    'A setting in the WeCom admin console does not allow this. Follow the documentation of the error number.',
    '管理后台的设置不允许此操作，请按错误码说明调整。',
  ),

  // Too much, too fast
  WECOM_FREQUENCY_LIMITED: passing(
    'frequency',
    'WeCom limits the number of calls. Wait; look for another system that uses the same company credentials.',
    '调用频率超限。请稍候，并检查是否有其他系统在使用同一企业凭证。',
    90454,
  ),
  WECOM_REPLY_TOO_LARGE: permanent(
    'invalid-request',
    'The answer would be too large. Split the department, or read by export.',
    '返回内容过大。请拆分部门，或使用异步导出。',
  ),
  WECOM_QUEUE_FULL: passing(
    'busy',
    'Too many calls are already waiting for this company. Try again later.',
    '等待中的调用过多，请稍后重试。',
  ),
  WECOM_BUSY: passing('busy', 'WeCom is busy. Try again in a moment.', '企业微信系统繁忙，请稍后重试。'),

  // Between us and WeCom
  WECOM_DNS_FAILED: passing(
    'network',
    'The name of the WeCom server cannot be resolved. Check the DNS of this machine and the configured API address.',
    '无法解析企业微信服务器域名。请检查本机 DNS 与所配置的接口地址。',
    92520,
  ),
  WECOM_CONNECTION_FAILED: passing(
    'network',
    'The connection to WeCom was refused or broken. Check firewall, proxy and the configured API address.',
    '与企业微信的连接被拒绝或中断。请检查防火墙、代理与所配置的接口地址。',
    92520,
  ),
  WECOM_TLS_FAILED: permanent(
    'network',
    'The certificate of the server is not trusted. Check for an intercepting proxy and the clock of this machine; a private authority must be given to Node (NODE_EXTRA_CA_CERTS).',
    '服务器证书不受信任。请检查是否有拦截代理以及本机时钟；私有 CA 需通过 NODE_EXTRA_CA_CERTS 提供。',
    92520,
  ),
  WECOM_TIMEOUT: passing(
    'timeout',
    'WeCom did not answer in time. Check the network if this continues.',
    '企业微信未在时限内响应。若持续出现请检查网络。',
    92520,
  ),
  WECOM_ABORTED: permanent('aborted', 'The caller gave up waiting.', '调用方已取消等待。'),

  // Answers that are none
  WECOM_REDIRECTED: permanent(
    'protocol',
    "The server redirects, which WeCom's API never does over https. Check the configured API address: it must be the final one.",
    '服务器返回了重定向，而企业微信 https 接口不会重定向。请检查所配置的接口地址。',
  ),
  WECOM_UNEXPECTED_STATUS: permanent(
    'protocol',
    'The server does not answer like WeCom. Check the configured API address and proxies in between.',
    '服务器的响应不像企业微信。请检查所配置的接口地址及中间代理。',
  ),
  WECOM_SERVER_FAILED: passing(
    'busy',
    'WeCom or a proxy in front of it failed. Try again in a moment.',
    '企业微信或其前置代理出错，请稍后重试。',
  ),
  WECOM_ANSWER_TRUNCATED: passing(
    'protocol',
    'The answer was cut off. Check proxies in between if this continues.',
    '响应内容被截断。若持续出现请检查中间代理。',
  ),
  WECOM_ANSWER_UNREADABLE: permanent(
    'protocol',
    'The answer is not the JSON that WeCom sends. Check the configured API address and proxies in between.',
    '响应不是企业微信的 JSON。请检查所配置的接口地址及中间代理。',
  ),
  WECOM_ANSWER_INCOMPLETE: permanent(
    'protocol',
    'The answer lacks what this interface must send, so nothing was concluded from it. Report it if this continues.',
    '响应缺少该接口必须返回的内容，因此未作任何处理。若持续出现请反馈。',
  ),
  WECOM_ANSWER_TOO_LARGE: permanent(
    'protocol',
    'The answer is larger than allowed. Raise maxResponseBytes, or read by export.',
    '响应超过允许的大小。请调高 maxResponseBytes 或使用异步导出。',
  ),
  WECOM_CURSOR_ENDLESS: permanent(
    'protocol',
    'The pages never end, so the list was not believed. Try again; report it if this continues.',
    '分页无法结束，列表未被采信。请重试，若持续出现请反馈。',
    96067,
  ),
  WECOM_EXPORT_FAILED: permanent(
    'protocol',
    'WeCom could not complete the export, or its files do not match what was announced. Start it again.',
    '导出未能完成，或文件与声明不符，请重新发起。',
    94850,
  ),
  WECOM_CALLBACK_REJECTED: permanent(
    'protocol',
    'The callback does not come from WeCom or was made with another Token, EncodingAESKey or receiver. Compare these settings with the admin console.',
    '回调并非来自企业微信，或 Token、EncodingAESKey、接收方不一致。请与管理后台核对。',
    90968,
  ),

  // What we sent
  WECOM_ARGUMENT_INVALID: permanent(
    'invalid-request',
    'A value passed to this call cannot be sent. Correct it.',
    '传入的参数无效，请更正。',
  ),
  WECOM_REQUEST_INVALID: permanent(
    'invalid-request',
    'WeCom does not accept a parameter of this call. Follow the documentation of the error number.',
    '企业微信不接受该请求的参数，请按错误码说明更正。',
  ),
  WECOM_WRITE_REFUSED: permanent(
    'invalid-request',
    'WeCom refuses this change of its contacts. Follow the documentation of the error number.',
    '企业微信拒绝了此项通讯录变更，请按错误码说明处理。',
  ),
  WECOM_REFUSED: permanent(
    'unknown',
    'WeCom refused the call with a number this version does not know. Follow the documentation of the error number.',
    '企业微信返回了本版本未收录的错误码，请按错误码说明处理。',
  ),
} as const satisfies Record<string, Problem>

/** Permanent names of what can go wrong. */
export type WecomErrorCode = keyof typeof problems

type Meaning = { readonly code: WecomErrorCode; readonly meaning: string }

/** WeCom's errcode → our code, with a short meaning in our words: errmsg is not to be relied on (page 97159). */
export const errcodeMeanings: ReadonlyMap<number, Meaning> = new Map<number, Meaning>(
  (
    [
      [-1, 'WECOM_BUSY', 'system busy'],

      [40001, 'WECOM_SECRET_REJECTED', 'wrong secret'],
      [40091, 'WECOM_SECRET_REJECTED', 'invalid secret'],
      [40013, 'WECOM_CORP_UNKNOWN', 'unknown corp'],
      [40014, 'WECOM_TOKEN_REJECTED', 'token not valid'],
      [42001, 'WECOM_TOKEN_REJECTED', 'token expired'],
      [41001, 'WECOM_CREDENTIAL_MISSING', 'token missing'],
      [41002, 'WECOM_CREDENTIAL_MISSING', 'corp id missing'],
      [41004, 'WECOM_CREDENTIAL_MISSING', 'secret missing'],
      [301002, 'WECOM_AGENT_MISMATCH', 'token of another app'],
      [50003, 'WECOM_APP_DISABLED', 'app disabled'],
      [301007, 'WECOM_CORP_UNAVAILABLE', 'company unavailable'],

      [40077, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'pre-authorisation code not valid'],
      [40078, 'WECOM_CODE_REJECTED', 'authorisation code not valid or used'],
      [40080, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'wrong suite secret'],
      [40082, 'WECOM_TOKEN_REJECTED', 'suite token not valid'],
      [40083, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'unknown suite'],
      [40084, 'WECOM_AUTHORIZATION_GONE', 'permanent code not valid'],
      [40085, 'WECOM_SUITE_TICKET_REJECTED', 'suite ticket not valid'],
      [40086, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'unknown app of the suite'],
      [41008, 'WECOM_REQUEST_INVALID', 'sign-in code missing'],
      [41021, 'WECOM_CREDENTIAL_MISSING', 'suite id missing'],
      [41022, 'WECOM_CREDENTIAL_MISSING', 'suite token missing'],
      [41023, 'WECOM_SUITE_TICKET_REJECTED', 'suite ticket missing'],
      [41024, 'WECOM_CREDENTIAL_MISSING', 'suite secret missing'],
      [41025, 'WECOM_CREDENTIAL_MISSING', 'permanent code missing'],
      [42007, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'pre-authorisation code expired'],
      [42009, 'WECOM_TOKEN_REJECTED', 'suite token expired'],
      [48003, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'suite does not match'],
      [48004, 'WECOM_AUTHORIZATION_GONE', 'authorisation is gone'],
      [84005, 'WECOM_AUTHORIZATION_GONE', 'the company has not authorised the suite'],
      [90211, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'suite does not match'],
      [90212, 'WECOM_PROVIDER_CREDENTIAL_REJECTED', 'suite does not match'],

      [60020, 'WECOM_ADDRESS_NOT_TRUSTED', 'address not trusted'],
      [48009, 'WECOM_CONTACTS_ADDRESS_NEW', 'contacts-sync assistant used from a new address'],

      [40133, 'WECOM_CONSENT_MISSING', 'member authorisation forbidden'],
      [40134, 'WECOM_CONSENT_MISSING', 'member authorisation disabled'],
      [90210, 'WECOM_CONSENT_MISSING', 'member authorisation needed'],
      [92001, 'WECOM_CONSENT_MISSING', 'app has no permission for sensitive fields'],
      [48001, 'WECOM_API_FORBIDDEN', 'feature not authorised'],
      [48002, 'WECOM_API_FORBIDDEN', 'app may not call this interface'],
      [48008, 'WECOM_API_FORBIDDEN', 'interface not covered by the contacts-edit right'],
      [60031, 'WECOM_API_FORBIDDEN', 'app may not call interfaces now'],
      [81011, 'WECOM_API_FORBIDDEN', 'no right on this tag'],
      [48005, 'WECOM_API_RETIRED', 'interface retired'],
      [48006, 'WECOM_API_RETIRED', 'right withdrawn after long disuse'],

      [50002, 'WECOM_NOT_VISIBLE', 'member outside the visible range'],
      [60011, 'WECOM_NOT_VISIBLE', 'no privilege on this member, department or tag'],
      [60021, 'WECOM_NOT_VISIBLE', 'member outside the visible range'],
      [60030, 'WECOM_NOT_VISIBLE', 'member beyond the range'],
      [92000, 'WECOM_NOT_VISIBLE', 'member not visible'],
      [92002, 'WECOM_NOT_VISIBLE', 'ticket of another company'],
      [92003, 'WECOM_NOT_VISIBLE', 'ticket of another app'],

      [40003, 'WECOM_MEMBER_NOT_FOUND', 'userid not valid'],
      [40125, 'WECOM_MEMBER_NOT_FOUND', 'open_userid not valid'],
      [40073, 'WECOM_MEMBER_NOT_FOUND', 'openid not valid'],
      [46004, 'WECOM_MEMBER_NOT_FOUND', 'no such member'],
      [60111, 'WECOM_MEMBER_NOT_FOUND', 'userid not found'],
      [60221, 'WECOM_MEMBER_NOT_FOUND', 'open_userid of another provider'],
      [43004, 'WECOM_MEMBER_NOT_FOUND', 'member has no WeChat binding'],
      [60003, 'WECOM_DEPARTMENT_NOT_FOUND', 'department not found'],
      [60123, 'WECOM_DEPARTMENT_NOT_FOUND', 'department id not valid'],
      [40066, 'WECOM_DEPARTMENT_NOT_FOUND', 'department list not valid'],
      [40068, 'WECOM_TAG_NOT_FOUND', 'tag not found'],
      [40056, 'WECOM_AGENT_NOT_FOUND', 'agent id not valid'],
      [40088, 'WECOM_JOB_NOT_FOUND', 'job unknown'],
      [40089, 'WECOM_JOB_NOT_FOUND', 'job result cleaned up'],

      [40029, 'WECOM_CODE_REJECTED', 'sign-in code not valid or used'],
      [42003, 'WECOM_CODE_REJECTED', 'sign-in code expired'],
      [42022, 'WECOM_CODE_REJECTED', 'sign-in code already used'],
      [84014, 'WECOM_TICKET_REJECTED', 'user ticket expired'],
      [84015, 'WECOM_TICKET_REJECTED', 'user ticket not valid'],
      [84090, 'WECOM_TICKET_REJECTED', 'user ticket missing'],
      [40205, 'WECOM_TICKET_REJECTED', 'WeChat ticket of the member is stale'],
      [40207, 'WECOM_SECOND_FACTOR_REJECTED', 'second-factor code not valid'],
      [40208, 'WECOM_SECOND_FACTOR_REJECTED', 'member outside the verification range'],
      [40209, 'WECOM_SECOND_FACTOR_REJECTED', 'sign-in domain is not the verification domain'],
      [40210, 'WECOM_SECOND_FACTOR_REJECTED', 'no verification page configured'],

      [50001, 'WECOM_DOMAIN_NOT_TRUSTED', 'redirect domain not trusted for this app'],
      [80001, 'WECOM_DOMAIN_NOT_TRUSTED', 'trusted domain not valid or without filing'],
      [85004, 'WECOM_DOMAIN_NOT_TRUSTED', 'trusted domain changed too often this month'],
      [85005, 'WECOM_DOMAIN_NOT_TRUSTED', 'domain ownership not verified'],
      [85008, 'WECOM_DOMAIN_NOT_TRUSTED', 'domain without filing'],
      [85111, 'WECOM_DOMAIN_NOT_TRUSTED', 'domain of another legal entity'],
      [85006, 'WECOM_CONSOLE_SETTING', 'too many trusted addresses'],
      [85007, 'WECOM_CONSOLE_SETTING', 'too many trusted addresses'],
      [40057, 'WECOM_CONSOLE_SETTING', 'callback URL rejected'],
      [43009, 'WECOM_CONSOLE_SETTING', 'company entity not verified'],

      [45009, 'WECOM_FREQUENCY_LIMITED', 'too many calls'],
      [45033, 'WECOM_FREQUENCY_LIMITED', 'too many calls at once'],
      [45029, 'WECOM_REPLY_TOO_LARGE', 'reply too large'],

      [40031, 'WECOM_REQUEST_INVALID', 'userid list not valid'],
      [40032, 'WECOM_REQUEST_INVALID', 'userid list too long'],
      [40033, 'WECOM_REQUEST_INVALID', 'illegal characters'],
      [40035, 'WECOM_REQUEST_INVALID', 'parameter not valid'],
      [40058, 'WECOM_REQUEST_INVALID', 'parameter not valid'],
      [40063, 'WECOM_REQUEST_INVALID', 'required parameter empty'],
      [41009, 'WECOM_REQUEST_INVALID', 'userid missing'],
      [41011, 'WECOM_REQUEST_INVALID', 'agent id missing'],
      [41017, 'WECOM_REQUEST_INVALID', 'tag id missing'],
      [41019, 'WECOM_REQUEST_INVALID', 'department id missing'],
      [50100, 'WECOM_REQUEST_INVALID', 'cursor not valid'],
      [84025, 'WECOM_REQUEST_INVALID', 'state not valid'],
      [301036, 'WECOM_WRITE_REFUSED', 'userid cannot be renamed'],
      [301005, 'WECOM_WRITE_REFUSED', 'the creator cannot be deleted'],

      [6000, 'WECOM_WRITE_REFUSED', 'data version conflict'],
      [45024, 'WECOM_WRITE_REFUSED', 'member limit reached'],
      [45026, 'WECOM_WRITE_REFUSED', 'delete protection'],
      [81001, 'WECOM_WRITE_REFUSED', 'too many nodes in a department or tag'],
      [81002, 'WECOM_WRITE_REFUSED', 'departments too deep'],
      [81003, 'WECOM_WRITE_REFUSED', 'too many departments or members'],
      [81013, 'WECOM_WRITE_REFUSED', 'nothing valid in the list'],
      ...range(60001, 60001, 'department name length'),
      ...range(60004, 60010, 'department cannot be changed like this'),
      ...range(60102, 60107, 'member exists already or has a bad mobile, e-mail or WeChat id'),
      ...range(60110, 60110, 'too many departments'),
      ...range(60112, 60112, 'member name not valid'),
      ...range(60124, 60125, 'parent or name of the department not valid'),
      ...range(60127, 60127, 'required field missing'),
      ...range(60129, 60129, 'mobile and e-mail both empty'),
      ...range(60132, 60132, 'leader list does not match the departments'),
      ...range(60141, 60145, 'e-mail address not valid'),
      ...range(60257, 60257, 'too many direct leaders'),
      ...range(302003, 302008, 'batch import not valid'),
      ...licenceProblems(),
    ] satisfies (readonly [number, WecomErrorCode, string])[]
  ).map(([errcode, code, meaning]) => [errcode, { code, meaning }]),
)

function range(from: number, to: number, meaning: string): [number, WecomErrorCode, string][] {
  return Array.from({ length: to - from + 1 }, (_, index) => [from + index, 'WECOM_WRITE_REFUSED', meaning])
}

/** The whole 701xxx family is about interface licences; WeCom adds numbers to it without notice. */
function licenceProblems(): [number, WecomErrorCode, string][] {
  return Array.from({ length: 100 }, (_, index) => [
    701000 + index,
    'WECOM_LICENCE_MISSING',
    'interface licence problem',
  ])
}

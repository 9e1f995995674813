/**
 * WeCom's error codes as the emulator answers them, and the exact shape of `errmsg`.
 * Texts are stems: WeCom warns that nobody may parse them (page 97159), so tests of a client must not either.
 */

/** Stems seen in recordings or official samples; those marked `?` are our wording because no recording was found. */
const stems: Record<number, string> = {
  [-1]: 'system error',
  40001: 'invalid credential', // ?
  40003: 'invalid userid',
  40013: 'invalid corpid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40031: 'invalid userid list',
  40032: 'invalid userid list size',
  40056: 'invalid agentid',
  40058: 'invalid Request Parameter',
  40063: 'some parameters are empty',
  40066: 'invalid party list',
  40068: 'invalid tagid',
  40071: 'invalid tag name', // ?
  40073: 'invalid openid',
  40077: 'invalid pre_auth_code', // ?
  40078: 'invalid auth_code',
  40080: 'invalid suite_secret', // ?
  40082: 'invalid suite_access_token', // ?
  40083: 'invalid suite_id', // ?
  40084: 'invalid permanent_code', // ?
  40085: 'invalid suite_ticket', // ?
  40088: 'invalid jobid',
  40089: 'job result is cleaned', // ?
  40091: 'secret is invalid',
  40125: 'invalid open_userid', // ?
  41001: 'access_token missing',
  41002: 'corpid missing', // ?
  41004: 'corpsecret missing',
  41008: 'missing code', // ?
  41009: 'missing userid', // ?
  41011: 'missing agentid', // ?
  41017: 'missing tagid', // ?
  41019: 'missing department', // ?
  41021: 'missing suite_id', // ?
  41022: 'missing suite_access_token', // ?
  41023: 'missing suite_ticket', // ?
  41024: 'missing suite_secret', // ?
  41025: 'permanent code missing',
  42001: 'access_token expired', // ?
  42003: 'code expired', // ?
  42007: 'pre_auth_code expired', // ?
  42009: 'suite_access_token expired', // ?
  42022: 'code has been used', // ?
  43004: 'require subscribe', // ?
  45009: 'api freq out of limit',
  45029: 'reply too large', // ?
  45033: 'api concurrent out of limit', // ?
  46004: 'user not exist', // ?
  48001: 'api unauthorized', // ?
  48002: 'api forbidden', // ?
  48003: 'suite mismatch', // ?
  48004: 'authorization relation is void', // ?
  48009: 'api forbidden for contact assistant',
  50001: 'redirect_url not registered as trusted domain', // ?
  50003: 'app is disabled', // ?
  50100: 'invalid cursor', // ?
  60001: 'invalid department name length', // ?
  60003: 'department not found', // ?
  60004: 'parent department not found', // ?
  60005: 'department contains user', // ?
  60006: 'department contains sub department', // ?
  60007: 'root department can not be deleted', // ?
  60008: 'department existed', // ?
  60009: 'department name contains invalid char', // ?
  60010: 'department loop', // ?
  60011: 'no privilege to access/modify contact/party/agent',
  60020: 'not allow to access from your ip',
  60102: 'userid existed', // ?
  60103: 'invalid mobile', // ?
  60104: 'mobile existed', // ?
  60105: 'invalid email', // ?
  60106: 'email existed', // ?
  60110: 'too many departments', // ?
  60111: 'userid not found', // ?
  60112: 'invalid user name', // ?
  60123: 'invalid department id', // ?
  60129: 'missing mobile or email', // ?
  60132: 'is_leader_in_dept and department length mismatch', // ?
  60141: 'invalid biz_mail', // ?
  60142: 'biz_mail existed', // ?
  60257: 'too many direct leaders', // ?
  81001: 'too many departments in party', // ?
  81002: 'department is too deep', // ?
  81011: 'no privilege to modify the tag', // ?
  84014: 'user_ticket expired', // ?
  84015: 'invalid user_ticket', // ?
  84090: 'missing user_ticket', // ?
  92000: 'user is not in the visible range', // ?
  92001: 'no permission for sensitive fields', // ?
  92002: 'user_ticket of another corp', // ?
  92003: 'user_ticket of another app', // ?
  301002: 'agentid mismatch', // ?
  301007: 'corp is unavailable', // ?
  301036: 'not allow modify userid', // ?
}

/** A refusal that WeCom expresses as an error code. Everything else that is thrown is a bug of the emulator. */
export class ApiError extends Error {
  readonly errcode: number

  constructor(errcode: number, stem = stems[errcode] ?? 'invalid request') {
    super(stem)
    this.name = 'ApiError'
    this.errcode = errcode
  }
}

/**
 * `<stem>, hint: [<22 to 25 digits, unix time first>], from ip: <ip>, more info at https://…?e=<errcode>`.
 * A bad token is answered without the suffix, as recorded on `user/get`.
 */
export function errmsg(error: ApiError, context: { nowMs: number; address: string; digits: string }): string {
  if (error.errcode === 40014) return error.message
  const hint = `${Math.floor(context.nowMs / 1000)}${context.digits}`
  return `${error.message}, hint: [${hint}], from ip: ${context.address}, more info at https://open.work.weixin.qq.com/devtool/query?e=${error.errcode}`
}

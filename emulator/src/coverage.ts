/**
 * Every endpoint of wecom-api.md and what the emulator makes of it. Data, so that a test can hold it against the routes and
 * COVERAGE.md can be written from it (`node emulator/src/coverage-page.ts`).
 */

export interface CoveredEndpoint {
  chapter: string
  method: 'GET' | 'POST' | 'GET or POST' | 'browser'
  /** Below /cgi-bin/, or a whole address for pages in a browser. */
  path: string
  status: 'supported' | 'partial' | 'not yet'
  note: string
}

type Row = readonly [CoveredEndpoint['method'], string, CoveredEndpoint['status'], string]

const chapters: Readonly<Record<string, readonly Row[]>> = {
  '1.1 Tokens': [
    ['GET', 'gettoken', 'supported', 'order of checks, ban after wrong secrets, same or new token by switch'],
  ],
  '1.2 Provider tokens': [
    ['POST', 'service/get_provider_token', 'not yet', ''],
    ['POST', 'service/get_suite_token', 'not yet', ''],
    ['GET', 'service/get_pre_auth_code', 'not yet', ''],
    ['POST', 'service/set_session_info', 'not yet', ''],
    ['POST', 'service/get_permanent_code', 'not yet', ''],
    ['POST', 'service/v2/get_permanent_code', 'not yet', ''],
    ['POST', 'service/get_auth_info', 'not yet', ''],
    ['POST', 'service/v2/get_auth_info', 'not yet', ''],
    ['POST', 'service/get_corp_token', 'not yet', 'third-party tokens come from the control API (`mintToken`)'],
    ['POST', 'service/get_admin_list', 'not yet', ''],
    ['POST', 'service/get_customized_auth_url', 'not yet', ''],
    ['POST', 'service/corpid_to_opencorpid', 'not yet', ''],
    ['POST', 'corpgroup/corp/gettoken', 'not yet', 'upstream tokens come from the control API (`mintToken`)'],
  ],
  '1.3 Apps and addresses': [
    ['GET', 'agent/get', 'supported', 'the visible range, individual members included'],
    ['GET', 'agent/list', 'supported', 'one entry, as a token belongs to one app'],
    ['GET or POST', 'agent/get_permissions', 'supported', 'the list set on the app'],
    ['GET', 'get_api_domain_ip', 'supported', 'addresses reserved for documentation'],
    ['GET', 'getcallbackip', 'supported', 'addresses reserved for documentation'],
  ],
  '2.2 Departments': [
    ['GET', 'department/list', 'supported', ''],
    ['GET', 'department/simplelist', 'supported', ''],
    ['GET', 'department/get', 'supported', ''],
    ['POST', 'department/create', 'supported', ''],
    ['POST', 'department/update', 'supported', ''],
    ['GET', 'department/delete', 'supported', ''],
  ],
  '2.3 Members': [
    ['GET', 'user/simplelist', 'supported', '`fetch_child` is honoured'],
    ['GET', 'user/list', 'supported', '`fetch_child` is honoured'],
    ['GET', 'user/get', 'supported', ''],
    ['POST', 'user/list_id', 'supported', ''],
    ['POST', 'user/getuserid', 'supported', 'blocked for the day after too many failures'],
    ['POST', 'user/get_userid_by_email', 'supported', 'blocked for the day after too many failures'],
    ['POST', 'user/create', 'partial', 'external_profile, avatar_mediaid and to_invite are accepted and ignored'],
    ['POST', 'user/update', 'partial', 'as user/create'],
    ['GET', 'user/delete', 'supported', ''],
    ['POST', 'user/batchdelete', 'supported', ''],
  ],
  '2.4 Export': [
    ['POST', 'export/simple_user', 'supported', ''],
    ['POST', 'export/user', 'supported', ''],
    ['POST', 'export/department', 'supported', ''],
    ['POST', 'export/taguser', 'supported', ''],
    ['GET', 'export/get_result', 'supported', 'files on the same host, with Range; no event on completion yet'],
  ],
  '2.5 Tags': [
    ['GET', 'tag/list', 'supported', ''],
    ['GET', 'tag/get', 'supported', ''],
    ['POST', 'tag/create', 'supported', ''],
    ['POST', 'tag/update', 'supported', ''],
    ['GET', 'tag/delete', 'supported', ''],
    ['POST', 'tag/addtagusers', 'supported', ''],
    ['POST', 'tag/deltagusers', 'supported', ''],
  ],
  '2.6 Id conversion': [
    ['POST', 'batch/openuserid_to_userid', 'supported', ''],
    ['POST', 'batch/userid_to_openuserid', 'supported', ''],
    ['POST', 'user/convert_to_openid', 'supported', ''],
    ['POST', 'user/convert_to_userid', 'supported', ''],
    ['POST', 'idconvert/convert_tmp_external_userid', 'not yet', ''],
    ['POST', 'service/contact/search', 'not yet', ''],
    ['POST', 'service/contact/sort', 'not yet', ''],
  ],
  '3 Sign-in': [
    [
      'browser',
      'https://login.work.weixin.qq.com/wwlogin/sso/login',
      'partial',
      'CorpApp, as a page and as the panel of @wecom/jssdk; no ServiceApp, no quick login by the desktop client',
    ],
    [
      'browser',
      'https://open.work.weixin.qq.com/wwopen/sso/qrConnect',
      'supported',
      'the page; the script that embedded it (wwLogin) is not served',
    ],
    ['browser', 'https://open.work.weixin.qq.com/wwopen/sso/3rd_qrConnect', 'not yet', ''],
    [
      'browser',
      'https://open.weixin.qq.com/connect/oauth2/authorize',
      'partial',
      'by CorpId, silent and with consent; not by suite id. `snsapi_userinfo` is taken for `snsapi_base`',
    ],
    ['GET', 'auth/getuserinfo', 'supported', 'codes of the pages, and of the mobile SDK by `mintCode`'],
    ['GET', 'user/getuserinfo', 'supported', 'the older form of the same; capitalised or not by switch'],
    ['POST', 'auth/getuserdetail', 'supported', 'fields that the administrator ticked and the member agreed to'],
    ['POST', 'user/getuserdetail', 'not yet', ''],
    ['GET', 'service/auth/getuserinfo3rd', 'not yet', ''],
    ['POST', 'service/auth/getuserdetail3rd', 'not yet', ''],
    ['POST', 'service/get_login_info', 'not yet', ''],
    ['GET', 'miniprogram/jscode2session', 'not yet', ''],
    ['GET', 'service/miniprogram/jscode2session', 'not yet', ''],
    ['POST', 'auth/get_tfa_info', 'not yet', ''],
    ['POST', 'user/tfa_succ', 'not yet', ''],
    ['GET', 'user/authsucc', 'not yet', ''],
  ],
}

export const coverage: readonly CoveredEndpoint[] = Object.entries(chapters).flatMap(([chapter, rows]) =>
  rows.map(([method, path, status, note]) => ({ chapter, method, path, status, note })),
)

/** COVERAGE.md, whole. */
export function coveragePage(): string {
  const lines = [
    '<!-- Written by `node emulator/src/coverage-page.ts` from src/coverage.ts; do not edit. -->',
    '',
    '# What the emulator covers',
    '',
    'Endpoints are below `/cgi-bin/`. **Partial** means that the note matters. What is *not yet* there answers 404, as an',
    'unknown path does at WeCom.',
  ]
  for (const [chapter, rows] of Object.entries(chapters)) {
    lines.push('', `## ${chapter}`, '', '| Method | Endpoint | Status | Note |', '|---|---|---|---|')
    for (const [method, path, status, note] of rows) lines.push(`| ${method} | \`${path}\` | ${status} | ${note} |`)
  }
  lines.push(
    '',
    'Chapter 4, callbacks: the cryptography is there (`src/crypto.ts`), the sender of events is not yet.',
    '',
  )
  return lines.join('\n')
}

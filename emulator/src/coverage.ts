/**
 * Every endpoint of wecom-api.md and what the emulator makes of it. Data, so that a test can hold it against the routes and
 * COVERAGE.md can be written from it (`node emulator/src/coverage-page.ts`).
 */

export interface CoveredEndpoint {
  chapter: string
  method: 'GET' | 'POST' | 'GET or POST' | 'browser' | 'callback'
  /** Below /cgi-bin/, a whole address for pages in a browser, or what a callback says. */
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
    ['POST', 'service/get_provider_token', 'supported', ''],
    ['POST', 'service/get_suite_token', 'supported', 'with the ticket that was pushed, or taken from the control API'],
    ['GET', 'service/get_pre_auth_code', 'supported', 'for templates by switch'],
    ['POST', 'service/set_session_info', 'partial', '`appid` is accepted and ignored: a suite has one app here'],
    [
      'browser',
      'https://open.work.weixin.qq.com/3rdapp/install',
      'supported',
      'choosing a company is the consent of its administrator; the range is the whole company unless `completeInstall` says another',
    ],
    ['POST', 'service/get_permanent_code', 'partial', 'no dealer, no registration code'],
    ['POST', 'service/v2/get_permanent_code', 'partial', 'as above; the path can be switched off'],
    ['POST', 'service/get_auth_info', 'partial', 'no dealer, no shared apps'],
    ['POST', 'service/v2/get_auth_info', 'partial', 'as above; the path can be switched off'],
    ['POST', 'service/get_corp_token', 'supported', 'refused to templates (48002)'],
    ['POST', 'service/get_admin_list', 'supported', ''],
    [
      'POST',
      'service/get_customized_auth_url',
      'supported',
      'the link leads to a page of the emulator; the address of the real one is not documented',
    ],
    ['POST', 'service/corpid_to_opencorpid', 'supported', ''],
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
      'CorpApp and ServiceApp, as a page and as the panel of @wecom/jssdk; no quick login by the desktop client',
    ],
    [
      'browser',
      'https://open.work.weixin.qq.com/wwopen/sso/qrConnect',
      'supported',
      'the page; the script that embedded it (wwLogin) is not served',
    ],
    ['browser', 'https://open.work.weixin.qq.com/wwopen/sso/3rd_qrConnect', 'supported', 'members and administrators'],
    [
      'browser',
      'https://open.weixin.qq.com/connect/oauth2/authorize',
      'partial',
      'by CorpId or suite id, silent and with consent. `snsapi_userinfo` is taken for `snsapi_base`',
    ],
    ['GET', 'auth/getuserinfo', 'supported', 'codes of the pages, and of the mobile SDK by `mintCode`'],
    ['GET', 'user/getuserinfo', 'supported', 'the older form of the same; capitalised or not by switch'],
    ['POST', 'auth/getuserdetail', 'supported', 'fields that the administrator ticked and the member agreed to'],
    ['POST', 'user/getuserdetail', 'not yet', ''],
    ['GET', 'service/auth/getuserinfo3rd', 'supported', 'also takes an `auth_code` of the older page'],
    ['GET', 'service/getuserinfo3rd', 'partial', 'the older form of the same; no parents of schools'],
    ['POST', 'service/auth/getuserdetail3rd', 'supported', ''],
    ['POST', 'service/get_login_info', 'partial', '`usertype` is 2 or 5; no sub-administrators, no external ones'],
    ['GET', 'miniprogram/jscode2session', 'not yet', ''],
    ['GET', 'service/miniprogram/jscode2session', 'not yet', ''],
    ['POST', 'auth/get_tfa_info', 'not yet', ''],
    ['POST', 'user/tfa_succ', 'not yet', ''],
    ['GET', 'user/authsucc', 'not yet', ''],
  ],
  '4 Callbacks': [
    ['callback', 'URL verification', 'supported', 'within a second, when the address is set'],
    ['callback', 'create_user', 'supported', 'full, reduced, or as an app may see it'],
    ['callback', 'update_user', 'supported', 'the fields that changed; NewUserID after a rename'],
    ['callback', 'delete_user', 'supported', ''],
    ['callback', 'create_party', 'supported', ''],
    ['callback', 'update_party', 'supported', 'not for another order alone'],
    ['callback', 'delete_party', 'supported', ''],
    [
      'callback',
      'update_tag',
      'supported',
      'for members and departments put in and taken out, not for new or renamed tags',
    ],
    ['callback', 'batch_job_result', 'not yet', 'any message can be sent by `sendEvent`'],
    ['callback', 'subscribe, unsubscribe', 'not yet', 'any message can be sent by `sendEvent`'],
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
    'unknown path does at WeCom; a callback that is not yet there is never sent by itself.',
  ]
  for (const [chapter, rows] of Object.entries(chapters)) {
    lines.push('', `## ${chapter}`, '', '| Method | Endpoint | Status | Note |', '|---|---|---|---|')
    for (const [method, path, status, note] of rows) lines.push(`| ${method} | \`${path}\` | ${status} | ${note} |`)
  }
  lines.push('')
  return lines.join('\n')
}

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fetchText, parse, rows, stage } from '../test-client.ts'

test('gettoken checks the secret before the company, as a live probe showed', async (t) => {
  const { emulator, company, corpId } = await stage(t)
  const [app] = company.apps
  const call = async (query: string) => parse((await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?${query}`)).body)

  assert.equal((await call(''))['errcode'], 41004)
  assert.equal((await call('corpsecret=x'))['errcode'], 41002)
  assert.equal((await call('corpid=wwnope&corpsecret=x'))['errcode'], 40013)
  assert.equal((await call(`corpid=${corpId}&corpsecret=x`))['errcode'], 40001)
  const good = await call(`corpid=${corpId}&corpsecret=${app?.secret}`)
  assert.deepEqual([good['errcode'], good['errmsg'], good['expires_in']], [0, 'ok', 7200])
})

test('a secret of another company is 40091, and companies do not mix', async (t) => {
  const { emulator, control, corpId } = await stage(t)
  const other = control.createCompany({ people: 12, seed: 'other' })
  const secret = other.apps[0]?.secret ?? ''

  const refused = await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=${secret}`)
  const good = await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?corpid=${other.corpId}&corpsecret=${secret}`)

  assert.equal(parse(refused.body)['errcode'], 40091)
  assert.equal(parse(good.body)['errcode'], 0)
  assert.equal(control.companies().length, 2)
})

test('a failing call is HTTP 200 with the lists of its endpoint, empty, and a hint', async (t) => {
  const { emulator } = await stage(t)
  const cases: [string, string[]][] = [
    ['user/get', ['department', 'order', 'is_leader_in_dept', 'direct_leader']],
    ['user/list', ['userlist']],
    ['department/simplelist', ['department_id']],
    ['department/list', ['department']],
    ['tag/list', ['taglist']],
    ['export/get_result', ['data_list']],
  ]

  for (const [endpoint, lists] of cases) {
    const { status, body } = await fetchText(`${emulator.apiUrl}/cgi-bin/${endpoint}`)
    const { errcode, errmsg, ...rest } = parse(body)

    assert.equal(status, 200)
    assert.equal(errcode, 41001)
    assert.match(
      String(errmsg),
      /^access_token missing, hint: \[\d{22,25}\], from ip: 127\.0\.0\.1, more info at https:\/\/open\.work\.weixin\.qq\.com\/devtool\/query\?e=41001$/,
    )
    assert.deepEqual(rest, Object.fromEntries(lists.map((list) => [list, []])))
  }
})

test('a token counts only in the query string', async (t) => {
  const { emulator, token } = await stage(t)
  const { access_token: value } = await token('self-built')
  const url = `${emulator.apiUrl}/cgi-bin/department/list`

  const inHeader = await fetchText(url, { headers: { authorization: `Bearer ${String(value)}` } })
  const inBody = await fetchText(url, { method: 'POST', body: JSON.stringify({ access_token: value }) })
  const invented = await fetchText(`${url}?access_token=invented`)

  assert.equal(parse(inHeader.body)['errcode'], 41001)
  assert.equal(parse(inBody.body)['errcode'], 41001)
  assert.deepEqual(parse(invented.body), { errcode: 40014, errmsg: 'invalid access_token', department: [] })
})

test('an unknown path is 404, a wrong verb is a parameter error', async (t) => {
  const { emulator, as } = await stage(t)

  const unknown = await fetchText(`${emulator.apiUrl}/cgi-bin/user/nothing`)
  const root = await fetchText(`${emulator.apiUrl}/`)

  assert.deepEqual([unknown.status, root.status], [404, 404])
  assert.equal((await as('contacts-sync').get('user/getuserid'))['errcode'], 40063)
  assert.equal((await as('contacts-sync').get('export/user'))['errcode'], 48009)
  assert.equal((await as('self-built').post('user/get', {}, { userid: 'nobody' }))['errcode'], 60111)
  assert.equal((await as('self-built').get('user/get', { userid: 'no body' }))['errcode'], 40003)
})

test('a token lasts 7200 seconds, is then expired, and later unknown', async (t) => {
  const { control, token, emulator } = await stage(t)
  const first = await token('self-built')
  const use = async () => {
    const url = `${emulator.apiUrl}/cgi-bin/department/list?access_token=${String(first['access_token'])}`
    return parse((await fetchText(url)).body)['errcode']
  }

  assert.equal(await use(), 0)
  control.advanceClock({ ms: 7_100_000 })
  assert.equal((await token('self-built'))['access_token'], first['access_token'])
  assert.equal(Number((await token('self-built'))['expires_in']) <= 100, true)
  control.advanceClock({ ms: 101_000 })
  assert.equal(await use(), 42001)
  assert.notEqual((await token('self-built'))['access_token'], first['access_token'])
  control.advanceClock({ ms: 3_600_000 })
  assert.equal(await use(), 40014)
})

test('tokens rotate when told to, and die early on command', async (t) => {
  const { control, token, corpId, agentId, emulator } = await stage(t)
  control.changeSettings({ readings: { repeatedGettoken: 'rotate' } })
  const [first, second] = [await token('self-built'), await token('self-built')]
  const use = async (reply: typeof first) => {
    const url = `${emulator.apiUrl}/cgi-bin/agent/list?access_token=${String(reply['access_token'])}`
    return parse((await fetchText(url)).body)['errcode']
  }

  assert.notEqual(first['access_token'], second['access_token'])
  assert.deepEqual([await use(first), await use(second)], [0, 0])
  assert.deepEqual(control.revokeTokens({ corpId, agentId: agentId('self-built'), as: 42001 }), { revoked: 2 })
  assert.deepEqual([await use(first), await use(second)], [42001, 42001])
})

test('a reset secret kills the old one and its tokens', async (t) => {
  const { control, company, corpId, agentId, emulator, token } = await stage(t)
  const old = await token('self-built')
  const { secret } = control.resetSecret({ corpId, agentId: agentId('self-built') })

  const withOld = await fetchText(
    `${emulator.apiUrl}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=${company.apps[0]?.secret}`,
  )
  const withNew = await fetchText(`${emulator.apiUrl}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=${secret}`)
  const used = await fetchText(`${emulator.apiUrl}/cgi-bin/agent/list?access_token=${String(old['access_token'])}`)

  assert.equal(parse(withOld.body)['errcode'], 40001)
  assert.equal(parse(withNew.body)['errcode'], 0)
  assert.equal(parse(used.body)['errcode'], 40014)
})

test('an untrusted address gets 60020 with the address, on business calls and by its reading on gettoken', async (t) => {
  const { control, corpId, agentId, as, token } = await stage(t)
  control.patchApp({ corpId, agentId: agentId('self-built'), patch: { trustedAddresses: ['198.51.100.7'] } })
  control.changeSettings({ callerAddress: '203.0.113.9' })

  const refused = await as('self-built').get('department/list')
  const tokenFirst = await token('self-built')
  control.changeSettings({ readings: { gettokenChecksAddress: true } })
  const tokenThen = await token('self-built')
  control.changeSettings({ callerAddress: '198.51.100.7' })

  assert.equal(refused['errcode'], 60020)
  assert.match(
    String(refused['errmsg']),
    /^not allow to access from your ip, hint: \[\d+\], from ip: 203\.0\.113\.9, more info/,
  )
  assert.deepEqual([tokenFirst['errcode'], tokenThen['errcode']], [0, 60020])
  assert.equal((await as('self-built').get('department/list'))['errcode'], 0)
})

test('the contacts-sync assistant reads only ids from a new address', async (t) => {
  const { control, corpId, agentId, as } = await stage(t)
  const assistant = as('contacts-sync')
  const codes = async () => {
    const replies = await Promise.all([
      assistant.get('department/list'),
      assistant.get('user/list', { department_id: 1 }),
      assistant.get('department/simplelist'),
      assistant.post('user/list_id', {}),
    ])
    return replies.map(({ errcode }) => errcode)
  }

  assert.deepEqual(await codes(), [48009, 48009, 0, 0])
  control.patchApp({ corpId, agentId: agentId('contacts-sync'), patch: { knownAddresses: ['127.0.0.1'] } })
  assert.deepEqual(await codes(), [0, 0, 0, 0])
  control.advanceClock({ ms: 91 * 86_400_000 })
  assert.deepEqual(await codes(), [48009, 48009, 0, 0], 'an address unused for 90 days is new again')
})

test('a disabled app, a banned company and a foreign agentid are told apart', async (t) => {
  const { control, corpId, agentId, as, token } = await stage(t)
  const app = { corpId, agentId: agentId('self-built') }

  const mismatch = await as('self-built').get('agent/get', { agentid: 1 })
  control.patchApp({ ...app, patch: { isEnabled: false } })
  const disabled = await as('self-built').get('agent/list')
  const disabledToken = await token('self-built')
  control.patchApp({ ...app, patch: { isEnabled: true } })
  control.patchCompany({ corpId, isAvailable: false })
  const banned = await as('self-built').get('agent/list')

  assert.equal(mismatch['errcode'], 301002)
  assert.deepEqual([disabled['errcode'], disabledToken['errcode']], [50003, 50003])
  assert.equal(banned['errcode'], 301007)
})

test('list_id pages by rows, refuses apps, and spells some userids its own way', async (t) => {
  const { control, corpId, as } = await stage(t, { people: 300 })
  const { members } = control.truth({ corpId })
  const [first] = members
  control.setSpelling({ corpId, userid: first?.userid ?? '', spelling: 'SPELT.otherwise' })

  const seen: unknown[] = []
  let cursor = ''
  do {
    const page = await as('contacts-sync').post('user/list_id', { cursor, limit: 7 })
    seen.push(...rows(page, 'dept_user'))
    cursor = String(page['next_cursor'])
  } while (cursor !== '' && seen.length < 10_000)
  const byApp = await as('self-built').post('user/list_id', {})
  const badCursor = await as('contacts-sync').post('user/list_id', { cursor: 'invented' })

  assert.equal(seen.length, members.flatMap(({ department }) => department).length)
  assert.deepEqual(seen[0], { userid: 'SPELT.otherwise', department: first?.department[0] })
  assert.deepEqual([byApp['errcode'], byApp['dept_user']], [48002, []])
  assert.equal(badCursor['errcode'], 50100)
})

test('members are found by mobile and mail, ids are converted there and back', async (t) => {
  const { control, corpId, agentId, as } = await stage(t, { people: 50 })
  const member = control
    .truth({ corpId })
    .members.find(({ mobile, biz_mail, status }) => mobile && biz_mail && status === 1)
  const userid = member?.userid ?? ''

  const byMobile = await as('self-built').post('user/getuserid', { mobile: `+86 ${member?.mobile}` })
  const byMail = await as('self-built').post('user/get_userid_by_email', { email: member?.biz_mail.toUpperCase() })
  const nobody = await as('self-built').post('user/getuserid', { mobile: '10000000000' })
  const sealed = await as('third-party').post('batch/userid_to_openuserid', { userid_list: [userid, 'nobody'] })
  const open_userid = rows(sealed, 'open_userid_list')[0]?.['open_userid']
  const opened = await as('self-built').post('batch/openuserid_to_userid', {
    open_userid_list: [open_userid],
    source_agentid: agentId('third-party'),
  })
  const { openid } = await as('self-built').post('user/convert_to_openid', { userid })
  const back = await as('self-built').post('user/convert_to_userid', { openid })

  assert.deepEqual([byMobile['userid'], byMail['userid'], nobody['errcode']], [userid, userid, 46004])
  assert.deepEqual(sealed['invalid_userid_list'], ['nobody'])
  assert.deepEqual(opened['userid_list'], [{ userid, open_userid }])
  assert.equal(back['userid'], userid)
})

test('a sign-in code works once, for five minutes, for its app', async (t) => {
  const { control, corpId, agentId, as } = await stage(t)
  const [member] = control.truth({ corpId }).members
  const userid = member?.userid ?? ''
  const mint = () => control.mintCode({ corpId, agentId: agentId('self-built'), identity: { userid } }).code
  const exchange = (code: string) => as('self-built').get('auth/getuserinfo', { code })
  const code = mint()

  const foreign = await as('self-built-before-2022').get('auth/getuserinfo', { code })
  const good = await exchange(code)
  const again = await exchange(code)
  const legacy = await as('self-built').get('user/getuserinfo', { code: mint() })
  const late = mint()
  control.advanceClock({ ms: 300_001 })
  const expired = await exchange(late)
  const outsider = control.mintCode({
    corpId,
    agentId: agentId('self-built'),
    identity: { openid: 'oX', externalUserid: 'wm1' },
  })

  assert.equal(foreign['errcode'], 50001)
  assert.equal(good['userid'], userid)
  assert.deepEqual([again['errcode'], expired['errcode']], [40029, 40029])
  assert.equal(legacy['UserId'], userid)
  assert.deepEqual(await exchange(outsider.code), { errcode: 0, errmsg: 'ok', openid: 'oX', external_userid: 'wm1' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { providerStage } from './provider-stage.ts'
import { encodingAesKey, startReceiver, token } from '../callbacks/test-receiver.ts'

async function called(t: TestContext) {
  const staged = await providerStage(t)
  const receiver = await startReceiver(t)
  const { control } = staged
  // The deadlines are tried elsewhere; here they would only measure the machine.
  control.changeDeliverySettings({ retryPauseMs: 0, verificationDeadlineMs: 30_000 })
  const keys = { token, encodingAesKey }
  const addresses = { commandUrl: `${receiver.url}/command`, dataUrl: `${receiver.url}/data` }
  return {
    ...staged,
    receiver,
    keys,
    addresses,
    listen: (suiteId: string, given: { firstTicket?: boolean } = {}) =>
      control.setSuiteCallback({ suiteId, ...keys, ...addresses, firstTicket: false, ...given }),
    /** What has come since the last time, as element → text, for signed messages only. */
    news: async () => {
      await control.deliveriesSettled()
      const news = receiver.received.splice(0).map(({ path, receiveId, message, isSigned }) => {
        assert.ok(isSigned)
        return { path: path.split('/').at(-1), receiveId, ...fieldsOf(message) }
      })
      return news as ({ path: string; receiveId: string } & Record<string, string>)[]
    },
  }
}

function fieldsOf(message: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const [, name = '', cdata, bare = ''] of message.matchAll(/<(\w+)>(?:<!\[CDATA\[([^]*?)\]\]>|([^<]*))<\/\1>/g)) {
    fields[name] = cdata ?? bare
  }
  return fields
}

test('both addresses are verified before they are entered, and the first ticket comes at once', async (t) => {
  const { control, template, receiver, keys, addresses, listen, news } = await called(t)
  const { suiteId } = template
  let asked = 0
  receiver.verifiesBy = (response, echo) => {
    asked++
    response.end(asked === 2 ? 'something else' : echo)
  }

  const refused = await listen(suiteId)
  assert.deepEqual([refused.ok, [refused.command.ok, refused.data?.ok].filter(Boolean).length], [false, 1])
  assert.equal(control.providers()[0]?.suites[0]?.callback, null)

  const accepted = await listen(suiteId, { firstTicket: true })
  assert.deepEqual([accepted.ok, asked], [true, 4])
  const [ticket, ...more] = await news()
  assert.equal(more.length, 0)
  assert.deepEqual([ticket?.['InfoType'], ticket?.['SuiteId'], ticket?.receiveId], ['suite_ticket', suiteId, suiteId])
  assert.deepEqual(control.providers()[0]?.suites[0]?.callback, { ...addresses, envelope: 'xml' })
  const only = await control.setSuiteCallback({ suiteId, ...keys, commandUrl: addresses.commandUrl })
  assert.deepEqual([only.ok, only.data], [true, null])
})

test('addresses are verified with the id of the provider, or of the suite by switch', async (t) => {
  const { control, template, provider, listen, receiver } = await called(t)
  const ids: string[] = []
  receiver.verifiesBy = (response, echo, receiveId) => {
    ids.push(receiveId)
    response.end(echo)
  }

  await listen(template.suiteId)
  control.changeSettings({ readings: { suiteVerificationReceiver: 'suite' } })
  await listen(template.suiteId)

  assert.deepEqual(ids, [provider.corpId, provider.corpId, template.suiteId, template.suiteId])
})

test('tickets come every ten minutes of the emulated clock, and a pushed one is good', async (t) => {
  const { control, template, suite, listen, news, post } = await called(t)
  await listen(template.suiteId)
  control.pushTicket({ suiteId: suite.suiteId })

  control.advanceClock({ ms: 9 * 60_000 })
  assert.deepEqual(await news(), [], 'nothing yet, and never for a suite without an address')
  control.advanceClock({ ms: 60_000 })
  const [first] = await news()
  control.advanceClock({ ms: 600_000 })
  const [second] = await news()
  control.advanceClock({ ms: 86_400_000 })
  assert.equal((await news()).length, 1, 'one ticket after a day, not 144')

  assert.notEqual(first?.['SuiteTicket'], second?.['SuiteTicket'])
  const { ticket } = control.pushTicket({ suiteId: template.suiteId })
  const [pushed] = await news()
  assert.equal(pushed?.['SuiteTicket'], ticket)
  const reply = await post('service/get_suite_token', {
    suite_id: template.suiteId,
    suite_secret: template.secret,
    suite_ticket: ticket,
  })
  assert.equal(reply['errcode'], 0)
})

test('the life of an authorisation is told to the suite, in its own words', async (t) => {
  const { control, template, corpId, listen, news, as } = await called(t)
  const { suiteId } = template
  await listen(suiteId)
  const ref = { suiteId, corpId }

  const made = control.authorize({ ...ref, from: 'wecom', state: 'S1' })
  const [created] = await news()
  assert.deepEqual(
    [created?.path, created?.receiveId, created?.['InfoType'], created?.['State'], created?.['AuthCorpId']],
    ['command', suiteId, 'create_auth', 'S1', undefined],
  )
  assert.equal(created?.['AuthCode'], made.authCode)
  const exchanged = await as(template).post('service/v2/get_permanent_code', { auth_code: created?.['AuthCode'] })
  await news()
  assert.equal(exchanged['permanent_code'], made.permanentCode)

  control.changeAuthorization({ ...ref, range: { departments: [], members: [], tags: [1] }, seats: 5 })
  const [changed] = await news()
  assert.deepEqual(
    [changed?.['InfoType'], changed?.['AuthCorpId'], changed?.['AuthCode']],
    ['change_auth', made.openCorpId, undefined],
  )
  const { authCode } = control.resetPermanentCode(ref)
  const [reset] = await news()
  assert.deepEqual(
    [reset?.['InfoType'], reset?.['AuthCode'], reset?.['AuthCorpId']],
    ['reset_permanent_code', authCode, undefined],
  )
  control.cancelAuthorization(ref)
  const [cancelled] = await news()
  assert.deepEqual([cancelled?.['InfoType'], cancelled?.['AuthCorpId']], ['cancel_auth', made.openCorpId])

  control.authorize({ ...ref, from: 'provider' })
  assert.deepEqual(await news(), [], 'an installation on the provider’s side is told by the redirect only')
})

test('what happens in an authorised company goes to the data URL of a template, as to an app', async (t) => {
  const { control, template, corpId, otherCorpId, listen, news, authorized, activeMember } = await called(t)
  const before = authorized(template, corpId)
  await listen(template.suiteId)
  authorized(template, otherCorpId)
  const userid = activeMember(corpId)

  control.patchMember({ corpId, userid, patch: { name: '新名字' } })
  const [first, ...more] = await news()
  control.changeSettings({ readings: { suiteDataReceiver: 'suite' } })
  await listen(template.suiteId)
  control.patchMember({ corpId, userid, patch: { name: '又一个' } })
  const [second] = await news()
  control.cancelAuthorization({ suiteId: template.suiteId, corpId })
  await news()
  control.patchMember({ corpId, userid, patch: { name: '最后' } })

  assert.equal(more.length, 0)
  assert.deepEqual(
    [first?.path, first?.receiveId, first?.['ToUserName'], first?.['ChangeType'], first?.['Name']],
    ['data', before.openCorpId, before.openCorpId, 'update_user', '新名字'],
  )
  assert.match(first?.['UserID'] ?? '', /^wo[\w-]{30}$/)
  assert.equal(second?.receiveId, template.suiteId)
  assert.deepEqual(await news(), [])
})

test('an app for any company hears of its companies at the command URL', async (t) => {
  const { control, suite, corpId, listen, news, activeMember } = await called(t)
  await listen(suite.suiteId)
  const { openCorpId } = control.authorize({ suiteId: suite.suiteId, corpId, from: 'provider' })

  control.removeMembers({ corpId, userids: [activeMember(corpId)] })
  const [gone] = await news()

  assert.deepEqual(
    [gone?.path, gone?.receiveId, gone?.['InfoType'], gone?.['ChangeType'], gone?.['AuthCorpId']],
    ['command', suite.suiteId, 'change_contact', 'delete_user', openCorpId],
  )
  assert.equal(gone?.['UserID'], gone?.['OpenUserID'])
})

test('any message can be sent to a suite, rightly or wrongly', async (t) => {
  const { control, template, listen, news, receiver } = await called(t)
  const { suiteId } = template
  assert.throws(() => control.sendSuiteEvent({ suiteId, message: 'x' }), /has no callback address/)
  await listen(suiteId)

  control.sendSuiteEvent({ suiteId, message: { InfoType: 'cancel_auth', AuthCorpId: 'wpk1' } })
  const [sent] = await news()
  control.sendSuiteEvent({ suiteId, message: '<xml/>', to: 'data', attempts: 1, tampering: { signature: 'wrong' } })
  await control.deliveriesSettled()

  assert.deepEqual([sent?.['SuiteId'], sent?.['InfoType'], sent?.['AuthCorpId']], [suiteId, 'cancel_auth', 'wpk1'])
  assert.deepEqual(
    receiver.received.map(({ path, isSigned }) => [path.split('/').at(-1), isSigned]),
    [['data', false]],
  )
  assert.equal(control.removeSuiteCallback({ suiteId }).removed, true)
  control.pushTicket({ suiteId })
  await control.deliveriesSettled()
  assert.equal(receiver.received.length, 1)
})

test('an app with an address of its own is called there under the id that its provider sees', async (t) => {
  const { control, template, corpId, receiver, keys, news, authorized, activeMember } = await called(t)
  const { openCorpId, agentId } = authorized(template, corpId)

  const verified = await control.setCallback({ corpId, agentId, url: `${receiver.url}/own`, ...keys })
  control.patchMember({ corpId, userid: activeMember(corpId), patch: { name: '新名字' } })
  const [told] = await news()

  assert.equal(verified.ok, true)
  assert.deepEqual([told?.path, told?.receiveId, told?.['ToUserName']], ['own', openCorpId, openCorpId])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { createSender } from './sender.ts'
import { decryptMessage } from '../crypto.ts'
import { fetchText, parse, stage, until } from '../test-client.ts'
import { element, encodingAesKey, startReceiver, token } from './test-receiver.ts'

/** A company whose assistant is called back; deliveries are tried again at once. */
async function listening(t: TestContext) {
  const staged = await stage(t)
  const receiver = await startReceiver(t)
  const { control, corpId } = staged
  const entry = { corpId, agentId: 0, url: receiver.url, token, encodingAesKey }
  control.changeDeliverySettings({ retryPauseMs: 0, verificationDeadlineMs: 30_000 })
  const verification = await control.setCallback(entry)
  const send = (id: string, more: object = {}) =>
    control.sendEvent({ corpId, agentId: 0, message: { ChangeType: 'update_user', UserID: id }, ...more })
  const userids = () => receiver.messages().map((message) => element(message, 'UserID'))
  return { ...staged, receiver, entry, verification, send, userids }
}

/** As a client would see it: what came of one delivery. */
async function ended(control: Awaited<ReturnType<typeof stage>>['control'], id: number) {
  await control.deliveriesSettled()
  const record = control.deliveries().find((delivery) => delivery.id === id)
  assert.ok(record)
  return record
}

test("an address is kept when it answers like WeCom's own library", async (t) => {
  const { control, verification, entry } = await listening(t)

  assert.deepEqual([verification.ok, verification.status, verification.reason], [true, 200, undefined])
  assert.deepEqual(control.callbacks(), [entry])
  assert.deepEqual(control.removeCallback(entry), { removed: true })
  assert.deepEqual(control.removeCallback(entry), { removed: false })
  assert.deepEqual(control.callbacks(), [])
})

test('an address that answers wrongly is refused with the reason, and the one before stays', async (t) => {
  const { control, receiver, entry } = await listening(t)
  const reasons: (string | undefined)[] = []
  const attempt = async (verifiesBy: typeof receiver.verifiesBy) => {
    receiver.verifiesBy = verifiesBy
    const { ok, reason } = await control.setCallback({ ...entry, url: `${receiver.url}/other` })
    assert.equal(ok, false)
    reasons.push(reason)
  }

  await attempt((response, echo) => response.end(`"${echo}"`))
  await attempt((response, echo) => response.end(`${echo}\n`))
  await attempt((response, echo) => response.end(`\uFEFF${echo}`))
  await attempt((response) => response.end('success'))
  await attempt((response) => response.writeHead(302, { location: receiver.url }).end())
  await attempt((response) => response.destroy())
  control.changeDeliverySettings({ verificationDeadlineMs: 100 })
  await attempt(() => undefined)

  assert.deepEqual(reasons, [
    'the answer has quotes around the text',
    'the answer has white space or a line end around the text',
    'the answer begins with a byte order mark',
    'the answer is not the decrypted text',
    'HTTP 302',
    'no answer: ECONNRESET',
    'no whole answer within 100 ms',
  ])
  assert.deepEqual(control.callbacks(), [entry])
})

test('what the console would not take is not even tried', async (t) => {
  const { control, entry } = await listening(t)
  const reasonOf = async (change: object) => (await control.setCallback({ ...entry, ...change })).reason

  assert.equal(await reasonOf({ url: 'ftp://sso.example' }), 'the URL must begin with http:// or https://')
  assert.equal(await reasonOf({ token: 'a-b' }), 'the Token must be 1 to 32 letters and digits')
  assert.equal(await reasonOf({ token: 'a'.repeat(33) }), 'the Token must be 1 to 32 letters and digits')
  assert.equal(await reasonOf({ encodingAesKey: 'short' }), 'the EncodingAESKey must be 43 letters and digits')
  assert.equal(await reasonOf({ encodingAesKey: 'b'.repeat(43) }), 'the answer is not the decrypted text')
  await assert.rejects(control.setCallback({ ...entry, agentId: 7 }), /no app 7/)
})

test("a message is opened by WeCom's own library, in both envelopes and with any text", async (t) => {
  const { control, receiver, send, corpId, entry, userids } = await listening(t)

  const ids = ['张三', 'a]]>b', '<&">', '😀', ...Array.from({ length: 40 }, (_, length) => 'x'.repeat(length + 1))]
  for (const id of ids) send(id)
  await control.deliveriesSettled()
  await control.setCallback({ ...entry, envelope: 'json' })
  send('by JSON')
  await control.deliveriesSettled()

  assert.deepEqual(new Set(receiver.received.map(({ isSigned }) => isSigned)), new Set([true]))
  assert.deepEqual(new Set(receiver.received.map(({ receiveId }) => receiveId)), new Set([corpId]))
  assert.deepEqual(userids().sort(), [...ids, 'by JSON'].map((id) => id.replace(']]>', ']]]]><![CDATA[>')).sort())
  const [first, last] = [receiver.received[0], receiver.received.at(-1)]
  assert.equal(first?.contentType, 'text/xml; charset=utf-8')
  assert.equal(element(first?.body ?? '', 'ToUserName'), corpId)
  assert.equal(element(first?.body ?? '', 'AgentID'), '')
  assert.equal(last?.contentType, 'application/json; charset=utf-8')
  assert.deepEqual(Object.keys(JSON.parse(last?.body ?? '') as object).sort(), ['agentid', 'encrypt', 'tousername'])
})

test('the order of the elements of the envelope varies', async (t) => {
  const { control, receiver, send } = await listening(t)

  for (let i = 0; i < 20; i++) send(String(i))
  await control.deliveriesSettled()

  const orders = receiver.received.map(({ body }) => body.replace(/<!\[CDATA.*?\]\]>/g, ''))
  assert.equal(new Set(orders).size, 2)
})

test('an event is tried three times with the same bytes, and then given up', async (t) => {
  const { control, receiver, send } = await listening(t)
  receiver.answer = (response) => response.writeHead(503).end('busy')

  const lost = await ended(control, send('lost').id)
  receiver.answer = (response) =>
    receiver.received.length === 5 ? response.writeHead(200).end('whatever') : response.writeHead(500).end()
  const late = await ended(control, send('late').id)

  assert.equal(lost.outcome, 'failed')
  assert.deepEqual(
    lost.attempts.map(({ status, reason, answer }) => [status, reason, answer]),
    Array.from({ length: 3 }, () => [503, 'HTTP 503', 'busy']),
  )
  assert.equal(new Set(receiver.received.slice(0, 3).map(({ body, query }) => `${query.toString()} ${body}`)).size, 1)
  assert.deepEqual([late.outcome, late.attempts.length], ['delivered', 2])
  assert.deepEqual(control.countDeliveries(), {
    waiting: 0,
    delivered: 1,
    failed: 1,
    dropped: 0,
    cancelled: 0,
    attempts: 5,
  })
})

test('no answer in time, a broken connection and a closed port all count as attempts', async (t) => {
  const { control, receiver, send } = await listening(t)
  control.changeDeliverySettings({ deadlineMs: 100, attempts: 1 })

  receiver.answer = () => undefined
  const silent = await ended(control, send('silent').id)
  receiver.answer = (response) => response.writeHead(200).write('succ')
  const unfinished = await ended(control, send('unfinished').id)
  control.changeDeliverySettings({ deadlineMs: 30_000 })
  receiver.answer = (response) => response.destroy()
  const broken = await ended(control, send('broken').id)
  receiver.answer = (response) => response.end('x'.repeat(100_000))
  const endless = await ended(control, send('endless').id)
  await receiver.close()
  const refused = await ended(control, send('refused').id)

  const reasons = [silent, unfinished, broken, endless, refused].map(({ attempts }) => attempts.at(-1)?.reason)
  assert.deepEqual(reasons, [
    'no whole answer within 100 ms',
    'no whole answer within 100 ms',
    'no answer: ECONNRESET',
    'no answer: the answer is longer than 64 kB',
    'no answer: ECONNREFUSED',
  ])
})

test('a connection that the receiver closed while idle costs no attempt', async (t) => {
  const { control, receiver, send } = await listening(t)
  control.changeDeliverySettings({ attempts: 1 })
  const answers = [(response: { end: (text: string) => void }) => response.end('success')]
  receiver.answer = (response, { message }) => {
    // The first time that the second message comes, its kept-alive connection dies without an answer.
    if (element(message, 'UserID') === 'second' && answers.length > 0) {
      answers.pop()
      response.destroy()
    } else response.end('success')
  }

  await ended(control, send('first').id)
  const second = await ended(control, send('second').id)

  assert.deepEqual([second.outcome, second.attempts.length], ['delivered', 1])
})

test('command callbacks of a suite must be answered by exactly success', async (t) => {
  const { control, receiver } = await listening(t)
  const sender = createSender({ seed: '1', now: Date.now, realNow: Date.now })
  t.after(() => sender.close())
  sender.change({ retryPauseMs: 0 })
  const order = {
    url: receiver.url,
    token,
    encodingAesKey,
    receiveId: 'ww0000000000000001',
    toUserName: 'ww0000000000000001',
    agentId: null,
    message: '<xml><InfoType>suite_ticket</InfoType></xml>',
    expects: 'success' as const,
  }

  const good = await sender.deliver(order).ended
  receiver.answer = (response) => response.end('"success"')
  const bad = await sender.deliver(order).ended

  assert.equal(good.outcome, 'delivered')
  assert.deepEqual([bad.outcome, bad.attempts.length], ['failed', 3])
  assert.equal(bad.attempts[0]?.reason, 'the answer is not exactly "success"')
  assert.equal(receiver.received[0]?.receiveId, 'ww0000000000000001')
  assert.deepEqual(control.deliveries(), [])
})

test('the same dice drop, double and forge the same events, and the record says which', async (t) => {
  const { control, receiver, send, userids } = await listening(t)
  const round = async () => {
    control.clearDeliveries()
    receiver.received.length = 0
    control.changeDeliverySettings({ seed: 'dice', dropPercent: 30, duplicatePercent: 20, forgedPercent: 10 })
    for (let i = 0; i < 200; i++) send(String(i))
    const totals = await control.deliveriesSettled()
    const fates = control.deliveries().map(({ message, kind, outcome }) => [element(message, 'UserID'), kind, outcome])
    return { totals, fates, received: userids().length }
  }

  const first = await round()
  const second = await round()

  assert.deepEqual(second, first)
  const count = (kind: string, outcome: string) => first.fates.filter(([, k, o]) => k === kind && o === outcome).length
  assert.ok(count('original', 'dropped') > 40 && count('original', 'dropped') < 80)
  assert.ok(count('duplicate', 'delivered') > 15)
  assert.ok(count('forged', 'delivered') > 5)
  assert.equal(first.totals.dropped, count('original', 'dropped'))
  assert.equal(first.fates.length, 200 + count('duplicate', 'delivered') + count('forged', 'delivered'))
})

test('a duplicate has the same bytes, or is encrypted afresh', async (t) => {
  const { control, receiver, send } = await listening(t)

  control.changeDeliverySettings({ duplicatePercent: 100 })
  send('twice')
  await control.deliveriesSettled()
  control.changeDeliverySettings({ duplicates: 'encrypted-afresh' })
  send('again')
  await control.deliveriesSettled()

  const bodies = receiver.received.map(({ body }) => element(body, 'Encrypt'))
  assert.equal(bodies.length, 4)
  assert.equal(bodies[0], bodies[1])
  assert.notEqual(bodies[2], bodies[3])
  const [, copy] = control.deliveries()
  assert.deepEqual([copy?.kind, copy?.copyOf], ['duplicate', 1])
})

test('every forged copy is one that a receiver can tell', async (t) => {
  const { control, receiver, send, corpId } = await listening(t)
  control.changeDeliverySettings({ forgedPercent: 100 })

  for (let i = 0; i < 60; i++) send(String(i))
  await control.deliveriesSettled()

  const forged = new Set(control.deliveries({ kind: 'forged' }).map(({ sent }) => sent?.query))
  const accepted = receiver.received.filter(({ query, isSigned, body }) => {
    if (!forged.has(query.toString()) || !isSigned) return false
    // WeCom's library does not look at the padding, so this is left to ours, which does.
    try {
      return decryptMessage(encodingAesKey, element(body, 'Encrypt') ?? '').receiveId === corpId
    } catch {
      return false
    }
  })
  assert.equal(receiver.received.length, 120)
  assert.deepEqual(accepted, [])
})

test('deliveries wait while they are paused, and come in the order that is asked for', async (t) => {
  const { control, send, userids, receiver } = await listening(t)
  control.changeDeliverySettings({ parallel: 1 })
  const batch = async (order?: 'as-made' | 'reversed' | 'shuffled') => {
    receiver.received.length = 0
    control.pauseDeliveries()
    for (const id of '12345678') send(id)
    assert.equal(control.countDeliveries().waiting, 8)
    await assert.rejects(control.deliveriesSettled(), /paused and 8 wait/)
    control.resumeDeliveries(order && { order })
    await control.deliveriesSettled()
    return userids().join('')
  }

  assert.equal(await batch(), '12345678')
  assert.equal(await batch('reversed'), '87654321')
  const shuffled = await batch('shuffled')
  assert.notEqual(shuffled, '12345678')
  assert.equal(shuffled.split('').sort().join(''), '12345678')
})

test('pausing tells those who wait for the end', async (t) => {
  const { control, receiver, send } = await listening(t)
  receiver.answer = () => undefined
  send('1')
  const waiting = control.deliveriesSettled()

  control.pauseDeliveries()

  await assert.rejects(waiting, /call resumeDeliveries/)
})

test('within the window of reordering later events overtake earlier ones', async (t) => {
  const { control, send, userids } = await listening(t)
  control.changeDeliverySettings({ reorderWindowMs: 60, parallel: 1 })

  const ids = Array.from({ length: 20 }, (_, i) => String(i))
  for (const id of ids) send(id)
  await control.deliveriesSettled()

  assert.notDeepEqual(userids(), ids)
  assert.deepEqual(userids().sort(), ids.sort())
})

test('requests to one host at the same time are limited', async (t) => {
  const { control, receiver, send } = await listening(t)
  control.changeDeliverySettings({ parallel: 3 })
  const held: (() => void)[] = []
  receiver.answer = (response) => held.push(() => response.end('success'))
  for (let i = 0; i < 10; i++) send(String(i))

  await until(() => held.length === 3)
  assert.equal(receiver.received.length, 3)
  receiver.answer = (response) => response.end('success')
  for (const release of held) release()
  const totals = await control.deliveriesSettled()

  assert.equal(totals.delivered, 10)
})

test('callbacks carry the time of the machine, unless that of the emulated world is wanted', async (t) => {
  const { control, receiver, send } = await listening(t)
  control.advanceClock({ ms: 7_200_000 })

  send('now')
  await control.deliveriesSettled()
  control.changeDeliverySettings({ timestamps: 'emulated' })
  send('in two hours')
  await control.deliveriesSettled()

  const times = receiver.received.map(({ query, message }) => [query.get('timestamp'), element(message, 'CreateTime')])
  const [[machine = ''] = [], [emulated = ''] = []] = times
  assert.ok(Number(emulated) - Number(machine) >= 7_199)
  assert.ok(Math.abs(Number(machine) * 1000 - Date.now()) < 60_000)
  assert.deepEqual(
    times.map(([timestamp, created]) => Number(timestamp) - Number(created) <= 1),
    [true, true],
  )
})

test('an old delivery can be replayed, also with digits that its signature does not miss', async (t) => {
  const { control, receiver, send } = await listening(t)
  const { id } = send('once', { tampering: { shiftDigits: 0 } })
  await control.deliveriesSettled()

  const same = control.replayDelivery({ id })
  const shifted = control.replayDelivery({ id, shiftDigits: 3 })
  const atOnce = send('shifted', { tampering: { shiftDigits: 2 } })
  await control.deliveriesSettled()

  assert.deepEqual([same.kind, same.copyOf, shifted.copyOf], ['repeat', id, id])
  assert.deepEqual(
    receiver.received.map(({ isSigned }) => isSigned),
    [true, true, true, true],
  )
  const lengths = control.deliveries().map((record) => new URLSearchParams(record.sent?.query).get('timestamp')?.length)
  assert.deepEqual(lengths, [10, 10, 13, 12])
  assert.equal(control.deliveries({ kind: 'original' }).at(-1)?.id, atOnce.id)
  assert.throws(() => control.replayDelivery({ id: 99 }), /was never sent/)
})

test('companies that are removed and emulators that are closed send nothing any more', async (t) => {
  const { control, receiver, send, corpId, emulator } = await listening(t)
  control.changeDeliverySettings({ delayMs: 60_000 })
  const { id } = send('late')

  control.removeCompany({ corpId })
  const totals = await control.deliveriesSettled()

  assert.deepEqual([totals.cancelled, control.callbacks()], [1, []])
  assert.equal(control.deliveries().find((record) => record.id === id)?.outcome, 'cancelled')
  await emulator.close()
  assert.deepEqual(receiver.received, [])
})

test('reset forgets addresses, records and settings', async (t) => {
  const { control, send } = await listening(t)
  const before = control.deliverySettings()
  control.changeDeliverySettings({ dropPercent: 100, seed: 'x' })
  send('dropped')
  control.pauseDeliveries()

  control.reset()

  assert.deepEqual(control.callbacks(), [])
  assert.deepEqual(control.deliveries(), [])
  assert.deepEqual(control.deliverySettings(), {
    ...before,
    retryPauseMs: 1_000,
    verificationDeadlineMs: 1_000,
  })
  assert.equal((await control.deliveriesSettled()).dropped, 0)
  assert.throws(() => send('nowhere'), /has no callback address/)
})

test('a body can arrive slowly, and a receiver that gives up first is an answer like any other', async (t) => {
  const { control, receiver, send } = await listening(t)

  const slow = await ended(control, send('slow', { tampering: { body: 'x'.repeat(10), bytesPerSecond: 500 } }).id)
  control.changeDeliverySettings({ deadlineMs: 100 })
  const tampering = { body: 'x'.repeat(10), bytesPerSecond: 1 }
  const slower = await ended(control, send('slower', { tampering, attempts: 1 }).id)

  assert.deepEqual([slow.outcome, receiver.received[0]?.body], ['delivered', 'x'.repeat(10)])
  assert.equal(slower.attempts[0]?.reason, 'no whole answer within 100 ms')
  assert.equal(receiver.received.length, 1)
})

test('an address over TLS must have a certificate that is trusted', async (t) => {
  const { control, entry } = await listening(t)
  const { emulator } = await stage(t, { tls: 'self-signed' })

  const { ok, reason } = await control.setCallback({ ...entry, url: emulator.tlsUrl ?? '' })

  assert.deepEqual([ok, reason], [false, 'no answer: DEPTH_ZERO_SELF_SIGNED_CERT'])
})

test('the control port answers when the last delivery has ended', async (t) => {
  const { emulator, control, receiver, entry, corpId } = await listening(t)
  const post = async (name: string, argument: unknown) => {
    const reply = await fetchText(`${emulator.controlUrl}/${name}`, { method: 'POST', body: JSON.stringify(argument) })
    return { status: reply.status, result: parse(reply.body) }
  }
  const held: (() => void)[] = []
  receiver.answer = (response) => held.push(() => response.end('success'))

  const verified = await post('setCallback', { ...entry, form: 'full' })
  await post('addDepartment', { corpId, department: { name: '新', parentid: 1 } })
  await until(() => held.length === 1)
  const settling = post('deliveriesSettled', {})
  for (const release of held) release()
  const settled = await settling
  await post('pauseDeliveries', {})
  const event = { corpId, agentId: 0, message: '<xml/>', tampering: { signature: 'wrong' } }
  const sent = await post('sendEvent', event)
  const stuck = await post('deliveriesSettled', {})
  const misspelt = await post('sendEvent', { ...event, tampering: { signatur: 'wrong' } })

  assert.equal(verified.result['ok'], true)
  assert.equal(settled.result['delivered'], 1)
  assert.deepEqual([sent.result['outcome'], sent.result['message']], ['waiting', '<xml/>'])
  assert.equal(stuck.status, 400)
  assert.match(String(stuck.result['error']), /paused and 1 wait/)
  assert.equal(misspelt.status, 400)
  assert.equal(control.deliveries({ event: 'create_party' }).length, 1)
})

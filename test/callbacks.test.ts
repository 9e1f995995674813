/** What WeCom sends to us, over HTTP: what is taken, what is refused, what is kept, and that none of it is lost or counts twice. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import {
  createConnection,
  deleteConnection,
  getConnection,
  getEvent,
  listEvents,
  updateConnection,
  type Event,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import {
  AES_KEY,
  contactEvent,
  createSender,
  envelope,
  queryOf,
  sign,
  suiteEvent,
  TOKEN,
  type SenderSettings,
} from './callback-sender.ts'
import type { RawAnswer } from './client.ts'
import { eventually } from './eventually.ts'
import { movableClock, temporaryFolder } from './server.ts'
import { startStack, type Stack, type StackOptions } from './stack.ts'

const SUITE = 'dk0123456789abcdef'
const PROVIDER = 'ww00000000provider'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('CB-08: an address is verified with exactly the text that WeCom encrypted', async (url) => {
    await using stack = await startListening(url)
    const sender = senderOf(stack)

    for (const text of ['1616140317555161061', '0', 'a b+c%2B', '企业微信 💼', 'x'.repeat(2000)]) {
      const answer = await sender.verify(text)
      assert.deepEqual([answer.status, answer.text], [200, text])
      assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
    }

    // A proxy or a sender that has not encoded the plus signs: they arrive as spaces.
    const sealed = plusSigned((text) => sender.seal(text))
    const echo = (encoded: string) => sender.get(`${queryOf(sealed)}&echostr=${encoded}`)
    for (const encoded of [
      encodeURIComponent(sealed.ciphertext),
      sealed.ciphertext.replaceAll('=', '%3D'),
      encodeURIComponent(sealed.ciphertext.replaceAll('+', ' ')),
    ]) {
      assert.equal((await echo(encoded)).status, 200, encoded)
    }
    // Verifying changes nothing, so how old it is does not matter.
    assert.equal((await sender.get(echoQuery(sender.seal('77', 1_409_659_589)))).text, '77')
    assert.equal((await eventsOf(stack)).length, 0)
  })

  testWithUrl('CB-04: messages of every padding length are taken, and each is kept', async (url) => {
    await using stack = await startListening(url)
    const sender = senderOf(stack)

    for (let length = 1; length <= 33; length++) {
      const answer = await sender.deliver(contactEvent(stack.corpId, 'update_user', { UserID: 'u'.repeat(length) }))
      assert.deepEqual([answer.status, answer.text], [200, 'success'])
    }

    const objects = (await eventsOf(stack)).map(({ object }) => object).toReversed()
    assert.deepEqual(
      objects,
      Array.from({ length: 33 }, (_, index) => `user ${'u'.repeat(index + 1)}`),
    )
  })

  testWithUrl(
    'CB-01: whatever is not from WeCom gets one and the same empty refusal, and leaves nothing',
    async (url) => {
      await using stack = await startListening(url)
      await stack.ask(createConnection, { body: { identifier: 'mute', corpId: stack.corpId } })
      const { corpId } = stack
      const sender = senderOf(stack)
      const stranger = senderOf(stack, { token: 'anotherToken' })
      const thief = senderOf(stack, { aesKey: 'GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba' })
      const neighbour = senderOf(stack, { receiveId: 'wwneighbour' })
      const message = contactEvent(corpId, 'delete_user', { UserID: 'zhangsan' })
      const sealed = sender.seal(message)
      const query = queryOf(sealed)
      const { signature, timestamp, nonce, ciphertext } = sealed
      const body = envelope(ciphertext, corpId)
      const withQuery = (changed: string) => postTo(stack, `hq?${changed}`, body)
      const withBody = (changed: string, contentType?: string | null) =>
        sender.post(sealed, { body: changed, ...(contentType === undefined ? {} : { contentType }) })
      const resigned = (changed: Partial<typeof sealed>) => sender.post(sign({ ...sealed, ...changed }))
      const saying = (text: string) => sender.post(sender.seal(text))

      const refused: Record<string, () => Promise<RawAnswer>> = {
        'no parameters': () => withQuery(''),
        'no signature': () => withQuery(`timestamp=${timestamp}&nonce=${nonce}`),
        'no timestamp': () => withQuery(`msg_signature=${signature}&nonce=${nonce}`),
        'no nonce': () => withQuery(`msg_signature=${signature}&timestamp=${timestamp}`),
        'an empty signature': () => withQuery(`msg_signature=&timestamp=${timestamp}&nonce=${nonce}`),
        'a random signature': () => withQuery(query.replace(signature, '0'.repeat(40))),
        'a short signature': () => withQuery(query.replace(signature, signature.slice(1))),
        'a long signature': () => withQuery(query.replace(signature, `${signature}0`)),
        'an upper-case signature': () =>
          withQuery(query.replace(signature, signature.toUpperCase().replace(/^\d+$/, 'A'))),
        'upper-case parameters': () => withQuery(query.toUpperCase()),
        'a repeated signature': () => withQuery(`${query}&msg_signature=${signature}`),
        'an array': () => withQuery(query.replace('msg_signature', 'msg_signature[]')),
        'an object': () => withQuery(query.replace('msg_signature', 'msg_signature[a]')),
        'another nonce': () => withQuery(query.replace(nonce, `${nonce}0`)),
        'another timestamp': () => withQuery(query.replace(timestamp, String(Number(timestamp) + 1))),
        'NUL in a parameter': () => withQuery(`${query}%00`),
        'a timestamp of nine digits': () => resigned({ timestamp: timestamp.slice(1) }),
        'a timestamp of eleven digits': () => resigned({ timestamp: `0${timestamp}` }),
        'a timestamp in words': () => resigned({ timestamp: 'yesterday!' }),
        'a timestamp in other digits': () => resigned({ timestamp: '１７０００００００００' }),
        'no body': () => withBody(''),
        'no encrypted text': () => withBody('<xml><ToUserName>a</ToUserName></xml>'),
        'two encrypted texts': () => withBody(body.replace('</xml>', `<Encrypt>${ciphertext}</Encrypt></xml>`)),
        'another encrypted text': () => withBody(body.replace(ciphertext, stranger.seal(message).ciphertext)),
        'no base64': () => resigned({ ciphertext: '!!!!' }),
        'half a block': () => resigned({ ciphertext: ciphertext.slice(0, 20) }),
        'a cut text': () => resigned({ ciphertext: ciphertext.slice(0, -44) }),
        'a bare message': () => withBody(message),
        'JSON that is none': () => withBody('{"encrypt":', 'application/json'),
        'a list': () => withBody(`["${ciphertext}"]`, 'application/json'),
        'a form': () => withBody(`encrypt=${encodeURIComponent(ciphertext)}`, 'application/x-www-form-urlencoded'),
        'an unknown type': () => withBody(body, 'application/octet-stream'),
        'a type that is none': () => withBody(body, ';;;'),
        'another charset': () => withBody(body, 'text/xml; charset=gbk'),
        'an entity': () => withBody(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${body}`),
        'signed with another token': () => sender.post(sign(sealed, 'anotherToken')),
        'sealed by a stranger': () => stranger.deliver(message),
        'sealed with another key': () => thief.deliver(message),
        'for another company': () => neighbour.deliver(message),
        'about another company': () =>
          sender.deliver(contactEvent('wwneighbour', 'delete_user', { UserID: 'zhangsan' })),
        'about a suite': () => sender.deliver(suiteEvent(SUITE, 'cancel_auth', { AuthCorpId: corpId })),
        'no message': () => saying(''),
        'no document': () => saying('hello'),
        'a document of no known form': () => saying('<xml><a>1</a></xml>'),
        'an event without its object': () => saying(contactEvent(corpId, 'delete_user', {})),
        'an entity within': () => saying(`<!DOCTYPE x [<!ENTITY e "a">]>${message}`),
        'an element twice': () => saying(message.replace('</xml>', '<UserID>lisi</UserID></xml>')),
        'for the command address': () => senderOf(stack, { path: 'hq/command' }).deliver(message),
        'for the data address': () => senderOf(stack, { path: 'hq/data' }).deliver(message),
        'a connection without a callback': () => senderOf(stack, { path: 'mute' }).deliver(message),
        'verifying without a text': () => sender.get(query),
        'verifying with a wrong signature': () =>
          sender.get(echoQuery({ ...sender.seal('77'), signature: '0'.repeat(40) })),
        'verifying two texts': () => sender.get(`${echoQuery(sender.seal('77'))}&echostr=x`),
        'verifying for another company': () => neighbour.verify('77'),
        'verifying at another address': () => senderOf(stack, { path: 'hq/command' }).verify('77'),
        'verifying a delivery that was caught': () => sender.get(echoQuery(sealed)),
      }
      for (const [what, send] of Object.entries(refused)) {
        const answer = await send()
        assert.deepEqual(
          [what, answer.status, answer.text, traces(answer)],
          [what, 403, '', { 'content-length': '0', 'cache-control': 'no-store', 'content-type': undefined }],
        )
      }

      for (const path of [
        'nobody',
        'nobody/command',
        'nobody/data',
        (await stack.ask(getConnection, { params: { id: 'hq' } })).id,
      ]) {
        const answers = [await postTo(stack, `${path}?${query}`, body), await senderOf(stack, { path }).verify('77')]
        for (const { status, text } of answers) assert.deepEqual([path, status, text], [path, 404, ''])
      }
      assert.deepEqual(await eventsOf(stack), [])
      // The signature that all of them tried to use is still good, once.
      assert.equal((await sender.post(sealed)).status, 200)
      assert.equal((await eventsOf(stack)).length, 1)
    },
  )

  testWithUrl(
    'a message is taken as XML and as JSON, with any of the types that are used for it, and with none',
    async (url) => {
      await using stack = await startListening(url)
      const sender = senderOf(stack)
      const { corpId } = stack
      const types = [
        'text/xml',
        'text/xml; charset=utf-8',
        'application/xml',
        'TEXT/XML',
        'application/json',
        'text/plain',
      ]

      for (const [index, contentType] of types.entries()) {
        const sealed = sender.seal(contactEvent(corpId, 'create_user', { UserID: `person${index}` }))
        const json = JSON.stringify({ tousername: corpId, encrypt: sealed.ciphertext, agentid: '' })
        const body = contentType === 'application/json' ? json : envelope(sealed.ciphertext, corpId)
        assert.equal((await sender.post(sealed, { contentType, body })).text, 'success', contentType)
      }
      const bare = sender.seal(contactEvent(corpId, 'create_user', { UserID: 'without' }))
      const { port, hostname } = new URL(stack.server.origin)
      const body = envelope(bare.ciphertext, corpId)
      const head = `POST /callback/wecom/hq?${queryOf(bare)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
      assert.match(await exchange({ host: hostname, port: Number(port) }, head + body), /^HTTP\/1.1 200 /)

      assert.equal((await eventsOf(stack)).length, types.length + 1)
    },
  )

  testWithUrl('CB-03: a suite takes commands for itself, and data for companies that authorised it', async (url) => {
    await using stack = await startStack(url, { people: 3 })
    await stack.ask(createConnection, {
      body: {
        identifier: 'isv',
        kind: 'service_provider',
        providerCorpId: PROVIDER,
        suiteId: SUITE,
        callback: { token: TOKEN, aesKey: AES_KEY },
      },
    })
    await stack.ask(createConnection, {
      body: { identifier: 'draft', kind: 'delegated', callback: { token: TOKEN, aesKey: AES_KEY } },
    })
    await stack.ask(createConnection, {
      body: { identifier: 'template', kind: 'delegated', suiteId: SUITE, callback: { token: TOKEN, aesKey: AES_KEY } },
    })
    const to = (path: string, receiveId: string) => senderOf(stack, { path, receiveId })
    const ticket = suiteEvent(SUITE, 'suite_ticket', { SuiteTicket: 'ticket-1' })
    const statusOf = async (sent: Promise<RawAnswer>) => (await sent).status

    const verified = {
      'the suite, command': await statusOf(to('isv/command', SUITE).verify('7')),
      'the suite, data': await statusOf(to('isv/data', SUITE).verify('7')),
      'the provider, command': await statusOf(to('isv/command', PROVIDER).verify('7')),
      'the provider, data': await statusOf(to('isv/data', PROVIDER).verify('7')),
      'somebody else, command': await statusOf(to('isv/command', 'wwother').verify('7')),
      'a template that has no id yet': await statusOf(to('draft/command', 'whatever').verify('7')),
      'a template of a provider without id': await statusOf(to('template/data', 'whatever').verify('7')),
    }
    const delivered = {
      'a ticket': await statusOf(to('isv/command', SUITE).deliver(ticket)),
      'a ticket for the provider': await statusOf(to('isv/command', PROVIDER).deliver(ticket)),
      'a ticket of another suite': await statusOf(
        to('isv/command', SUITE).deliver(suiteEvent('dkanother', 'suite_ticket', { SuiteTicket: 'evil' })),
      ),
      'a ticket before the template has its id': await statusOf(to('draft/command', SUITE).deliver(ticket)),
      'data of a company that never came': await statusOf(
        to('isv/data', 'wwstranger').deliver(contactEvent('wwstranger', 'create_user', { UserID: 'a' })),
      ),
      'a command about a company that never came': await statusOf(
        to('isv/command', SUITE).deliver(
          suiteEvent(SUITE, 'change_contact', { AuthCorpId: 'wwstranger', ChangeType: 'create_user', UserID: 'a' }),
        ),
      ),
    }

    assert.deepEqual(verified, {
      'the suite, command': 200,
      'the suite, data': 200,
      'the provider, command': 200,
      'the provider, data': 200,
      'somebody else, command': 403,
      'a template that has no id yet': 200,
      'a template of a provider without id': 200,
    })
    assert.deepEqual(delivered, {
      'a ticket': 200,
      'a ticket for the provider': 403,
      'a ticket of another suite': 403,
      'a ticket before the template has its id': 403,
      'data of a company that never came': 403,
      'a command about a company that never came': 200,
    })
    assert.deepEqual(
      (await eventsOf(stack)).map(({ type, state, note, corpId, channel }) => [type, state, note, corpId, channel]),
      [
        ['create_user', 'ignored', 'corp-unknown', 'wwstranger', 'command'],
        ['suite_ticket', 'applied', null, null, 'command'],
      ],
    )
    const isv = await stack.ask(getConnection, { params: { id: 'isv' } })
    assert.notEqual(isv.suite?.ticketAt, null)
    const text = JSON.stringify([isv, await eventsOf(stack), stack.server.log()])
    assert.equal(text.includes('ticket-1'), false, 'a ticket is nowhere to be read')
  })

  testWithUrl(
    'CB-05, CB-11: a delivery counts once, however often and at whatever time it comes again',
    async (url) => {
      using folder = temporaryFolder()
      const clock = movableClock(folder.path)
      await using stack = await startListening(url, { settings: clock.settings })
      const sender = senderOf(stack, { now: clock.now })
      const message = contactEvent(stack.corpId, 'update_user', { UserID: 'zhangsan' })
      const sealed = sender.seal(message)

      const answers = await Promise.all(Array.from({ length: 8 }, () => sender.post(sealed)))
      const again = await sender.post(sealed)
      // With the right token anybody could sign another time; what was encrypted is the same.
      const moved = await sender.post(
        sign({ ...sealed, nonce: 'another', timestamp: String(Number(sealed.timestamp) + 1) }),
      )

      for (const { status, text } of [...answers, again, moved]) assert.deepEqual([status, text], [200, 'success'])
      assert.equal((await eventsOf(stack)).length, 1)

      const seconds = Math.floor(clock.now() / 1000)
      const ages = { yesterday: -86_300, before: -86_500, soon: 500, 'too soon': 700, 'a year ago': -31_536_000 }
      for (const [name, age] of Object.entries(ages)) {
        const fresh = contactEvent(stack.corpId, 'update_user', { UserID: name.replaceAll(' ', '-') })
        const { status, text } = await sender.post(sender.seal(fresh, seconds + age))
        assert.deepEqual([name, status, text], [name, 200, 'success'])
      }
      assert.deepEqual((await eventsOf(stack)).map(({ object }) => object).toSorted(), [
        'user soon',
        'user yesterday',
        'user zhangsan',
      ])
      const metrics = (await stack.send('/metrics')).text
      for (const [outcome, count] of [
        ['ignored', 3],
        ['duplicate', 9],
        ['stale', 3],
      ] as const) {
        assert.match(metrics, new RegExp(`muster_callback_requests_total\\{outcome="${outcome}"\\} ${count}\\n`))
      }
    },
  )

  testWithUrl('CB-14, CB-20: what asks for nothing is kept with the reason why', async (url) => {
    await using stack = await startListening(url)
    const sender = senderOf(stack)
    const tell = (type: string, fields: Record<string, string | number>) =>
      sender.deliver(contactEvent(stack.corpId, type, fields))
    const newest = async () => (await eventsOf(stack))[0]!

    await tell('create_user', { UserID: 'zhangsan' })
    assert.deepEqual(pick(await newest()), ['create_user', 'user zhangsan', 'ignored', 'real-time-off'])
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { realTime: true } } })
    await tell('update_tag', { TagId: 7, AddUserItems: 'zhangsan' })
    assert.deepEqual(pick(await newest()), ['update_tag', 'tag 7', 'ignored', 'tag'])
    await tell('reorganise_everything', { UserID: 'zhangsan' })
    assert.deepEqual(pick(await newest()), ['reorganise_everything', null, 'ignored', 'unknown-type'])
    await sender.deliver(
      `<xml><ToUserName>${stack.corpId}</ToUserName><FromUserName>zhangsan</FromUserName><CreateTime>1700000000</CreateTime><MsgType>text</MsgType><Content>my password is hunter2</Content><MsgId>1</MsgId></xml>`,
    )
    assert.deepEqual(pick(await newest()), ['text', null, 'ignored', 'unknown-type'])
    assert.equal((await newest()).happenedAt, '2023-11-14T22:13:20.000Z')
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { enabled: false } } })
    await tell('update_party', { Id: 3 })
    assert.deepEqual(pick(await newest()), ['update_party', 'department 3', 'ignored', 'sync-off'])

    const { id } = await newest()
    assert.equal((await stack.ask(getEvent, { params: { id } })).finishedAt !== null, true)
    await stack.ask(deleteConnection, { params: { id: 'hq' }, query: { confirm: 'hq' } })
    assert.equal((await tell('update_party', { Id: 3 })).status, 404)
    assert.equal((await stack.send(`/api/v1/events/${id}`)).status, 404)
    assert.equal(JSON.stringify(stack.server.log()).includes('hunter2'), false)
  })

  testWithUrl('CB-07: too much is refused before it is read', async (url) => {
    await using stack = await startListening(url)
    const sender = senderOf(stack)
    const { port, hostname } = new URL(stack.server.origin)

    const large = await postTo(stack, `hq?${queryOf(sender.seal('x'))}`, 'x'.repeat(256 * 1024 + 1))
    // Promises 100 MB and sends none of it.
    const promised = await exchange(
      { host: hostname, port: Number(port) },
      'POST /callback/wecom/hq HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: 104857600\r\n\r\n',
    )
    const chunked = await exchange(
      { host: hostname, port: Number(port) },
      `POST /callback/wecom/hq HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(65536)}\r\n`.repeat(5)}0\r\n\r\n`,
    )

    assert.deepEqual([large.status, large.text], [413, ''])
    assert.match(promised, /^HTTP\/1.1 413 /)
    assert.match(chunked, /^HTTP\/1.1 413 /)
    assert.equal((await sender.verify('77')).text, '77')
  })

  testWithUrl('K-09: token and key before a change count for a day, and no longer', async (url) => {
    using folder = temporaryFolder()
    const clock = movableClock(folder.path)
    await using stack = await startListening(url, { settings: clock.settings })
    const set = (callback: { token?: string | null; aesKey?: string | null } | null) =>
      stack.ask(updateConnection, { params: { id: 'hq' }, body: { callback } })
    const [secondToken, secondKey] = ['secondToken', '0123456789abcdefghijklmnopqrstuvwxyzABCDEFG']
    const first = senderOf(stack, { now: clock.now })
    const between = senderOf(stack, { now: clock.now, token: secondToken })
    const second = senderOf(stack, { now: clock.now, token: secondToken, aesKey: secondKey })
    let person = 0
    const answers = async () => {
      const message = contactEvent(stack.corpId, 'update_user', { UserID: `person${++person}` })
      return Promise.all([first, between, second].map(async (sender) => (await sender.deliver(message)).status))
    }

    assert.deepEqual(await answers(), [200, 403, 403])
    assert.equal((await set({ token: TOKEN })).callback.previousUntil, null, 'the same again is no change')
    assert.notEqual((await set({ token: secondToken })).callback.previousUntil, null)
    const { callback } = await set({ aesKey: secondKey })
    assert.deepEqual(await answers(), [200, 200, 200])
    assert.equal((await first.verify('77')).text, '77')
    const until = Date.parse(callback.previousUntil!)
    assert.ok(Math.abs(until - clock.now() - 86_400_000) < 60_000)

    clock.moveTo(until + 1_000)
    await eventually(
      'the clock was read again',
      async () => (await stack.ask(getConnection, { params: { id: 'hq' } })).callback.previousUntil === null,
    )
    assert.deepEqual(await answers(), [403, 403, 200])

    await set({ token: 'thirdToken' })
    assert.deepEqual(await answers(), [403, 403, 200])
    // Of a token that is known to others, clearing leaves none.
    await set(null)
    assert.deepEqual(await answers(), [403, 403, 403])
    await set({ token: 'fourthToken', aesKey: AES_KEY })
    assert.deepEqual(await answers(), [403, 403, 403])
    const shown = await stack.ask(getConnection, { params: { id: 'hq' } })
    assert.deepEqual(
      [shown.callback.hasToken, shown.callback.hasAesKey, shown.callback.previousUntil],
      [true, true, null],
    )
    const text = JSON.stringify([shown, stack.server.log()])
    for (const secret of [TOKEN, AES_KEY, secondToken, secondKey]) assert.equal(text.includes(secret), false)
  })

  testWithUrl('events are listed newest first, by connection, state, type, time and text', async (url) => {
    await using stack = await startListening(url)
    const sender = senderOf(stack)
    for (let index = 1; index <= 5; index++) {
      await sender.deliver(contactEvent(stack.corpId, 'create_user', { UserID: `Person_${index}` }))
      await sender.deliver(contactEvent(stack.corpId, 'delete_party', { Id: index }))
    }
    const list = (query: Record<string, unknown>) => stack.ask(listEvents, { query })

    const all = await list({})
    const pages = [await list({ limit: 4 })]
    for (let { nextCursor } = pages[0]!; nextCursor !== null; { nextCursor } = pages.at(-1)!) {
      pages.push(await list({ limit: 4, cursor: nextCursor }))
    }

    assert.deepEqual([all.items.length, all.total], [10, 10])
    assert.deepEqual(
      pages.flatMap(({ items }) => items),
      all.items,
    )
    assert.equal(all.items[0]!.object, 'department 5')
    assert.equal((await list({ type: 'create_user' })).total, 5)
    assert.equal((await list({ q: 'person_3' })).items[0]!.object, 'user Person_3')
    assert.equal((await list({ q: 'party' })).total, 5)
    assert.equal((await list({ state: 'parked' })).total, 0)
    assert.equal((await list({ connection: 'hq', state: 'ignored' })).total, 10)
    const middle = all.items[4]!.receivedAt
    assert.equal((await list({ from: middle })).total + (await list({ to: middle })).total, 10)
    assert.equal((await stack.send('/api/v1/events?connection=nobody')).json['code'], 'connections/not-found')
    assert.equal((await stack.send('/api/v1/events/evt_01jd3v0w6k9m2q4r8t0x5y7z1a')).json['code'], 'events/not-found')
  })
})

/** A company whose connection has token and key, and real time off unless it is asked for. */
function startListening(url: string, options: StackOptions = {}): Promise<Stack> {
  return startStack(url, {
    people: 3,
    ...options,
    connection: { callback: { token: TOKEN, aesKey: AES_KEY }, ...options.connection },
  })
}

function senderOf(stack: Stack, settings: Partial<SenderSettings> = {}) {
  return createSender({ origin: stack.server.origin, path: 'hq', receiveId: stack.corpId, ...settings })
}

async function eventsOf(stack: Stack): Promise<Event[]> {
  return (await stack.ask(listEvents, { query: { limit: 500 } })).items
}

function pick({ type, object, state, note }: Event) {
  return [type, object, state, note]
}

function postTo(stack: Stack, path: string, body: string): Promise<RawAnswer> {
  return stack.send(`/callback/wecom/${path}`, { method: 'POST', body, headers: { 'content-type': 'text/xml' } })
}

function echoQuery(sealed: { signature: string; timestamp: string; nonce: string; ciphertext: string }): string {
  return `${queryOf(sealed)}&echostr=${encodeURIComponent(sealed.ciphertext)}`
}

/** Headers by which two answers could be told apart. */
function traces({ headers }: RawAnswer): Record<string, string | undefined> {
  const all = Object.fromEntries(headers)
  const { 'content-length': length, 'cache-control': caching } = all
  return { 'content-length': length, 'cache-control': caching, 'content-type': all['content-type'] }
}

/** One in whose ciphertext there is a plus sign. */
function plusSigned<T extends { ciphertext: string }>(seal: (text: string) => T): T {
  for (;;) {
    const sealed = seal('1616140317555161061')
    if (sealed.ciphertext.includes('+')) return sealed
  }
}

/** One request as bytes, and everything that comes back. */
async function exchange(to: { host: string; port: number }, request: string): Promise<string> {
  const socket = connect(to)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
  socket.on('error', () => {}) // the rest of what we send may no longer be wanted
  socket.write(request)
  await new Promise<void>((resolve) => socket.on('close', () => resolve()))
  return answer
}

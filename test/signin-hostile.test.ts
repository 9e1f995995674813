/**
 * What hostile or broken requests come to at the doors of signing in (threats.md SI-05, SI-16, SI-18, SI-20, SI-22): ids
 * that nobody guesses, callbacks made of anything, connections that are not complete, and a WeCom that swallows requests.
 *
 * The seed of the callbacks is printed; MUSTER_TEST_SEED repeats them. MUSTER_TEST_ROUNDS=200 is the full mode: 10,000 ids,
 * 5,000 callbacks, and 50 people whom WeCom leaves waiting.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { request } from 'node:http'
import { createConnection, createUser, listSignIns, updateConnection } from '@muster/contracts'
import { describe } from 'node:test'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createRandom } from '../server/test-support/random.ts'
import { eventually } from './eventually.ts'
import type { SignInBrowser } from './sign-in-browser.ts'
import { addPerson, open, pageOf, redemptions, startSignInStack } from './sign-in-stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const IS_FULL = Number(process.env.MUSTER_TEST_ROUNDS ?? 0) >= 200
const IDS = IS_FULL ? 10_000 : 120
const CALLBACKS = IS_FULL ? 5_000 : 250
const WAITING = IS_FULL ? 50 : 8
/** How much of the bits of an id is seen in so many of them: with few, a sign is the most frequent one by chance. */
const SEEN_SHARE = IS_FULL ? 0.9 : 0.6
/** Promised for a WeCom that does not answer, however many wait for it (threats.md SI-20). */
const ANSWERED_WITHIN_MS = 10_000
const PASSWORD = 'correct horse battery 7'

void describe('hostile', { concurrency: 2 }, () => {
  onEitherDatabase(({ testWithUrl }) => {
    testWithUrl('whatever a callback is made of, it gets an empty redirect or a refusal', async (url, t) => {
      t.diagnostic(`seed ${SEED}, ${CALLBACKS} callbacks`)
      const random = createRandom(SEED)
      await using stack = await startSignInStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.1' } })
      addPerson(stack, 'LiSi', '李四')
      const browser = open(stack)
      const state = new URL(await browser.goToWecom()).searchParams.get('state')!
      const cookie = `muster_attempt=${browser.jar.get('muster_attempt')!.value}`
      const statuses = new Map<number | 'cut off', number>()

      for (let count = 0; count < CALLBACKS; count++) {
        const path = hostileCallback(random, state)
        const answer = await raw(stack.server.origin, path, { cookie, 'x-forwarded-for': networkOf(count) })

        const told = `seed ${SEED}, callback ${count}: ${answer.status} ${path.slice(0, 300)}`
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        if (answer.status === 'cut off') continue
        if (answer.status === 303) {
          assert.equal(answer.text, '', told)
          assert.equal(answer.headers['referrer-policy'], 'no-referrer', told)
          assert.equal(answer.headers['cache-control'], 'no-store', told)
          assert.match(answer.headers.location ?? '', /^\/signin\/refused\?reason=state-invalid&reference=/, told)
        } else {
          assert.ok(answer.status >= 400 && answer.status < 500, told)
          assert.doesNotMatch(String(answer.headers['content-type'] ?? ''), /html/, told)
          assert.ok(!answer.text.includes(CANARY), `${told} ${answer.text}`)
        }
        assert.equal(answer.headers['set-cookie'], undefined, told)
      }
      t.diagnostic(JSON.stringify(Object.fromEntries(statuses)))
      assert.equal(redemptions(stack), 0, 'WeCom is not asked')
      assert.ok(!stack.server.log().includes(CANARY), 'what they carry is not in the log')
      assert.ok(!stack.server.log().includes(state))

      // And the honest one of the same browser comes through, with the headers of the others.
      const answer = await browser.send(`/auth/wecom/hq/callback?code=${mint()}&state=${state}`)
      assert.deepEqual(
        [answer.status, answer.text, answer.headers.get('referrer-policy'), answer.headers.get('cache-control')],
        [303, '', 'no-referrer', 'no-store'],
      )
      assert.ok(browser.session())

      function mint(): string {
        return stack.control.mintCode({
          corpId: stack.corpId,
          agentId: stack.app.agentId,
          identity: { userid: 'LiSi' },
        }).code
      }
    })

    testWithUrl('whatever becomes of a callback, its answer has no body and passes nothing on', async (url) => {
      await using stack = await startSignInStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.1' } })
      for (const userid of ['LiSi', 'Gone']) addPerson(stack, userid, userid)
      stack.control.patchMember({ corpId: stack.corpId, userid: 'Gone', patch: { status: 5 }, unchecked: true })
      const began = async (userid: string) => {
        const browser = open(stack)
        return { browser, callback: browser.scan(await browser.goToWecom(), userid) }
      }
      const [honest, member, declined, stale, elsewhere, broken] = await Promise.all(
        ['LiSi', 'Gone', 'LiSi', 'LiSi', 'LiSi', 'LiSi'].map(began),
      )
      const without = (path: string, name: string) => path.replace(new RegExp(`${name}=[^&]*&?`), '')
      const cases: readonly [what: string, send: () => ReturnType<SignInBrowser['send']>][] = [
        ['admitted', () => honest!.browser.send(honest!.callback)],
        ['the same again', () => honest!.browser.send(honest!.callback)],
        ['refused', () => member!.browser.send(member!.callback)],
        ['declined', () => declined!.browser.send(without(declined!.callback, 'code'))],
        [
          'a used code',
          () => stale!.browser.send(stale!.callback.replace(/code=[^&]*/, `code=${codeIn(honest!.callback)}`)),
        ],
        ['another browser', () => open(stack).send(elsewhere!.callback)],
        ['a stranger', () => open(stack).send(elsewhere!.callback)],
        [
          'WeCom fails',
          () => {
            stack.control.addFault({ endpoint: 'auth/getuserinfo', effect: { kind: 'errcode', errcode: 40001 } })
            return broken!.browser.send(broken!.callback)
          },
        ],
      ]

      const locations: string[] = []
      for (const [what, send] of cases) {
        const { status, text, headers } = await send()
        assert.deepEqual([status, text], [303, ''], what)
        assert.equal(headers.get('referrer-policy'), 'no-referrer', what)
        assert.equal(headers.get('cache-control'), 'no-store', what)
        locations.push(headers.get('location')!)
      }
      const secrets = [honest, member, declined, stale, elsewhere, broken].flatMap((one) => [
        codeIn(one!.callback),
        stateIn(`http://localhost${one!.callback}`),
      ])
      for (const secret of secrets) {
        assert.ok(!locations.some((location) => location.includes(secret)), locations.join('\n'))
        assert.ok(!stack.server.log().includes(secret))
      }

      // A stranger who goes on and on is told to wait, without a body either. It takes them six hundred.
      if (!IS_FULL) return
      const flood = open(stack, { address: '198.51.100.7' })
      let answer = await flood.send(honest!.callback)
      for (let count = 0; answer.status === 303 && count < 2_000; count++) answer = await flood.send(honest!.callback)
      assert.deepEqual([answer.status, answer.text], [429, ''])
      assert.deepEqual(
        [answer.headers.get('referrer-policy'), answer.headers.get('cache-control')],
        ['no-referrer', 'no-store'],
      )
    })

    testWithUrl('a page that begins an attempt each time it is shown is not shown for ever', async (url) => {
      await using stack = await startSignInStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.1' } })
      const flood = open(stack, { address: '198.51.100.8' })
      const started = await flood.send('/signin/start?return_to=/account')
      const page = started.headers.get('location')!

      let answer = await flood.send(page)
      const first = answer.status
      for (let count = 0; answer.status === 200 && count < 2_000; count++) answer = await flood.send(page)

      assert.deepEqual([first, answer.status], [200, 429])
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      assert.equal((await open(stack, { address: '198.51.101.8' }).send('/signin/start')).status, 303)
    })

    testWithUrl('nobody guesses an id, and a guess looks like what never was', async (url, t) => {
      await using stack = await startSignInStack(url, { settings: { MUSTER_TRUSTED_PROXIES: '127.0.0.1' } })
      const uids: string[] = []
      const states: string[] = []
      const cookies: string[] = []
      for (let count = 0; count < IDS; count++) {
        const browser = open(stack, { address: networkOf(count) })
        const page = await browser.start()
        uids.push(/^\/signin\/page-([0-9a-f]{32})$/.exec(page.address)![1]!)
        states.push(stateIn(await browser.goToWecom(page)))
        cookies.push(browser.jar.get('muster_attempt')!.value)
      }
      for (const [what, ids, bits] of [
        ['requests', uids, 128],
        ['states', states, 160],
        ['browsers', cookies, 256],
      ] as const) {
        assert.equal(new Set(ids).size, IDS, what)
        const seen = entropyOf(ids)
        t.diagnostic(`${IDS} ${what}: at least ${seen.toFixed(0)} of ${bits} bits seen`)
        assert.ok(seen > bits * SEEN_SHARE, `${what}: ${seen}`)
      }

      const stranger = open(stack)
      const guesses = [
        `page-${uids[0]}`,
        'page-00000000000000000000000000000000',
        'page-x',
        'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
      ]
      for (const step of ['', '/status', '/go?connection=hq']) {
        const shapes = new Set<string>()
        for (const uid of guesses) {
          const { status, text, headers } = await stranger.send(`/signin/${uid}${step}`)
          if (step !== '/status') assert.equal(status, 404, uid + step)
          const names = [...headers.keys()].filter((name) => name !== 'content-length').join()
          shapes.add(`${status} ${names}\n${text.replaceAll(uid, '').replace(/nonce="[^"]*"/g, '')}`)
        }
        assert.equal(shapes.size, 1, `${step} ${[...shapes].join('\n----\n').slice(0, 4_000)}`)
      }
    })

    testWithUrl(
      'a connection that lacks something cannot be switched on, and nobody comes in through it',
      async (url) => {
        await using stack = await startSignInStack(url)
        addPerson(stack, 'LiSi', '李四')
        const { corpId } = stack
        const { agentId, secret } = stack.app
        const whole = { corpId, agentId, secret }
        const refused = async (body: object, path = '', method = 'POST') => {
          const { status, json } = await stack.send(`/api/v1/connections${path}`, {
            method,
            body: JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          })
          return [status, json['code']]
        }
        const on = { signIn: { enabled: true } }

        for (const missing of ['corpId', 'agentId', 'secret'] as const) {
          const rest = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing))
          const body = { identifier: 'blank', ...rest, ...on }
          assert.deepEqual(await refused(body), [409, 'connections/incomplete'], missing)
          assert.deepEqual(await refused({ ...body, [missing]: null }), [409, 'connections/incomplete'], missing)
          const blanks = missing === 'agentId' ? [0, -1, '', 'x', 1.5] : ['', ' ']
          for (const blank of blanks) {
            assert.deepEqual(
              await refused({ ...body, [missing]: blank }),
              [400, 'http/validation'],
              `${missing} ${blank}`,
            )
          }
          const sync = { sync: { enabled: false } }
          const [status] = await refused({ [missing]: null, ...sync }, '/hq', 'PATCH')
          assert.equal(status, 409, `${missing} taken away`)
        }
        await stack.ask(createConnection, { body: { identifier: 'draft', corpId, agentId } })
        assert.deepEqual(await refused(on, '/draft', 'PATCH'), [409, 'connections/incomplete'])

        const browser = open(stack)
        const state = new URL(await browser.goToWecom(await pageOf(browser, 'hq'))).searchParams.get('state')!
        const { code } = stack.control.mintCode({ corpId, agentId, identity: { userid: 'LiSi' } })
        const begun = await browser.start()
        for (const path of [
          `/auth/wecom/draft/callback?code=${code}&state=${state}`,
          `/auth/wecom/draft/callback?code=${code}&state=${'0'.repeat(40)}`,
          `${begun.address}?connection=draft`,
          `${begun.address}/go?connection=draft`,
        ]) {
          assert.equal((await browser.follow(path)).answer!.status, 403, path)
        }
        assert.equal(browser.session(), undefined)
        assert.equal(redemptions(stack), 0)

        // Complete, it opens; an app that WeCom does not know lets nobody in.
        await stack.ask(updateConnection, { params: { id: 'draft' }, body: { secret, ...on } })
        await stack.ask(updateConnection, { params: { id: 'draft' }, body: { agentId: agentId + 7_777 } })
        const strange = open(stack)
        const address = await strange.goToWecom(await pageOf(strange, 'draft'))
        const answer = await strange.follow(`/auth/wecom/draft/callback?code=x&state=${stateIn(address)}`)
        assert.equal(answer.answer?.status ?? 0, 0, 'a code that is no code starts over')
        const second = await strange.follow(`/auth/wecom/draft/callback?code=x&state=${stateIn(answer.address)}`)
        assert.equal(second.answer!.status, 403)
        assert.equal(strange.session(), undefined)
      },
    )

    testWithUrl('while WeCom swallows what it is asked, others come in, and whoever waits is told', async (url, t) => {
      await using stack = await startSignInStack(url)
      for (let count = 0; count < WAITING; count++) addPerson(stack, `Member${count}`, `成员 ${count}`)
      const user = { username: 'keeper', displayName: 'Keeper', password: PASSWORD }
      await stack.ask(createUser, { body: user })
      const warm = open(stack)
      await warm.signIn('Member0')
      stack.control.addFault({ endpoint: 'auth/getuserinfo', effect: { kind: 'hang' } })
      stack.control.clearCalls()

      let answered = 0
      const waits: number[] = []
      const waiting = await Promise.all(
        Array.from({ length: WAITING }, async (_, index) => {
          const browser = open(stack)
          return { browser, callback: browser.scan(await browser.goToWecom(), `Member${index}`) }
        }),
      )
      const over = Promise.all(
        waiting.map(async ({ browser, callback }) => {
          const began = performance.now()
          const place = await browser.follow(callback)
          waits.push(performance.now() - began)
          answered++
          assert.equal(place.answer!.status, 403)
          assert.equal(browser.session(), undefined)
        }),
      )
      await eventually('WeCom holds on to something', () => stack.control.faults()[0]!.struck > 0)
      for (let count = 0; count < 3; count++) {
        const browser = open(stack)
        const fields = { username: 'keeper', password: PASSWORD }
        assert.equal((await browser.submit(await browser.start(), 'password', fields)).address, '/account')
      }
      assert.equal(answered, 0, 'a password does not wait for WeCom')
      assert.equal((await warm.start()).address, '/account', 'nor does a session')

      await over
      t.diagnostic(`${WAITING} waited for ${Math.min(...waits).toFixed(0)} to ${Math.max(...waits).toFixed(0)} ms`)
      if (IS_FULL) assert.ok(Math.max(...waits) < ANSWERED_WITHIN_MS)
      const { struck } = stack.control.faults()[0]!
      assert.ok(struck <= 3 * WAITING, `${struck} calls for ${WAITING} people`)
      const { items } = await stack.ask(listSignIns, { query: { outcome: 'failed', limit: 100 } })
      assert.equal(items.length, WAITING)
      assert.deepEqual(new Set(items.map(({ reason }) => reason)), new Set(['wecom-unavailable']))
      stack.control.clearFaults()
      assert.equal((await open(stack).signIn('Member0')).address, '/account', 'and everything is as before')
    })
  })
})

/** In every code and state, so that it is found wherever one of them goes. */
const CANARY = 'Kanarienvogel'

function codeIn(path: string): string {
  return new URL(path, 'http://localhost').searchParams.get('code')!
}

/** A new one each time, so that the limit of one does not answer for what is tested. */
function networkOf(count: number): string {
  return `10.${count >> 8}.${count & 255}.1`
}

function stateIn(address: string): string {
  return new URL(address).searchParams.get('state')!
}

/** A path that is no honest callback. The state of the browser may be in it, but never whole beside a code that could be one. */
function hostileCallback(random: () => number, state: string): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const path = pick([
    '/auth/wecom/hq/callback',
    '/auth/wecom/hq/callback',
    '/auth/wecom/hq/callback',
    '/auth/wecom/callback',
    '/auth/wecom/HQ/callback',
    '/auth/wecom/nobody/callback',
    '/auth/wecom/%00/callback',
    '/auth/wecom/hq%2F..%2Fhq/callback',
    `/auth/wecom/${'a'.repeat(300)}/callback`,
    '/auth/wecom/__proto__/callback',
    '/auth/wecom/%ff/callback',
  ])
  const text = (): string => {
    const long = pick([0, 1, 16, 40, 128, 512, 513, 4_000])
    const odd = pick([
      '%00',
      '%ff',
      '%C3%28',
      '%ED%A0%80',
      '%',
      '%zz',
      '%0d%0aSet-Cookie:%20a=b',
      "'",
      '"',
      '%3Cscript%3E',
    ])
    const other = pick([
      '',
      '[]',
      '%5B%5D',
      '%20',
      '+',
      '__proto__',
      '%E5%BC%A0',
      '%F0%9F%92%A9',
      '..%2F',
      '%2500',
      '\\',
    ])
    return pick([
      CANARY,
      `${CANARY}${odd}`,
      `${odd}${CANARY}${other}`,
      `${other}${'x'.repeat(long)}${odd}`,
      CANARY + 'A'.repeat(long),
      '',
    ])
  }
  const wrongState = (): string =>
    pick([
      text(),
      `${state}0`,
      state.slice(1),
      state.toUpperCase().replace(/^[0-9]*$/, 'X'),
      `${state}%00`,
      `%20${state}`,
    ])
  const name = (wanted: string): string =>
    pick([
      wanted,
      wanted,
      wanted,
      wanted,
      `${wanted}[]`,
      `${wanted}[0]`,
      `${wanted}.x`,
      wanted.toUpperCase(),
      `${wanted}%00`,
    ])
  const parameters = [
    ...(random() < 0.9 ? [`${name('code')}=${text()}`] : []),
    ...(random() < 0.9 ? [`${name('state')}=${wrongState()}`] : []),
    ...(random() < 0.2 ? [`state=${wrongState()}`] : []),
    ...(random() < 0.2 ? [`code=${text()}`] : []),
    ...(random() < 0.2 ? [`${pick(['appid', 'error', 'return_to', '__proto__', 'constructor'])}=${text()}`] : []),
    ...(random() < 0.03 ? Array.from({ length: pick([100, 1_000, 10_000]) }, (_, index) => `p${index}`) : []),
    ...(random() < 0.01 ? [`code=${'x'.repeat(pick([20_000, 1_000_000]))}`] : []),
  ]
  return `${path}?${parameters.toSorted(() => random() - 0.5).join(pick(['&', '&', '&', ';', '&&']))}`
}

interface RawReply {
  readonly status: number | 'cut off'
  readonly headers: Readonly<Record<string, string | string[] | undefined>> & { readonly location?: string }
  readonly text: string
}

/** Without anything that a URL parser would set right. */
function raw(origin: string, path: string, headers: Readonly<Record<string, string>>): Promise<RawReply> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
      answer.on('error', reject)
    })
    // Each on a connection of its own, because the server hangs up on a head that is too long, sometimes before all of it is sent.
    sent.on('error', (error: NodeJS.ErrnoException) =>
      path.length > 16_000 && ['EPIPE', 'ECONNRESET'].includes(error.code ?? '')
        ? resolve({ status: 'cut off', headers: {}, text: '' })
        : reject(new Error(`no answer to ${path.length} bytes: ${path.slice(0, 300)}`, { cause: error })),
    )
    sent.end()
  })
}

/** The least that the ids can hold: the most frequent sign of each place, as if the next guess were that. In bits. */
function entropyOf(ids: readonly string[]): number {
  let bits = 0
  for (let place = 0; place < ids[0]!.length; place++) {
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id[place]!, (counts.get(id[place]!) ?? 0) + 1)
    bits -= Math.log2(Math.max(...counts.values()) / ids.length)
  }
  return bits
}

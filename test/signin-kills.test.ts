/**
 * `kill -9` while many people sign in (threats.md X-01, SI-06, L-10, O-03), at random moments of the whole way from an
 * application through WeCom to tokens: afterwards nothing is there by halves, no code is good twice, everything that
 * somebody was given still works, and everybody who was on the way arrives or begins anew.
 *
 * The seed is printed; repeat its moments with MUSTER_TEST_SEED, and have more of them with MUSTER_TEST_KILLS.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createApplication } from '@muster/contracts'
import { sql } from 'kysely'
import { request } from 'undici'
import { openDatabase } from '../server/src/database/database.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { createRandom } from '../server/test-support/random.ts'
import { isGone } from './client.ts'
import { eventually } from './eventually.ts'
import { startProviderStackOfProcesses } from './provider-stack.ts'
import { movableClock, spawnServer, temporaryFolder } from './server.ts'
import { createVisitor, type Page, type Visitor } from './visitor.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const KILLS = extent('kills on each database', { everyday: 1, thorough: 20 }, process.env.MUSTER_TEST_KILLS)
/** On the way at the same time. */
const BROWSERS = 12
/** Each is a newcomer whose first sign-ins race each other in so many browsers. */
const BROWSERS_OF_A_MEMBER = 3
const CALLBACK = 'https://app.corp.example/callback'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl(
    'killed while many people sign in, nothing is there by halves and nothing is good twice',
    async (url, t) => {
      const random = createRandom(SEED)
      using folder = temporaryFolder()
      const clock = movableClock(folder.path)
      await using stack = await startProviderStackOfProcesses(url, {
        people: 5,
        connection: { sync: { enabled: false } },
        settings: clock.settings,
      })
      stack.control.changeSettings({ latencyMs: 5 })
      const body = { name: 'Killed', connections: ['hq'], redirectUris: [CALLBACK] }
      const { clientId, clientSecret } = await stack.ask(createApplication, { body })
      const application: Application = { issuer: stack.issuer, clientId, clientSecret: clientSecret! }

      for (let kill = 1; kill <= KILLS; kill++) {
        const moment = { redemptions: Math.floor(random() * 2.5 * BROWSERS), afterwardsMs: random() * 60 }
        const members = newcomers(stack, kill)
        stack.control.clearCalls()
        const isOver = { value: false }
        const browsers = Array.from({ length: BROWSERS }, (_, index) =>
          signInUntilItBreaks(application, stack, members[index % members.length]!, isOver),
        )
        // A wave that breaks by itself is a finding, and not a reason to wait.
        const broken = Promise.all(browsers).then(() => assert.ok(isOver.value, 'nobody broke off before the kill'))
        await Promise.race([
          broken,
          eventually('so many codes of WeCom were redeemed', () => {
            return stack.control.countCalls({ endpoint: 'auth/getuserinfo' }).count >= moment.redemptions
          }),
        ])
        await delay(moment.afterwardsMs) // the moment itself, not a wait for anything
        isOver.value = true
        await stack.server.kill()
        const journeys = (await Promise.all(browsers)).flat()
        const log = stack.server.log()

        await assertWhole(url)
        stack.replaceServer(await spawnServer(stack.settings))
        const counts = { finished: 0, startedOver: 0, arrived: 0 }
        const subjects = new Map<string, string>()
        for (const journey of journeys) {
          counts[await assertHonest(application, stack, journey, subjects)]++
          if (journey.code !== null) assert.ok(!log.includes(journey.code.value), 'no code in the log')
          await journey.visitor.close()
        }
        assert.equal(new Set(subjects.values()).size, subjects.size, 'each member is somebody of their own')
        t.diagnostic(`seed ${SEED}, kill ${kill} ${JSON.stringify(moment)}: ${JSON.stringify(counts)}`)
      }

      // Killed while WeCom is asked who holds a code, for certain: on the same page they may begin anew a little later.
      stack.control.addFault({ endpoint: 'auth/getuserinfo', effect: { kind: 'hang' } })
      await using visitor = setOut(stack, newcomers(stack, 0)[0]!).visitor
      const page = await visitor.follow(authorization(application).address)
      const broken = assert.rejects(visitor.follow(stack.hrefIn(page, '/go?connection=hq')), isGone)
      await eventually('WeCom was asked', () => stack.control.faults()[0]!.struck > 0)
      await stack.server.kill()
      await broken
      await assertWhole(url)
      stack.control.clearFaults()
      stack.replaceServer(await spawnServer(stack.settings))
      const waiting = await visitor.follow(page.url)
      assert.ok(waiting.status === 200 && !waiting.text.includes('/go?connection=hq'), 'it may still be under way')
      clock.moveTo(clock.now() + 16_000)
      const again = await eventually('the page lets them begin anew', async () => {
        const seen = await visitor.follow(page.url)
        return seen.text.includes('/go?connection=hq') && seen
      })
      codeOf(await visitor.follow(stack.hrefIn(again, '/go?connection=hq'), CALLBACK))
    },
  )
})

type ProviderStack = Awaited<ReturnType<typeof startProviderStackOfProcesses>>

interface Application {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/** What became of something that is good once: not used, used without an answer, or answered. */
type Use = 'unused' | 'unanswered' | 'answered'

/** One person in one browser, and what they were given before the server died. */
interface Journey {
  readonly userid: string
  readonly visitor: Visitor
  /** The last address that was opened. */
  at: URL | null
  code: { readonly value: string; readonly verifier: string; use: Use } | null
  accessToken: string | null
  refresh: { readonly token: string; use: Use } | null
}

/** Nobody knows them yet: their first sign-in makes the user and the link. */
function newcomers({ control, corpId }: ProviderStack, kill: number): string[] {
  return Array.from({ length: BROWSERS / BROWSERS_OF_A_MEMBER }, (_, index) => {
    const userid = `new${kill}x${index}`
    const mobile = `139${String(kill * 1_000 + index).padStart(8, '0')}`
    control.addMember({ corpId, member: { userid, name: userid, department: [1], mobile } })
    control.patchMember({ corpId, userid, patch: { status: 1 }, unchecked: true })
    return userid
  })
}

/** Signs one person in again and again, in a new browser each time. */
async function signInUntilItBreaks(
  application: Application,
  stack: ProviderStack,
  userid: string,
  isOver: { readonly value: boolean },
): Promise<Journey[]> {
  const journeys: Journey[] = []
  while (!isOver.value) {
    const journey = setOut(stack, userid)
    journeys.push(journey)
    try {
      await travel(application, stack, journey)
    } catch (error) {
      if (!isOver.value || !isGone(error)) throw error
    }
  }
  return journeys
}

function setOut(stack: ProviderStack, userid: string): Journey {
  const journey: Journey = { userid, visitor: undefined!, at: null, code: null, accessToken: null, refresh: null }
  const scan = stack.scansAs(userid)
  const visitor = createVisitor({
    onAddress: (address) => {
      journey.at = new URL(address)
      scan(address)
    },
  })
  return Object.assign(journey, { visitor })
}

/** The whole way. What it got is in the journey, also when it breaks off. */
async function travel(application: Application, stack: ProviderStack, journey: Journey): Promise<void> {
  await getCode(application, stack, journey)
  const code = journey.code!
  code.use = 'unanswered'
  const tokens = await exchange(application, code)
  code.use = 'answered'
  assert.equal(tokens.status, 200)
  keep(journey, tokens.json)
  assert.equal((await askWho(application, journey.accessToken!)).status, 200)
  const refresh = journey.refresh!
  refresh.use = 'unanswered'
  const refreshed = await renew(application, refresh.token)
  refresh.use = 'answered'
  assert.equal(refreshed.status, 200)
  keep(journey, refreshed.json)
}

function keep(journey: Journey, { access_token, refresh_token }: Json): void {
  journey.accessToken = String(access_token)
  journey.refresh = { token: String(refresh_token), use: 'unused' }
}

/** From the application to a code, by scanning unless the browser is signed in. */
async function getCode(application: Application, stack: ProviderStack, journey: Journey): Promise<void> {
  const { address, verifier } = authorization(application)
  let page = await journey.visitor.follow(address, CALLBACK)
  if (page.location === null) {
    page = await journey.visitor.follow(stack.hrefIn(page, '/go?connection=hq'), CALLBACK)
  }
  journey.code = { value: codeOf(page), verifier, use: 'unused' }
}

function authorization({ issuer, clientId }: Application, further: Readonly<Record<string, string>> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const address = new URL(`${issuer}/auth`)
  address.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid profile wecom offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...further,
  }).toString()
  return { address, verifier }
}

function codeOf(page: Page): string {
  const code = page.location?.searchParams.get('code')
  assert.ok(code, `no code at ${page.url.pathname}: ${page.status} ${page.location?.search} ${page.text.slice(0, 500)}`)
  return code
}

/** What must hold for one person after the server came back. @returns what became of their way */
async function assertHonest(
  application: Application,
  stack: ProviderStack,
  journey: Journey,
  subjects: Map<string, string>,
): Promise<'finished' | 'startedOver' | 'arrived'> {
  const isSame = async (accessToken: string) => {
    const { status, json } = await askWho(application, accessToken)
    assert.equal(status, 200)
    assert.equal(json['wecom_userid'], journey.userid)
    const known = subjects.get(journey.userid) ?? String(json['sub'])
    assert.equal(json['sub'], known, 'all browsers of a member are one user')
    subjects.set(journey.userid, known)
  }
  const { visitor, code, refresh, accessToken } = journey

  if (visitor.cookies(stack.issuer).some((cookie) => cookie.startsWith('muster_session='))) {
    const { address, verifier } = authorization(application, { prompt: 'none' })
    const silent = { value: codeOf(await visitor.follow(address, CALLBACK)), verifier }
    await isSame(String((await exchange(application, silent)).json['access_token']))
  }
  if (accessToken !== null) await isSame(accessToken)
  if (refresh !== null && refresh.use !== 'answered') {
    const { status, json } = await renew(application, refresh.token)
    if (refresh.use === 'unused') assert.equal(status, 200, 'a refresh token that was given out is good')
    if (status === 200) await isSame(String(json['access_token']))
    assert.equal((await renew(application, refresh.token)).status, 400, 'and good once')
  }
  if (code !== null) {
    if (code.use !== 'answered') {
      const { status, json } = await exchange(application, code)
      if (code.use === 'unused') assert.equal(status, 200, 'a code that was given out is good')
      if (status === 200) await isSame(String(json['access_token']))
    }
    assert.equal((await exchange(application, code)).status, 400, 'and good once')
    return 'arrived'
  }

  // On the way: what was under way is opened once more, as a browser would.
  const page = await visitor.follow(journey.at!, CALLBACK)
  const isThere = page.location !== null
  assert.ok(isThere || page.status < 500, `${page.status} at ${page.url.pathname}`)
  if (!isThere) await getCode(application, stack, journey)
  else assert.match(codeOf(page), /./)
  return isThere ? 'finished' : 'startedOver'
}

/** With the server dead: what is in the database is all of something, or nothing of it. */
async function assertWhole(url: string): Promise<void> {
  const database = await openDatabase(url)
  try {
    const count = async (query: ReturnType<typeof sql<{ n: number | string }>>) =>
      Number((await query.execute(database.kysely)).rows[0]!.n)
    const wrong = {
      'sessions without their user': await count(sql`
        select count(*) as n from sessions left join users on users.id = sessions.user_id
        where users.id is null or users.status <> 'active'`),
      'sessions without their link': await count(sql`
        select count(*) as n from sessions left join links on links.id = sessions.link_id
        where links.id is null or links.user_id <> sessions.user_id`),
      'links without their user': await count(sql`
        select count(*) as n from links left join users on users.id = links.user_id where users.id is null`),
      'members with two links': await count(sql`
        select count(*) as n from (
          select userid_key from links group by connection_id, userid_key having count(*) > 1) twice`),
      'users with two links': await count(sql`
        select count(*) as n from (select user_id from links group by user_id having count(*) > 1) twice`),
      'users without their link': await count(sql`
        select count(*) as n from users left join links on links.user_id = users.id where links.id is null`),
      'codes and tokens without their grant': await count(sql`
        select count(*) as n from oidc_records own left join oidc_records holder on holder.id = own.grant_id
        where own.kind in ('AuthorizationCode', 'AccessToken', 'RefreshToken') and holder.session_id is null`),
    }
    assert.deepEqual(wrong, Object.fromEntries(Object.keys(wrong).map((what) => [what, 0])))
    const sessions = await count(sql`select count(*) as n from sessions`)
    const others = {
      admitted: await count(sql`select count(*) as n from sign_in_attempts where phase = 'admitted'`),
      logged: await count(sql`select count(*) as n from sign_ins where outcome = 'succeeded'`),
      audited: await count(sql`select count(*) as n from audit where action = 'sign-in.succeed'`),
    }
    assert.deepEqual(others, { admitted: sessions, logged: sessions, audited: sessions })
  } finally {
    await database.close()
  }
}

type Json = Readonly<Record<string, unknown>>

const exchange = (application: Application, { value: code, verifier }: { value: string; verifier: string }) =>
  ask(application, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier })

const renew = (application: Application, token: string) =>
  ask(application, { grant_type: 'refresh_token', refresh_token: token })

/** At the token endpoint. */
function ask({ issuer, clientId, clientSecret }: Application, form: Record<string, string>) {
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  return send(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
}

const askWho = ({ issuer }: Application, token: string) =>
  send(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } })

async function send(
  address: string,
  { method = 'GET', ...sent }: { method?: 'GET' | 'POST'; headers: Record<string, string>; body?: string },
): Promise<{ status: number; json: Json }> {
  const { statusCode: status, body } = await request(address, { method, ...sent })
  const json = (await body.json()) as Json
  assert.ok(status < 500, `${status} ${JSON.stringify(json)}`)
  return { status, json }
}

/**
 * Thousands of damaged callbacks against the real server: whatever comes, it answers, it believes nothing that it should
 * not, and afterwards it works as before. The seed is printed; repeat it with MUSTER_TEST_SEED. MUSTER_TEST_MUTATIONS says how
 * many there are on each database; `./muster bench events` judges how long the server stood still over them.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { getConnection, listEvents, type EventState } from '@muster/contracts'
import { Pool } from 'undici'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { createRandom } from '../server/test-support/random.ts'
import { createMutations, type Genuine, type Knowledge, type Mutant } from './callback-mutations.ts'
import { contactEvent, createSender } from './callback-sender.ts'
import { eventually } from './eventually.ts'
import { LISTENING, runsOfEvents, tellOfChanges, workedOff } from './listening.ts'
import { startStackOfProcesses, type Stack } from './stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const MUTATIONS = extent(
  'damaged callbacks on each database',
  { everyday: 1_000, thorough: 100_000 },
  process.env.MUSTER_TEST_MUTATIONS,
)
const PEOPLE = 40
const AT_ONCE = 8
const DEADLINE_MS = 30_000
const MOST_ATTEMPTS = 10
const SHARES: readonly (readonly [Knowledge, number])[] = [
  ['nothing', 0.5],
  ['token', 0.25],
  ['key', 0.25],
]
/** Taken, refused in the words of every refusal, or too large. */
const POSSIBLE = new Set([200, 403, 413])

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('damaged callbacks change nothing, and the server goes on', async (url, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    await using stack = await startStackOfProcesses(url, {
      people: PEOPLE,
      connection: {
        ...LISTENING,
        sync: { ...LISTENING.sync, users: { onlyHere: 'delete' }, departments: { onlyHere: 'delete' } },
      },
      settings: { MUSTER_LOG_LEVEL: 'info', MUSTER_WECOM_CALLS_PER_MINUTE: '100000' },
    })
    const { control, corpId } = stack
    control.changeSettings({
      limits: { perMinute: null, perHour: null, perAddressPerMinute: null, perAddressPerHour: null },
    })
    assert.equal((await stack.syncOnce()).state, 'succeeded')
    const random = createRandom(SEED)
    const { members, departments } = control.truth({ corpId })
    const mutate = createMutations({
      random,
      corpId,
      userids: members.map(({ userid }) => userid),
      departmentIds: departments.map(({ id }) => id),
      genuine: await deliverGenuine(
        stack,
        members.map(({ userid }) => userid),
      ),
      now: Date.now,
    })
    await workedOff(stack)
    const before = await stateOf(stack)
    const [genuine, sent] = [await countEvents(stack), [] as Outcome[]]
    await longestStallMs(stack)

    for (const [knows, share] of SHARES) {
      const outcomes = await sendAll(stack, () => mutate(knows), Math.ceil(MUTATIONS * share))
      sent.push(...outcomes)
      t.diagnostic(
        `${describe(knows, outcomes)}; it stood still for ${(await longestStallMs(stack)).toFixed(0)} ms at most`,
      )
      if (knows === 'nothing') assert.equal(await countEvents(stack), genuine, 'a stranger has left an event')
    }
    await eventually('every event was tried', async () => (await countEvents(stack, 'pending')) === 0)

    const strange = sent.filter(({ status, text }) => !POSSIBLE.has(status) || (status !== 200 && text !== ''))
    assert.deepEqual(strange.slice(0, 3).map(storyOf), [])
    const kept = (await countEvents(stack)) - genuine
    t.diagnostic(`${kept} were events, ${await countEvents(stack, 'failed')} of them about nothing that WeCom knows`)
    assert.deepEqual(await stateOf(stack), before)
    assert.deepEqual(await stack.mistakes(), [])

    await tellOfChanges(control, { corpId, origin: stack.server.origin, connection: 'hq' })
    control.patchMember({ corpId, userid: members[1]!.userid, patch: { position: 'still alive' } })
    await eventually('an event counts as before', async () => {
      const { users } = await stack.directory()
      return users.some(({ title }) => title === 'still alive')
    })
    assert.deepEqual(await stack.mistakes(), [])
  })
})

interface Outcome {
  readonly mutant: Mutant
  /** 0 without an answer. */
  readonly status: number
  readonly text: string
  readonly attempts: number
}

/** Delivered and kept, so that whatever is not damaged where it counts is a duplicate. */
async function deliverGenuine({ server, corpId }: Stack, userids: readonly string[]): Promise<Genuine[]> {
  const sender = createSender({ origin: server.origin, path: 'hq', receiveId: corpId })
  const genuine: Genuine[] = []
  for (const userid of userids) {
    const sealed = sender.seal(contactEvent(corpId, 'update_user', { UserID: userid, Department: 1 }))
    await eventually('the delivery was taken', async () => (await sender.post(sealed)).status === 200)
    genuine.push(sealed)
  }
  return genuine
}

/** Not by a client of this house: those send nothing that is so broken. */
async function sendAll({ server }: Stack, next: () => Mutant, count: number): Promise<Outcome[]> {
  const pool = new Pool(server.origin, { connections: AT_ONCE })
  const outcomes: Outcome[] = []
  let left = count
  const send = async () => {
    while (left-- > 0) outcomes.push(await sendOne(pool, next()))
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, send))
    return outcomes
  } finally {
    await pool.close()
  }
}

/** What the database was too slow for is sent again, as WeCom does: nothing is said about it yet. */
async function sendOne(pool: Pool, mutant: Mutant): Promise<Outcome> {
  const { method, query, body, contentType } = mutant
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await pool.request({
        method,
        path: `/callback/wecom/hq${query}`,
        body,
        headers: contentType === null ? {} : { 'content-type': contentType },
        headersTimeout: DEADLINE_MS,
        bodyTimeout: DEADLINE_MS,
      })
      const [status, text] = [response.statusCode, await response.body.text()]
      if (status !== 503 || attempt === MOST_ATTEMPTS) return { mutant, status, text, attempts: attempt }
    } catch (error) {
      return { mutant, status: 0, text: String(error), attempts: attempt }
    }
  }
}

/** Everything that somebody could want to change. */
async function stateOf(stack: Stack): Promise<unknown> {
  const { sync, signIn, callback } = await stack.ask(getConnection, { params: { id: 'hq' } })
  return { ...(await stack.directory()), runs: await runsOfEvents(stack), sync, signIn, callback }
}

async function countEvents({ ask }: Stack, state?: EventState): Promise<number> {
  return (await ask(listEvents, { query: { state, limit: 1 } })).total ?? 0
}

/** Since the last time that it was asked. The system's other work shows in it, too. */
async function longestStallMs(stack: Stack): Promise<number> {
  const { text } = await stack.send('/metrics')
  return Number(/^nodejs_eventloop_lag_max_seconds (.+)$/m.exec(text)?.[1]) * 1_000
}

function describe(knows: Knowledge, outcomes: readonly Outcome[]): string {
  const answers = Object.entries(Object.groupBy(outcomes, ({ status }) => status)).map(
    ([status, some]) => `${some!.length} × ${status}`,
  )
  const again = outcomes.reduce((sum, { attempts }) => sum + attempts - 1, 0)
  if (again > 0) answers.push(`sent again ${again} times, because the database was slow`)
  return `${outcomes.length} by someone who knows ${knows === 'nothing' ? knows : `the ${knows}`}: ${answers.join(', ')}`
}

/** Enough to see what it was. */
function storyOf({ mutant: { knows, what, method, query, body }, status, text }: Outcome): unknown {
  return {
    knows,
    what,
    method,
    query: query.slice(0, 500),
    body: body?.toString('latin1').slice(0, 2_000),
    status,
    text,
  }
}

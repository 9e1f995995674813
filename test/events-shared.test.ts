/**
 * Two processes that share one database take callbacks side by side and work the same inbox off (threats.md CB-11): every
 * event is kept once, asked about once and applied once, whichever of them WeCom happened to reach. PostgreSQL only,
 * because SQLite serves one process.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createRandom } from '../server/test-support/random.ts'
import { contactEvent, createSender } from './callback-sender.ts'
import { fold } from './directory.ts'
import { appliedByEvents, LISTENING, readEvents, runsOfEvents, workedOff } from './listening.ts'
import { contradictions, traceOf } from './run-trace.ts'
import { spawnServer, temporaryFolder } from './server.ts'
import { startStackOfProcesses } from './stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const PEOPLE = 120
const ROUNDS = 4
const AT_ONCE = 6

onEitherDatabase(({ dialect, testWithUrl }) => {
  if (dialect === 'sqlite') return

  testWithUrl('each event that two processes take together is kept, asked about and applied once', async (url, t) => {
    t.diagnostic(`seed ${SEED} (repeat with MUSTER_TEST_SEED=${SEED})`)
    const random = createRandom(SEED)
    await using stack = await startStackOfProcesses(url, { people: PEOPLE, connection: LISTENING })
    using folder = temporaryFolder()
    const second = await spawnServer({ ...stack.settings, MUSTER_DATA_DIR: folder.path })
    try {
      assert.equal((await stack.syncOnce()).state, 'succeeded')
      const { control, corpId } = stack
      const senders = [stack.server, second].map(({ origin }) =>
        createSender({ origin, path: 'hq', receiveId: corpId }),
      )
      const { members } = control.truth({ corpId })
      control.clearCalls()
      let sent = 0

      for (let round = 1; round <= ROUNDS; round++) {
        const waiting = members.map(({ userid }) => userid)
        const deliver = async () => {
          for (let userid = waiting.pop(); userid !== undefined; userid = waiting.pop()) {
            control.patchMember({ corpId, userid, patch: { position: `round ${round}` } })
            const sealed = senders[0]!.seal(contactEvent(corpId, 'update_user', { UserID: userid, Position: round }))
            sent++
            // To one of them, to both at once, or once more after the answer.
            const luck = random()
            const receivers = luck < 0.3 ? senders : [senders[luck < 0.65 ? 0 : 1]!]
            const answers = await Promise.all(receivers.map((sender) => sender.post(sealed)))
            if (random() < 0.2) answers.push(await senders[random() < 0.5 ? 0 : 1]!.post(sealed))
            for (const { status, text } of answers) assert.deepEqual([status, text], [200, 'success'])
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, deliver))
        await workedOff(stack)
      }

      const events = await readEvents(stack)
      assert.deepEqual([events.length, events.filter(({ state }) => state === 'applied').length], [sent, sent])
      assert.deepEqual(await stack.mistakes(), [])
      for (const { id } of await runsOfEvents(stack)) {
        assert.deepEqual(contradictions(await traceOf(stack.ask, id)), [])
      }
      const updates = (await appliedByEvents(stack)).map(({ entity, action, externalId, after }) =>
        [entity, action, fold(externalId ?? ''), JSON.stringify(after)].join(' '),
      )
      const wanted = members.flatMap(({ userid }) =>
        Array.from({ length: ROUNDS }, (_, index) => {
          return `user update ${fold(userid)} ${JSON.stringify({ title: `round ${index + 1}` })}`
        }),
      )
      assert.deepEqual(updates.toSorted(), wanted.toSorted())
      const asked = control.countCalls({ endpoint: 'user/get' }).count
      t.diagnostic(`${sent} events about ${PEOPLE} people, ${asked} questions`)
      assert.ok(asked <= sent, `${asked} questions for ${sent} events`)
    } finally {
      await second.stop()
    }
  })
})

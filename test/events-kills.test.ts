/**
 * `kill -9` directly after an acknowledged callback (threats.md CB-09): the event is still applied, and once. Every kill
 * strikes another moment between the answer and the end of the work, most of them right behind the answer; some events
 * come again afterwards, as from a WeCom that did not hear the answer.
 *
 * Several companies are killed side by side, because on PostgreSQL what a dead process worked on is let go of after 15
 * seconds. The seed is printed; repeat its moments with MUSTER_TEST_SEED. CI kills a hundred times on each
 * database; MUSTER_TEST_KILLS says another number.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Change } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { createRandom } from '../server/test-support/random.ts'
import { contactEvent, createSender } from './callback-sender.ts'
import { fold } from './directory.ts'
import { appliedByEvents, LISTENING, readEvents, runsOfEvents, workedOff } from './listening.ts'
import { contradictions, traceOf } from './run-trace.ts'
import { spawnServer, type ServerProcess } from './server.ts'
import { startStackOfProcesses, type Stack } from './stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const KILLS = extent('kills on each database', { everyday: 3, thorough: 100 }, process.env.MUSTER_TEST_KILLS)
/** Of one company, one after the other: on PostgreSQL each takes some 20 seconds, and a test may take ten minutes. */
const KILLS_EACH = 12
const COMPANIES = Math.min(KILLS, Math.max(4, Math.ceil(KILLS / KILLS_EACH)))
const PEOPLE = 60
/** So long after the answer; an event is worked off within that, as a rule. */
const LONGEST_WAIT_MS = 60

void describe('killed behind the answer to a callback', { concurrency: 2 * COMPANIES }, () => {
  onEitherDatabase(({ testWithUrl }) => {
    for (let number = 1; number <= COMPANIES; number++) {
      testWithUrl(`company ${number} applies what was acknowledged, once`, async (url, t) => {
        const random = createRandom(SEED + number)
        await using stack = await startStackOfProcesses(url, {
          people: PEOPLE,
          company: { seed: `event kills ${number}` },
          connection: {
            ...LISTENING,
            sync: {
              ...LISTENING.sync,
              users: { onlyHere: 'delete' },
              departments: { onlyHere: 'delete' },
              guard: { percent: 100 },
            },
          },
        })
        // Long enough to be killed in the middle of a question.
        stack.control.changeSettings({ latencyMs: 10 })
        assert.equal((await stack.syncOnce()).state, 'succeeded')
        const company: Company = { stack, random, round: 0 }

        const kills = sharesOf(KILLS, COMPANIES)[number - 1]!
        for (let kill = 1; kill <= kills; kill++) await killedOnce(company, (line) => t.diagnostic(line))
      })
    }
  })
})

interface Company {
  readonly stack: Stack<ServerProcess>
  readonly random: () => number
  round: number
}

/** What has happened at WeCom, and what has to be on record of it afterwards: these rows, and no others. */
interface Happening {
  readonly message: string
  /** `entity action id`. */
  readonly recorded: readonly string[]
}

async function killedOnce(company: Company, tell: (line: string) => void): Promise<void> {
  const { stack, random } = company
  company.round++
  const [eventsBefore, appliedBefore] = [await readEvents(stack), await appliedByEvents(stack)]
  const { message, recorded } = happen(company)
  const sealed = senderOf(stack).seal(message)

  const answer = await senderOf(stack).post(sealed)
  const afterMs = random() < 0.5 ? 0 : random() * LONGEST_WAIT_MS
  if (afterMs > 0) await delay(afterMs) // the moment itself, not a wait for anything
  await stack.server.kill()

  assert.deepEqual([answer.status, answer.text], [200, 'success'])
  stack.replaceServer(await spawnServer(stack.settings))
  const readyAt = performance.now()
  if (random() < 0.3) assert.equal((await senderOf(stack).post(sealed)).text, 'success')
  await workedOff(stack)
  const tookMs = performance.now() - readyAt

  const events = await readEvents(stack)
  const [event] = events
  assert.equal(events.length, eventsBefore.length + 1, 'the event is there, once')
  const what = `${event!.type} ${event!.object}`
  assert.deepEqual([what, event!.state, event!.error], [what, 'applied', null])
  const rows = (await appliedByEvents(stack)).slice(appliedBefore.length).map(rowOf)
  assert.deepEqual([what, rows.toSorted()], [what, recorded.toSorted()])
  for (const { id } of await runsOfEvents(stack)) {
    assert.deepEqual([what, contradictions(await traceOf(stack.ask, id))], [what, []])
  }
  assert.deepEqual([what, await stack.mistakes()], [what, []])
  tell(
    `seed ${SEED}, ${what}: killed ${afterMs.toFixed(0)} ms after the answer, in attempt ${event!.attempts} ` +
      `${tookMs.toFixed(0)} ms after the restart`,
  )
}

function senderOf({ server, corpId }: Stack) {
  return createSender({ origin: server.origin, path: 'hq', receiveId: corpId })
}

function rowOf({ entity, action, externalId }: Change): string {
  return `${entity} ${action} ${fold(externalId ?? '')}`
}

/** Something that one event tells of. The emulator tells nobody by itself. */
function happen({ stack: { control, corpId }, random, round }: Company): Happening {
  const { members, departments } = control.truth({ corpId })
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  // Nobody on whom others hang: their records would change, too.
  const bosses = new Set([
    ...members.flatMap(({ direct_leader: leaders }) => leaders),
    ...departments.flatMap(({ department_leader: leaders }) => leaders),
  ])
  const { userid } = pick(members.filter((member) => !bosses.has(member.userid)))
  const inUse = new Set([
    ...members.flatMap(({ department }) => department),
    ...departments.map(({ parentid }) => parentid),
  ])
  const empty = departments.filter(({ id }) => !inUse.has(id))
  const tell = (type: string, fields: Record<string, string | number>, ...recorded: string[]): Happening => ({
    message: contactEvent(corpId, type, fields),
    recorded,
  })

  const happenings: (() => Happening)[] = [
    () => {
      const newcomer = `new${round}`
      control.addMember({
        corpId,
        member: {
          userid: newcomer,
          name: `新人${round}`,
          // One of their own: an address that is made of the userid would change with it.
          email: `${newcomer}@mail.example`,
          mobile: `138${String(round).padStart(8, '0')}`,
          department: [pick(departments).id],
        },
      })
      return tell('create_user', { UserID: newcomer }, `user create ${newcomer}`)
    },
    () => {
      control.patchMember({ corpId, userid, patch: { position: `round ${round}` } })
      return tell('update_user', { UserID: userid }, `user update ${fold(userid)}`)
    },
    () => {
      const newUserid = `renamed${round}`
      // An address that is made of the userid changes with it.
      const hasAddress = members.some(
        (member) => member.userid === userid && `${member.biz_mail}${member.email}` !== '',
      )
      control.renameMember({ corpId, userid, newUserid })
      const made = hasAddress ? [] : [`user update ${newUserid}`]
      return tell('update_user', { UserID: userid, NewUserID: newUserid }, `link update ${newUserid}`, ...made)
    },
    () => {
      control.removeMembers({ corpId, userids: [userid] })
      return tell('delete_user', { UserID: userid }, `user delete ${fold(userid)}`)
    },
    () => {
      const { id } = control.addDepartment({
        corpId,
        department: { name: `round ${round}`, parentid: pick(departments).id },
      })
      return tell('create_party', { Id: id }, `department create ${id}`)
    },
    () => {
      const { id } = pick(departments.filter(({ parentid }) => parentid !== 0))
      control.patchDepartment({ corpId, id, patch: { name: `renamed ${round}` } })
      return tell('update_party', { Id: id }, `department update ${id}`)
    },
    ...(empty.length === 0
      ? []
      : [
          () => {
            const { id } = pick(empty)
            control.removeDepartment({ corpId, id })
            return tell('delete_party', { Id: id }, `department delete ${id}`)
          },
        ]),
  ]
  return pick(happenings)()
}

/** 7 among 3: 3, 2, 2. */
function sharesOf(total: number, among: number): number[] {
  return Array.from({ length: among }, (_, place) => Math.floor((total + among - 1 - place) / among))
}

/**
 * `kill -9` in the middle of runs (threats.md X-01), at random moments: after a restart the run goes on and ends as if
 * nothing had happened, nothing that was acknowledged is lost, nobody is there or counted twice, and the next run finds
 * everything right.
 *
 * Several companies are killed side by side, because on PostgreSQL a dead process is noticed only when its lease of 15
 * seconds has run out. The seed is printed; repeat its moments with MUSTER_TEST_SEED.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createDepartment, listChanges } from '@muster/contracts'
import { onEachDatabase } from '../server/test-support/databases.ts'
import { createRandom } from '../server/test-support/random.ts'
import { pictureOf } from './directory.ts'
import { eventually } from './eventually.ts'
import { spawnServer, type ServerProcess } from './server.ts'
import { startStackOfProcesses, type Stack } from './stack.ts'

const SEED = Number(process.env.MUSTER_TEST_SEED ?? randomInt(2 ** 31))
const COMPANIES = 10
/** Of each company, so that 20 runs are killed on each database. */
const KILLS = 2
/** With those that came too late, because the run had ended. */
const MOST_ATTEMPTS = 12
const PEOPLE = 600
/** Promised by http-api.md §4.3, from readiness on. */
const TAKEN_UP_WITHIN_MS = 30_000
/** A run of 600 people, with 19 others beside it. */
const CARRIED_OUT_WITHIN_MS = 30_000

void describe('killed in the middle of runs', { concurrency: 2 * COMPANIES }, () => {
  onEachDatabase(({ testWithUrl }) => {
    for (let company = 1; company <= COMPANIES; company++) {
      testWithUrl(`company ${company} loses nothing, and its runs go on to their end`, async (url, t) => {
        const random = createRandom(SEED + company)
        await using stack = await startStackOfProcesses(url, {
          people: PEOPLE,
          company: { seed: `kills ${company}` },
        })
        stack.control.changeSettings({ latencyMs: 15 })

        let kills = 0
        let longestWriteMs = 400
        for (let attempt = 1; attempt <= MOST_ATTEMPTS && kills < KILLS; attempt++) {
          const moment = random() < 0.35 ? { readShare: random() } : { afterReadMs: random() * longestWriteMs }
          const { runId, acknowledged } = await killDuringRun(stack, moment)
          stack.replaceServer(await spawnServer(stack.settings))
          const readyAt = performance.now()

          const ended = await stack.finished(runId)
          const endedAfterMs = performance.now() - readyAt
          const isTakenOver = ended.warnings.some(({ code }) => code === 'taken-over')
          t.diagnostic(
            `seed ${SEED}, ${JSON.stringify(moment)}: ${isTakenOver ? 'taken over and ' : ''}${ended.state}, ` +
              `after ${Math.round(endedAfterMs)} ms`,
          )
          if (isTakenOver) kills++
          else longestWriteMs /= 2
          assert.ok(endedAfterMs < TAKEN_UP_WITHIN_MS + CARRIED_OUT_WITHIN_MS)
          assert.equal(ended.state, 'succeeded')
          // Everybody differs before each run, so everybody was written once, by whichever process.
          const { created, updated, unchanged, failed } = ended.counts.users
          assert.deepEqual([created + updated, unchanged, failed], [PEOPLE, 0, 0])
          assert.equal(created, attempt === 1 ? PEOPLE : 0)
          const query = { entity: 'user' as const, limit: 1 }
          const recorded = await stack.ask(listChanges, { params: { id: runId }, query })
          assert.equal(recorded.total, PEOPLE)
          const again = ended.counts.departments
          assert.equal(again.created + again.unchanged, stack.control.truth(stack).departments.length)
          assert.deepEqual(await stack.mistakes(), [])

          const { users, departments } = await stack.directory()
          pictureOf({ users, departments }) // throws when a member or a department of WeCom is there twice
          const usernames = users.map(({ username }) => username.toLowerCase())
          assert.equal(new Set(usernames).size, usernames.length)
          const names = new Set(departments.map(({ name }) => name))
          assert.deepEqual(
            acknowledged.filter((name) => !names.has(name)),
            [],
          )

          const next = await stack.syncOnce()
          assert.deepEqual([next.state, next.counts.users.unchanged], ['succeeded', PEOPLE])
          assert.deepEqual(await stack.mistakes(), [])
          retitleEverybody(stack, String(attempt))
        }
        assert.equal(kills, KILLS)
      })
    }
  })
})

/** When to kill: after this share of the departments was read, or so long after all of them were. */
type Moment = { readonly readShare: number } | { readonly afterReadMs: number }

/** Starts a run, writes beside it as an administrator would, and kills the server. */
async function killDuringRun(
  stack: Stack<ServerProcess>,
  moment: Moment,
): Promise<{ runId: string; acknowledged: readonly string[] }> {
  const departments = stack.control.truth(stack).departments.length
  const wanted = 'readShare' in moment ? Math.ceil(moment.readShare * departments) : departments
  stack.control.clearCalls()
  const { id } = await stack.startRun()
  const writing = writeUntilItBreaks(stack, id)
  await eventually('so many departments were read', () => {
    return stack.control.countCalls({ endpoint: 'user/list' }).count >= wanted
  })
  if ('afterReadMs' in moment) await delay(moment.afterReadMs) // the moment itself, not a wait for anything
  await stack.server.kill()
  return { runId: id, acknowledged: await writing }
}

/** @returns the names of the departments whose creation was acknowledged */
async function writeUntilItBreaks(stack: Stack, mark: string): Promise<string[]> {
  const acknowledged: string[] = []
  for (let n = 0; ; n++) {
    const name = `${mark} ${n}`
    try {
      await stack.ask(createDepartment, { body: { name } })
    } catch (error) {
      // What fetch throws when the other side is gone; an answer that refuses would be a finding.
      if (error instanceof TypeError) return acknowledged
      throw error
    }
    acknowledged.push(name)
    await delay(5)
  }
}

/** Gives the next run something to write about everybody. Nobody leaves: a leaver stays a user by default. */
function retitleEverybody({ control, corpId }: Stack, mark: string): void {
  for (const { userid } of control.truth({ corpId }).members) {
    control.patchMember({ corpId, userid, patch: { position: `职位 ${mark}` }, unchecked: true })
  }
}

/**
 * A thousand delete events in a minute (threats.md CB-18), whatever is behind them: an accident of an administrator of
 * WeCom, or somebody who knows token and key. Nobody is removed on the word of an event alone, and not many at once on any.
 */
import assert from 'node:assert/strict'
import { approveRun, listAudit, listChanges, listReviews, rejectRun, updateConnection } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { contactEvent, createSender } from './callback-sender.ts'
import { fold } from './directory.ts'
import { heldByEvents, LISTENING, readEvents, runsOfEvents, tellOfChanges, workedOff } from './listening.ts'
import { startStack, type Stack } from './stack.ts'

const EVENTS = extent('events', { everyday: 150, thorough: 1_000 })
/** Nine in ten are active. */
const PEOPLE = 1.2 * EVENTS
const AT_ONCE = 16
/** Of the policy below: one less may be removed without an approval. */
const HELD_FROM = 50

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl(
    `${EVENTS} people deleted in WeCom at once are held in one run, and removed by its approval`,
    async (url) => {
      await using stack = await startSynchronized(url, { isTold: true })
      const leavers = leaversOf(stack)

      stack.control.removeMembers({ corpId: stack.corpId, userids: leavers })
      await stack.control.deliveriesSettled()
      await workedOff(stack)

      const events = await readEvents(stack)
      assert.deepEqual(
        [events.length, events.filter(({ state, type }) => state === 'applied' && type === 'delete_user').length],
        [EVENTS, EVENTS],
      )
      const held = await heldByEvents(stack)
      assert.ok(held?.held, 'a run is held')
      const executed = EVENTS - held.counts.users.held
      assert.ok(executed < HELD_FROM, `${executed} were removed unasked`)
      assert.equal((await disabledOf(stack, leavers)).length, executed)
      const waiting = await stack.ask(listChanges, { params: { id: held.id }, query: { state: 'held', limit: 1 } })
      assert.equal(waiting.total, EVENTS - executed)

      const approval = await stack.ask(approveRun, { params: { id: held.id }, body: { planHash: held.held.planHash } })
      const ended = await stack.finished(approval.id)

      assert.deepEqual([ended.state, ended.counts.users.disabled], ['succeeded', EVENTS - executed])
      assert.deepEqual(await disabledOf(stack, leavers), leavers)
      const audited = await stack.ask(listAudit, { query: { action: 'user.disable', limit: 1 } })
      assert.equal(audited.total, EVENTS)
      assert.equal((await stack.ask(listReviews, { query: { limit: 1 } })).total, 0)
    },
  )

  testWithUrl('what was held and rejected stays, and is held again when it is said again', async (url) => {
    await using stack = await startSynchronized(url, { isTold: true })
    const leavers = leaversOf(stack).slice(0, 2 * HELD_FROM)
    stack.control.pauseDeliveries()
    stack.control.removeMembers({ corpId: stack.corpId, userids: leavers })
    stack.control.resumeDeliveries({ order: 'shuffled' })
    await stack.control.deliveriesSettled()
    await workedOff(stack)
    const held = (await heldByEvents(stack))!
    const before = await disabledOf(stack, leavers)

    await stack.ask(rejectRun, { params: { id: held.id } })

    assert.deepEqual(await disabledOf(stack, leavers), before)
    await deleteEvents(
      stack,
      leavers.filter((userid) => !before.includes(userid)),
    )
    await workedOff(stack)
    const again = (await heldByEvents(stack))!
    assert.notEqual(again.id, held.id)
    const executed = (await disabledOf(stack, leavers)).length
    assert.ok(executed < HELD_FROM, `${executed} were removed unasked`)
    assert.equal(again.counts.users.held, leavers.length - executed)
  })

  testWithUrl(`${EVENTS} delete events about people who are still there do nothing`, async (url) => {
    await using stack = await startSynchronized(url, { isTold: false })
    const before = await stack.directory()

    await deleteEvents(stack, leaversOf(stack))
    await workedOff(stack)

    const events = await readEvents(stack)
    assert.deepEqual([events.length, events.every(({ state }) => state === 'applied')], [EVENTS, true])
    assert.deepEqual(await runsOfEvents(stack), [])
    assert.deepEqual(await stack.directory(), before)
    assert.deepEqual(await stack.mistakes(), [])
  })
})

/** Everybody is in the directory; leavers are disabled. */
async function startSynchronized(url: string, { isTold }: { isTold: boolean }): Promise<Stack> {
  const stack = await startStack(url, {
    people: PEOPLE,
    connection: { ...LISTENING, sync: { ...LISTENING.sync, users: { onlyHere: 'disable' } } },
    settings: { MUSTER_WECOM_CALLS_PER_MINUTE: '100000' },
  })
  try {
    stack.control.changeSettings({
      limits: { perMinute: null, perHour: null, perAddressPerMinute: null, perAddressPerHour: null },
    })
    await stack.ask(updateConnection, {
      params: { id: 'hq' },
      body: { sync: { guard: { percent: 20, absolute: HELD_FROM } } },
    })
    assert.equal((await stack.syncOnce()).state, 'succeeded')
    if (isTold) {
      const { corpId, connection, server } = stack
      await tellOfChanges(stack.control, { corpId, connection, origin: server.origin })
    }
    return stack
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

/** So many who are active, so that disabling them can be seen. */
function leaversOf({ control, corpId }: Stack): string[] {
  const active = control.truth({ corpId }).members.filter(({ status, enable }) => status === 1 && enable !== 0)
  return active.slice(0, EVENTS).map(({ userid }) => userid)
}

/** Which of them cannot sign in any more. */
async function disabledOf(stack: Stack, userids: readonly string[]): Promise<string[]> {
  const { users } = await stack.directory()
  const disabled = new Set(
    users.flatMap(({ status, links }) => (status === 'disabled' ? links.map(({ userid }) => fold(userid)) : [])),
  )
  return userids.filter((userid) => disabled.has(fold(userid)))
}

/** Signed and sealed as WeCom would, whether it is true or not. */
async function deleteEvents({ server, corpId }: Stack, userids: readonly string[]): Promise<void> {
  const sender = createSender({ origin: server.origin, path: 'hq', receiveId: corpId })
  const waiting = [...userids]
  const send = async () => {
    for (let userid = waiting.pop(); userid !== undefined; userid = waiting.pop()) {
      const { status } = await sender.deliver(contactEvent(corpId, 'delete_user', { UserID: userid }))
      assert.equal(status, 200)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, send))
}

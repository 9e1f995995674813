/**
 * A connection that listens: it has token and key, changes nothing by the clock, and follows events as they come. For
 * tests of what becomes of events; what is taken and refused is in callbacks.test.ts.
 */
import {
  getRun,
  listAllRuns,
  listChanges,
  listEvents,
  type Change,
  type Event,
  type EventState,
  type Run,
} from '@muster/contracts'
import type { Control, EventForm } from '@muster/emulator'
import type { ApiClient } from './client.ts'
import { AES_KEY, TOKEN } from './callback-sender.ts'
import { eventually } from './eventually.ts'

/** For the creation of a connection. */
export const LISTENING = {
  callback: { token: TOKEN, aesKey: AES_KEY },
  sync: { enabled: true, realTime: true },
} as const

/** The contacts-sync assistant, the one whom WeCom tells of changes. */
const ASSISTANT = 0
const PAGE = 500

/** A stack, or one company of a fleet. */
interface Listener extends Pick<ApiClient, 'ask'> {
  readonly organizationId?: string
}

/**
 * Has the emulator tell a server of every change, after it verified the address as WeCom's console does.
 * @param where.form `reduced`, as every address entered today, says nothing of a new name or title
 */
export async function tellOfChanges(
  control: Control,
  {
    corpId,
    origin,
    connection,
    form = 'full',
  }: { corpId: string; origin: string; connection: string; form?: EventForm },
): Promise<void> {
  const { ok, reason } = await control.setCallback({
    corpId,
    agentId: ASSISTANT,
    url: `${origin}/callback/wecom/${connection}`,
    token: TOKEN,
    encodingAesKey: AES_KEY,
    form,
  })
  if (!ok) throw new Error(`the address was not accepted: ${reason}`)
}

/** All of them, newest first. */
export async function readEvents({ ask, organizationId }: Listener): Promise<Event[]> {
  const all: Event[] = []
  for (let cursor: string | undefined; ;) {
    const page = await ask(listEvents, { query: { organizationId, limit: PAGE, cursor } })
    all.push(...page.items)
    if (page.nextCursor === null) return all
    cursor = page.nextCursor
  }
}

/** Waits until no event is left to be worked off; one that failed may be again after a pause. */
export async function workedOff({ ask, organizationId }: Listener): Promise<void> {
  const count = async (state: EventState) =>
    (await ask(listEvents, { query: { organizationId, state, limit: 1 } })).total ?? 0
  await eventually(
    'every event was worked off',
    async () => (await count('pending')) === 0 && (await count('failed')) === 0,
  )
}

/** Runs that events left behind: those that changed, hold or failed something. Oldest first. */
export async function runsOfEvents({ ask, organizationId }: Listener): Promise<Run[]> {
  const all: Run[] = []
  for (let cursor: string | undefined; ;) {
    const page = await ask(listAllRuns, { query: { organizationId, trigger: 'event', limit: PAGE, cursor } })
    all.push(...page.items)
    if (page.nextCursor === null) return all.reverse()
    cursor = page.nextCursor
  }
}

/** What events have done, by all of those runs. */
export async function appliedByEvents(client: Listener): Promise<Change[]> {
  const found: Change[] = []
  for (const { id } of await runsOfEvents(client)) {
    for (let cursor: string | undefined; ;) {
      const page = await client.ask(listChanges, { params: { id }, query: { state: 'applied', limit: PAGE, cursor } })
      found.push(...page.items)
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
  }
  return found
}

/** The one run in which removals that events asked for wait. */
export async function heldByEvents(client: Listener): Promise<Run | undefined> {
  const held = (await runsOfEvents(client)).filter(({ state }) => state === 'held')
  if (held.length > 1) throw new Error(`${held.length} runs of events are held`)
  return held[0] && client.ask(getRun, { params: { id: held[0].id } })
}

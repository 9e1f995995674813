/**
 * Back-channel logout: applications that want to know are told that a session has ended. Which ones is noted by
 * directory/sign-out.ts in the transaction that ends it; this delivers the notes, again and again for a while. Asks nobody
 * but the address that an administrator has set, follows no redirect, and reads no answer.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Logger } from 'pino'
import type { Application } from '../applications/applications.ts'
import type { Database, Row } from '../database/database.ts'

/** Waits after each failure, in seconds; after the last one it is given up. An application that restarts is back by then. */
const AGAIN_AFTER_S = [2, 10, 60, 300, 1_800, 7_200]
const AT_ONCE = 8
const TIMEOUT_MS = 5_000
/** While one process delivers, the others leave the note alone. Longer than the timeout. */
const HELD_FOR_MS = 15_000
const MOST_ROUNDS = 50

export function createLogoutDeliveries({
  database,
  log,
  now,
  findApplication,
  signLogoutToken,
}: {
  database: Database
  log: Logger
  now: () => number
  findApplication: (clientId: string) => Promise<Application | undefined>
  signLogoutToken: (clientId: string, userId: string, sid: string | null) => Promise<string>
}) {
  return {
    /** Delivers what is due. @returns how many were delivered */
    async deliver(signal: AbortSignal): Promise<number> {
      let delivered = 0
      for (let round = 0; round < MOST_ROUNDS && !signal.aborted; round++) {
        const due = await take()
        const outcomes = await Promise.all(due.map((delivery) => deliverOne(delivery, signal)))
        delivered += outcomes.filter(Boolean).length
        if (due.length < AT_ONCE) break
      }
      return delivered
    },
  }

  /** Takes what is due, so that no other process does. A process that dies meanwhile leaves it due again. */
  async function take(): Promise<Row<'logout_deliveries'>[]> {
    const at = now()
    const due = await database.kysely
      .selectFrom('logout_deliveries')
      .selectAll()
      .where('due_at', '<=', at)
      .orderBy('due_at')
      .limit(AT_ONCE)
      .execute()
    const taken: Row<'logout_deliveries'>[] = []
    for (const delivery of due) {
      const { numUpdatedRows } = await database.kysely
        .updateTable('logout_deliveries')
        .set({ due_at: at + HELD_FOR_MS, attempts: delivery.attempts + 1 })
        .where('id', '=', delivery.id)
        .where('attempts', '=', delivery.attempts)
        .executeTakeFirst()
      if (numUpdatedRows === 1n) taken.push({ ...delivery, attempts: delivery.attempts + 1 })
    }
    return taken
  }

  async function deliverOne(
    { id, client_id, user_id, sid, attempts }: Row<'logout_deliveries'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const application = await findApplication(client_id)
    const address = application?.enabled ? application.backchannelLogoutUri : null
    // Whoever was disabled, or wants to know no more, is not told.
    if (application === undefined || address === null || address === undefined) {
      await finish(id)
      return false
    }
    const body = new URLSearchParams({ logout_token: await signLogoutToken(client_id, user_id, sid) }).toString()
    const problem = await post(address, body, signal)
    if (problem === undefined) {
      await finish(id)
      return true
    }
    const againAfter = AGAIN_AFTER_S[attempts - 1]
    log.warn(
      { application: application.id, attempts, problem, givenUp: againAfter === undefined },
      'an application could not be told that a session has ended',
    )
    if (againAfter === undefined) await finish(id)
    else {
      await database.kysely
        .updateTable('logout_deliveries')
        .set({ due_at: now() + againAfter * 1_000 })
        .where('id', '=', id)
        .execute()
    }
    return false
  }

  async function finish(id: string): Promise<void> {
    await database.kysely.deleteFrom('logout_deliveries').where('id', '=', id).execute()
  }
}

/** @returns what went wrong, in a word; undefined when the application has taken it */
function post(address: string, body: string, stopping: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const send = address.startsWith('https:') ? httpsRequest : httpRequest
    const request = send(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
      },
      agent: false,
      signal: AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    request.on('response', (response) => {
      const { statusCode = 0 } = response
      // The status is all that counts, and nobody knows how long the rest is.
      response.destroy()
      resolve(statusCode === 200 || statusCode === 204 ? undefined : `status ${statusCode}`)
    })
    request.on('error', (error: Error & { code?: string }) => resolve(error.code ?? error.name))
    request.end(body)
  })
}

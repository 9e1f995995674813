/**
 * The control functions for callbacks of the apps of a company: who is called where, what is sent, and what became of it. One
 * part of control.ts, which is where both doors come in. No function waits for a delivery, except the one that verifies an
 * address and the one that says so.
 */

import type { App } from '../company/apps.ts'
import { shiftNonce } from '../callbacks/request.ts'
import type { Envelope, Tampering } from '../callbacks/request.ts'
import type {
  Delivery,
  DeliveryFilter,
  DeliveryRecord,
  DeliverySettings,
  DeliveryTotals,
  Verification,
} from '../callbacks/sender.ts'
import type { Company } from '../company/company.ts'
import type { AppRef } from './control.ts'
import { ControlError } from './errors.ts'
import { corpIdFor } from '../company/corp-ids.ts'
import type { CallbackTarget, EventForm } from '../callbacks/events.ts'
import type { World } from '../world.ts'

/** What an administrator enters as 接收事件服务器 of an app or of the contacts-sync assistant. */
export interface CallbackEntry extends AppRef {
  url: string
  /** Letters and digits, at most 32. */
  token: string
  /** 43 letters and digits. */
  encodingAesKey: string
  /** Contacts-sync only: `reduced`, the default, as every address saved after 2022-08-15; `full` for an older one. */
  form?: EventForm
  /** `xml` by default. */
  envelope?: Envelope
}

/** A message as a test wants it, to the address of an app. */
export interface TestEvent extends AppRef {
  /** The whole plain text, or the elements behind the usual heading: `{"ChangeType": "delete_user", "UserID": "…"}`. */
  message: string | Record<string, unknown>
  tampering?: Tampering
  /** In place of the setting: 1 for a message that should be refused. */
  attempts?: number
}

export interface CallbackControl {
  /**
   * Verifies the address as WeCom's console does, and keeps it when the answer is right. From then on the app is told of
   * changes. `unchecked` keeps it without asking.
   */
  setCallback(entry: CallbackEntry & { unchecked?: boolean }): Promise<Verification>
  removeCallback(which: AppRef): { removed: boolean }
  callbacks(): CallbackEntry[]
  /** Queues a message to the address of an app, whether its kind gets such messages or not. */
  sendEvent(event: TestEvent): DeliveryRecord
  /**
   * The very bytes of an earlier delivery once more. `shiftDigits` moves digits of the nonce to the timestamp, which the
   * signature does not notice if the earlier one was sent with the tampering `{"shiftDigits": 0}`.
   */
  replayDelivery(which: { id: number; shiftDigits?: number }): DeliveryRecord
  /** The last 10,000 that match, oldest first. */
  deliveries(filter?: DeliveryFilter & { last?: number; afterId?: number }): DeliveryRecord[]
  /** Exact, since the start or the last `clearDeliveries`. */
  countDeliveries(): DeliveryTotals
  clearDeliveries(): void
  pauseDeliveries(): void
  resumeDeliveries(how?: { order?: 'as-made' | 'reversed' | 'shuffled' }): void
  /** Answers when nothing waits any more, delivered or not. */
  deliveriesSettled(): Promise<DeliveryTotals>
  deliverySettings(): DeliverySettings
  changeDeliverySettings(patch: Partial<DeliverySettings>): DeliverySettings
}

/** `appOf` finds an app of a company, or throws a ControlError. */
export function createCallbackControl(
  world: World,
  appOf: (ref: AppRef) => { company: Company; app: App },
): CallbackControl {
  return {
    async setCallback({ corpId, agentId, url, token, encodingAesKey, form, envelope, unchecked = false }) {
      const { company, app } = appOf({ corpId, agentId })
      const receiveId = corpIdFor(world, company, app)
      const receiver = { url, token, encodingAesKey, receiveId }
      const verification = unchecked ? { ok: true, status: 0, ms: 0 } : await world.sender.verify(receiver)
      if (!verification.ok) return verification
      const target: CallbackTarget = { ...receiver, toUserName: receiveId, agentId: agentId === 0 ? null : agentId }
      if (form !== undefined) target.form = form
      if (envelope !== undefined) target.envelope = envelope
      world.callbacks.put(corpId, agentId, target)
      return verification
    },
    removeCallback({ corpId, agentId }) {
      appOf({ corpId, agentId })
      return { removed: world.callbacks.remove(corpId, agentId) }
    },
    callbacks: () =>
      world.callbacks.list().map(({ corpId, agentId, target }) => {
        const { url, token, encodingAesKey, form, envelope } = target
        const choices = { ...(form === undefined ? {} : { form }), ...(envelope === undefined ? {} : { envelope }) }
        return { corpId, agentId, url, token, encodingAesKey, ...choices }
      }),
    sendEvent({ corpId, agentId, message, tampering, attempts }) {
      appOf({ corpId, agentId })
      const target = world.callbacks.find(corpId, agentId)
      if (!target) throw new ControlError(`app ${agentId} has no callback address: call setCallback first`)
      const isText = typeof message === 'string'
      const event = isText ? undefined : (message['ChangeType'] ?? message['InfoType'] ?? message['Event'])
      return queued(
        world.sender.deliver({
          ...target,
          message: isText ? message : world.callbacks.compose(corpId, target, structuredClone(message)),
          expects: target.suite ? 'success' : 'any',
          about: { corpId, agentId, ...(typeof event === 'string' ? { event } : {}) },
          ...(tampering === undefined ? {} : { tampering }),
          ...(attempts === undefined ? {} : { attempts }),
        }),
      )
    },
    replayDelivery({ id, shiftDigits = 0 }) {
      const delivery = world.sender.repeat(id, (sent) => shiftNonce(sent, shiftDigits))
      if (delivery) return queued(delivery)
      throw new ControlError(`delivery ${id} was never sent, or is forgotten`)
    },
    deliveries: (filter = {}) => structuredClone(world.sender.records(filter)),
    countDeliveries: () => world.sender.totals(),
    clearDeliveries: () => world.sender.clear(),
    pauseDeliveries: () => world.sender.pause(),
    resumeDeliveries: ({ order } = {}) => world.sender.resume(order),
    async deliveriesSettled() {
      try {
        return await world.sender.settled()
      } catch (error) {
        throw new ControlError(error instanceof Error ? error.message : String(error))
      }
    },
    deliverySettings: () => world.sender.settings(),
    changeDeliverySettings(patch) {
      world.sender.change(patch)
      return world.sender.settings()
    },
  }
}

/** As it is now: it goes on changing until it has ended. */
function queued({ record }: Delivery): DeliveryRecord {
  return structuredClone(record)
}

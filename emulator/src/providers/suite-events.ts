/**
 * What suites are told (wecom-api.md §4.4): tickets every ten minutes, authorisations as they come and go. Also says where the
 * contact events of an authorised company go. The sending itself is callbacks/sender.ts.
 */

import type { Tampering } from '../callbacks/request.ts'
import type { Delivery } from '../callbacks/sender.ts'
import { renderXml } from '../callbacks/events.ts'
import { lifetimes } from './providers.ts'
import type { Authorization, Suite, SuiteCallback } from './providers.ts'
import type { World } from '../world.ts'

export type AuthorizationEvent = 'create_auth' | 'change_auth' | 'cancel_auth' | 'reset_permanent_code'

/** A new ticket, pushed where there is an address to push it to. */
export function pushTicket(world: World, suite: Suite): string {
  const ticket = world.providers.mintTicket(suite)
  send(world, suite, 'suite_ticket', { SuiteTicket: ticket })
  return ticket
}

/** To be called often: pushes the tickets whose ten minutes are over. */
export function pushDueTickets(world: World): void {
  for (const { suites } of world.providers.all.values()) {
    for (const suite of suites) {
      if (!suite.callback) continue
      const lastAtMs = suite.tickets.at(-1)?.atMs ?? suite.callback.sinceMs
      if (world.now() >= lastAtMs + lifetimes.ticketEveryMs) pushTicket(world, suite)
    }
  }
}

/** Pushes tickets until it is told to stop. */
export function startTicketClock(world: World): { stop: () => void } {
  const timer = setInterval(() => pushDueTickets(world), 1_000)
  // Tickets alone are no reason to stay.
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

/** Returns the authorisation code of those events that bring one. */
export function announceAuthorization(
  world: World,
  authorization: Authorization,
  event: AuthorizationEvent,
): string | undefined {
  const { suite, company, state } = authorization
  const about = { corpId: company.corpId, agentId: authorization.app.agentId }
  const echo: Record<string, string> = state === null ? {} : { State: state }
  if (event === 'change_auth' || event === 'cancel_auth') {
    const AuthCorpId = world.providers.openCorpId(suite.provider, company)
    send(world, suite, event, { AuthCorpId, ...echo }, about)
    return undefined
  }
  // Neither of these says whose it is: only the exchange of the code does.
  const AuthCode = world.providers.authCodes.mint(authorization, lifetimes.pushedAuthCodeMs)
  send(world, suite, event, { AuthCode, ...(event === 'create_auth' ? echo : {}) }, about)
  return AuthCode
}

/**
 * From now on changes of the company's contacts go to the suite: of a template to the data URL, as an app of the company is
 * told them; of everything else to the command URL.
 */
export function subscribeToContacts(world: World, { suite, company, app }: Authorization): void {
  const { callback, suiteId, provider } = suite
  if (!callback) return
  const { dataUrl } = callback
  const letter = letterTo(suite, callback)
  const authCorpId = world.providers.openCorpId(provider, company)
  if (suite.kind !== 'delegated') {
    world.callbacks.put(company.corpId, app.agentId, { ...letter, suite: { suiteId, authCorpId } })
  } else if (dataUrl !== undefined) {
    const isForSuite = world.settings.readings.suiteDataReceiver === 'suite'
    world.callbacks.put(company.corpId, app.agentId, {
      ...letter,
      url: dataUrl,
      receiveId: isForSuite ? suiteId : authCorpId,
      toUserName: authCorpId,
      agentId: app.agentId,
    })
  }
}

/** Any message to an address of the suite, as a test wants it: the whole text, or the elements behind the usual ones. */
export function sendToSuite(
  world: World,
  { suite, callback }: { suite: Suite; callback: SuiteCallback },
  given: {
    message: string | Record<string, unknown>
    to: 'command' | 'data'
    tampering?: Tampering | undefined
    attempts?: number | undefined
  },
): Delivery {
  const { message, to, tampering, attempts } = given
  const event = typeof message === 'string' ? undefined : message['InfoType']
  return world.sender.deliver({
    ...letterTo(suite, callback),
    url: to === 'data' ? (callback.dataUrl ?? callback.commandUrl) : callback.commandUrl,
    message: typeof message === 'string' ? message : renderXml({ ...headingOf(world, suite), ...message }),
    expects: to === 'command' ? 'success' : 'any',
    about: { object: `suite ${suite.suiteId}`, ...(typeof event === 'string' ? { event } : {}) },
    ...(tampering === undefined ? {} : { tampering }),
    ...(attempts === undefined ? {} : { attempts }),
  })
}

export function unsubscribeFromContacts(world: World, { company, app }: Authorization): void {
  world.callbacks.remove(company.corpId, app.agentId)
}

function send(
  world: World,
  suite: Suite,
  event: string,
  fields: Record<string, string>,
  about: { corpId?: string; agentId?: number } = {},
): void {
  const { callback, suiteId } = suite
  if (!callback) return
  world.sender.deliver({
    ...letterTo(suite, callback),
    message: renderXml({ ...headingOf(world, suite), InfoType: event, ...fields }),
    expects: 'success',
    about: { ...about, event, object: `suite ${suiteId}` },
  })
}

function letterTo({ suiteId }: Suite, { token, encodingAesKey, commandUrl, envelope }: SuiteCallback) {
  return {
    url: commandUrl,
    token,
    encodingAesKey,
    receiveId: suiteId,
    toUserName: suiteId,
    agentId: null,
    envelope,
  }
}

function headingOf(world: World, { suiteId }: Suite): Record<string, unknown> {
  return { SuiteId: suiteId, TimeStamp: Math.floor(world.sender.clock() / 1000) }
}

/** The emulator as a library: start one, point a client at `apiUrl`, steer it by `control`. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import { createApiServer, keepAliveMs } from './api/server.ts'
import { selfSigned } from './sign-in/certificate.ts'
import type { TlsIdentity } from './sign-in/certificate.ts'
import { createControl } from './control/control.ts'
import type { Control } from './control/control.ts'
import { createControlServer } from './control/server.ts'
import type { ProviderShape } from './control/providers.ts'
import type { CompanyShape } from './company/generator.ts'
import { createSignInListener } from './sign-in/server.ts'
import { startTicketClock } from './providers/suite-events.ts'
import { createWorld } from './world.ts'

export type { App, PrincipalKind, VisibleRange } from './company/apps.ts'
export type { Department, Member } from './company/company.ts'
export type { ChurnSummary } from './company/churn.ts'
export type { TlsIdentity } from './sign-in/certificate.ts'
export type { Envelope, Tampering } from './callbacks/request.ts'
export type {
  Attempt,
  DeliveryFilter,
  DeliveryRecord,
  DeliverySettings,
  DeliveryTotals,
  Outcome,
  Verification,
} from './callbacks/sender.ts'
export type { CodeSource, SigninIdentity } from './sign-in/codes.ts'
export { ControlError } from './control/errors.ts'
export type { CallbackEntry, TestEvent } from './control/callbacks.ts'
export type { AppPatch, AppRef, CompanyListing, Control, SettingsPatch, Truth } from './control/control.ts'
export type { EventForm } from './callbacks/events.ts'
export { coverage } from './coverage.ts'
export type { CoveredEndpoint } from './coverage.ts'
export type { FaultEffect, FaultListing, FaultSpec } from './api/faults.ts'
export type { CompanyShape } from './company/generator.ts'
export type { CallFilter, CallRecord } from './api/ledger.ts'
export type { Scan } from './sign-in/scanner.ts'
export type { Limits, Readings, Settings } from './settings.ts'
export type { Installed } from './providers/install.ts'
export type {
  AuthorizationListing,
  AuthorizationRef,
  AuthorizationTerms,
  ProviderListing,
  ProviderShape,
  SuiteCallbackVerification,
  SuiteListing,
  SuiteShape,
} from './control/providers.ts'
export type { SuiteKind } from './providers/providers.ts'

export interface EmulatorOptions {
  /** The companies to start with; one of 12 people by default, none when the list is empty. */
  companies?: CompanyShape[]
  /** Service providers to start with; none by default. */
  providers?: ProviderShape[]
  /** For hints, ids and faults. Companies bring their own. */
  seed?: string
  /** 0, the default, takes any free port. */
  port?: number
  controlPort?: number
  /** Of the pages for browsers. */
  signInPort?: number
  /** Serves the pages over TLS too: with this certificate, or with one made for the purpose, which nobody trusts. */
  tls?: TlsIdentity | 'self-signed'
  tlsPort?: number
  /** Milliseconds since 1970. */
  now?: () => number
}

export interface Emulator {
  /** The address to use in place of `https://qyapi.weixin.qq.com`. No slash at the end. */
  readonly apiUrl: string
  readonly controlUrl: string
  /** In place of `https://login.work.weixin.qq.com`. All three are one server, because their paths do not collide. */
  readonly loginUrl: string
  /** In place of `https://open.weixin.qq.com`. */
  readonly oauthUrl: string
  /** In place of `https://open.work.weixin.qq.com`. */
  readonly openUrl: string
  /** The same pages over TLS, when it was asked for: for a browser that takes this for WeCom's own host. */
  readonly tlsUrl: string | undefined
  readonly control: Control
  /** Drops open connections and frees the ports. */
  close(): Promise<void>
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const world = createWorld({ seed: options.seed ?? '1', now: options.now ?? Date.now })
  const control = createControl(world, options.companies ?? [{ people: 12, seed: '1' }], options.providers)

  const pages = createSignInListener(world)
  const tickets = startTicketClock(world)
  const servers: Server[] = []
  const open = async (server: Server, port = 0): Promise<string> => {
    servers.push(server)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  try {
    const apiUrl = `http://${await open(createApiServer(world), options.port)}`
    const controlUrl = `http://${await open(createControlServer(control), options.controlPort)}`
    const pagesUrl = `http://${await open(createServer({ keepAliveTimeout: keepAliveMs }, pages), options.signInPort)}`
    world.providers.pagesUrl = pagesUrl
    const identity = options.tls === 'self-signed' ? selfSigned(world.now()) : options.tls
    const tlsUrl =
      identity &&
      `https://${await open(createTlsServer({ ...identity, keepAliveTimeout: keepAliveMs }, pages), options.tlsPort)}`
    return {
      apiUrl,
      controlUrl,
      loginUrl: pagesUrl,
      oauthUrl: pagesUrl,
      openUrl: pagesUrl,
      tlsUrl,
      control,
      close: () => {
        tickets.stop()
        world.sender.close()
        return close(servers)
      },
    }
  } catch (error) {
    tickets.stop()
    world.sender.close()
    await close(servers.filter(({ listening }) => listening))
    throw error
  }
}

async function close(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }),
  )
}

/** The emulator as a library: start one, point a client at `apiUrl`, steer it by `control`. */

import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createApiServer } from './api-server.ts'
import { createControl } from './control.ts'
import type { Control } from './control.ts'
import { createControlServer } from './control-server.ts'
import type { CompanyShape } from './generator.ts'
import { createWorld } from './world.ts'

export type { App, PrincipalKind, VisibleRange } from './apps.ts'
export type { Department, Member } from './company.ts'
export type { ChurnSummary } from './churn.ts'
export type { SigninIdentity } from './codes.ts'
export { ControlError } from './control.ts'
export type { AppPatch, AppRef, CompanyListing, Control, SettingsPatch, Truth } from './control.ts'
export { coverage } from './coverage.ts'
export type { CoveredEndpoint } from './coverage.ts'
export type { FaultEffect, FaultListing, FaultSpec } from './faults.ts'
export type { CompanyShape } from './generator.ts'
export type { CallFilter, CallRecord } from './ledger.ts'
export type { Limits, Readings, Settings } from './settings.ts'

export interface EmulatorOptions {
  /** The companies to start with; one of 12 people by default, none when the list is empty. */
  companies?: CompanyShape[]
  /** For hints, ids and faults. Companies bring their own. */
  seed?: string
  /** 0, the default, takes any free port. */
  port?: number
  controlPort?: number
  /** Milliseconds since 1970. */
  now?: () => number
}

export interface Emulator {
  /** The address to use in place of `https://qyapi.weixin.qq.com`. No slash at the end. */
  readonly apiUrl: string
  readonly controlUrl: string
  readonly control: Control
  /** Drops open connections and frees both ports. */
  close(): Promise<void>
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const world = createWorld({ seed: options.seed ?? '1', now: options.now ?? Date.now })
  const control = createControl(world, options.companies ?? [{ people: 12, seed: '1' }])

  const api = createApiServer(world)
  const steering = createControlServer(control)
  const apiUrl = await listen(api, options.port ?? 0)
  try {
    const controlUrl = await listen(steering, options.controlPort ?? 0)
    return { apiUrl, controlUrl, control, close: () => close(api, steering) }
  } catch (error) {
    await close(api)
    throw error
  }
}

async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function close(...servers: Server[]): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }),
  )
}

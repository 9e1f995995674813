/**
 * All state of one emulator: companies, tokens, settings, counters, records. Built once by index.ts, passed to whoever
 * needs it. The api server and the control functions are two views of this one thing.
 */

import type { App } from './company/apps.ts'
import { createBodies } from './company/bodies.ts'
import type { Bodies } from './company/bodies.ts'
import { createSender } from './callbacks/sender.ts'
import type { Sender } from './callbacks/sender.ts'
import { createCodes } from './sign-in/codes.ts'
import type { Codes } from './sign-in/codes.ts'
import type { Company } from './company/company.ts'
import { createCallbacks } from './callbacks/events.ts'
import type { Callbacks } from './callbacks/events.ts'
import { createExports } from './api/exports.ts'
import type { Exports } from './api/exports.ts'
import { createFaults } from './api/faults.ts'
import type { Faults } from './api/faults.ts'
import { createConsents, createTickets } from './company/private-fields.ts'
import type { Consents, Tickets } from './company/private-fields.ts'
import { createLedger } from './api/ledger.ts'
import type { Ledger } from './api/ledger.ts'
import { createLens } from './company/lens.ts'
import type { Lens } from './company/lens.ts'
import { createMeters } from './api/limits.ts'
import type { Meters } from './api/limits.ts'
import { createProviders } from './providers/providers.ts'
import type { Providers } from './providers/providers.ts'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'
import { createScanner } from './sign-in/scanner.ts'
import type { Scanner } from './sign-in/scanner.ts'
import { defaultSettings } from './settings.ts'
import type { Settings } from './settings.ts'
import { createTokens } from './api/tokens.ts'
import type { Tokens } from './api/tokens.ts'

export interface World {
  /** Milliseconds since 1970 by the emulator's own clock, which the control API can move forward. */
  now(): number
  advanceClock(ms: number): void
  /** For ids and hints; the faults have generators of their own, so that their dice do not depend on traffic. */
  readonly random: Random
  readonly seed: string
  readonly companies: Map<string, Company>
  readonly providers: Providers
  readonly settings: Settings
  readonly tokens: Tokens
  readonly meters: Meters
  readonly faults: Faults
  readonly ledger: Ledger
  readonly exports: Exports
  readonly codes: Codes
  readonly consents: Consents
  readonly tickets: Tickets
  /** Who scans, or is signed in inside the client, when a page does not have to ask. */
  readonly scanner: Scanner
  /** Who wants to be called back about what, and what has changed since. */
  readonly callbacks: Callbacks
  /** How callbacks reach them. */
  readonly sender: Sender
  bodiesOf(company: Company): Bodies
  lensOf(company: Company, app: App): Lens
  /** False for a contacts-sync assistant calling from an address not used in the last 90 days. Remembers the use. */
  isKnownAddress(app: App, address: string): boolean
}

/** Kept bytes of list replies per company. Enough for one field mask of 100,000 people. */
const bodyBytesMax = 160 * 1024 * 1024
const addressMemoryMs = 90 * 86_400_000

export function createWorld(options: { seed: string; now: () => number }): World {
  let clockOffsetMs = 0
  const now = () => options.now() + clockOffsetMs
  const random = createRandom(`${options.seed}/world`)
  const settings = defaultSettings()
  const bodies = new WeakMap<Company, Bodies>()
  const lenses = new WeakMap<App, { lens: Lens; basis: string }>()
  /** By the list of known addresses itself, so that an administrator who enters a new list starts the 90 days afresh. */
  const addressUses = new WeakMap<readonly string[], Map<string, number>>()

  const sender = createSender({ seed: options.seed, now, realNow: options.now })
  const world: World = {
    now,
    advanceClock: (ms) => {
      clockOffsetMs += ms
    },
    random,
    seed: options.seed,
    companies: new Map(),
    providers: createProviders(createRandom(`${options.seed}/providers`), () => settings.readings, now),
    settings,
    tokens: createTokens(random, now),
    meters: createMeters(() => settings.limits, now),
    faults: createFaults(options.seed),
    ledger: createLedger(now),
    exports: createExports(random, () => settings, now),
    codes: createCodes(random, () => settings.readings, now),
    consents: createConsents(now),
    tickets: createTickets(random, now),
    scanner: createScanner(),
    sender,
    callbacks: createCallbacks({
      sender,
      readings: () => settings.readings,
      lensOf: (company, app) => world.lensOf(company, app),
    }),
    bodiesOf(company) {
      const known = bodies.get(company)
      if (known) return known
      const created = createBodies(company, bodyBytesMax)
      bodies.set(company, created)
      return created
    },
    lensOf(company, app) {
      const { withheldGender, enableForProviders, useridsForProviders } = settings.readings
      const basis = `${company.shapeVersion()} ${app.version} ${withheldGender} ${enableForProviders} ${useridsForProviders}`
      const known = lenses.get(app)
      if (known?.basis === basis) return known.lens
      const lens = createLens(company, app, settings.readings)
      lenses.set(app, { lens, basis })
      return lens
    },
    isKnownAddress(app, address) {
      if (app.knownAddresses === 'any') return true
      if (!app.knownAddresses.includes(address)) return false
      const uses = addressUses.get(app.knownAddresses) ?? new Map<string, number>()
      addressUses.set(app.knownAddresses, uses)
      if (now() - (uses.get(address) ?? now()) > addressMemoryMs) return false
      uses.set(address, now())
      return true
    },
  }
  return world
}

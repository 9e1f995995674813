/**
 * Many small companies side by side: one emulator, one server, and for each company an organization with a connection of
 * its own. For questions that only many cases can answer, at the price of starting one server.
 *
 *     await using fleet = await startFleet(url, { seeds: ['1', '2'], people: 14 })
 *     await inTurns(fleet.companies, 10, async (company) => { await company.syncOnce() })
 */
import {
  createConnection,
  createOrganization,
  getRun,
  startRun,
  type Endpoint,
  type NewConnection,
  type Result,
  type Run,
  type Sent,
} from '@muster/contracts'
import { startEmulator, type App, type Control } from '@muster/emulator'
import type { z } from 'zod'
import type { Clock } from '../server/src/clock.ts'
import { createClient, type ApiClient } from './client.ts'
import { differences, pictureOf, readDirectory, truth, type Directory } from './directory.ts'
import { eventually } from './eventually.ts'
import { BOOTSTRAP_TOKEN, serveHere, settingsFor, temporaryFolder, type Settings } from './server.ts'
import { PATIENT } from './stack.ts'

export interface FleetOptions {
  /** One company for each; all different. */
  readonly seeds: readonly string[]
  readonly people: number
  readonly departments?: number
  readonly sync?: z.input<typeof NewConnection>['sync']
  readonly settings?: Settings
  readonly clock?: Clock
}

export interface FleetCompany extends Pick<ApiClient, 'ask'> {
  readonly seed: string
  readonly corpId: string
  readonly app: App
  readonly organizationId: string
  /** Identifier of the connection. */
  readonly connection: string
  /** A run from its start to its end. */
  syncOnce(): Promise<Run>
  finished(runId: string): Promise<Run>
  directory(): Promise<Directory>
  /** In what the directory differs from what the emulator shows; empty when all is right. */
  mistakes(): Promise<string[]>
}

export interface Fleet extends AsyncDisposable {
  readonly control: Control
  /** Where the server listens, without a slash at the end. */
  readonly origin: string
  readonly companies: readonly FleetCompany[]
}

export async function startFleet(databaseUrl: string, options: FleetOptions): Promise<Fleet> {
  const { seeds, people, departments, sync, settings, clock } = options
  const folder = temporaryFolder()
  const shapes = seeds.map((seed) => ({ people, seed: `fleet ${seed}`, ...(departments && { departments }) }))
  const emulator = await startEmulator({ companies: shapes })
  const { control } = emulator
  control.changeDeliverySettings(PATIENT)
  const server = await serveHere(
    { ...settingsFor({ databaseUrl, dataDir: folder.path, wecomUrl: emulator.apiUrl }), ...settings },
    clock,
  )
  const { ask } = createClient(server.origin, BOOTSTRAP_TOKEN)

  async function addCompany(seed: string, place: number): Promise<FleetCompany> {
    const { corpId, apps } = control.companies()[place]!
    const app = apps.find(({ kind }) => kind === 'self-built-before-2022')!
    const name = `company-${place}`
    const { id: organizationId } = await ask(createOrganization, { body: { slug: name, name } })
    await ask(createConnection, {
      body: {
        organizationId,
        identifier: name,
        corpId,
        agentId: app.agentId,
        secret: app.secret,
        sync: { enabled: true, ...sync },
      },
    })
    /** Everything that can be asked for one organization is asked for this one. */
    const askHere = <const E extends Endpoint>(endpoint: E, request: Sent<E>): Promise<Result<E>> =>
      ask(endpoint, Object.assign({}, request, { query: { ...(request as { query?: object }).query, organizationId } }))
    const finished = (runId: string) =>
      eventually(`run ${runId} ended`, async () => {
        const run = await ask(getRun, { params: { id: runId } })
        return run.state !== 'running' && run
      })
    const directory = () => readDirectory(askHere)
    return {
      seed,
      corpId,
      app,
      organizationId,
      connection: name,
      ask,
      finished,
      syncOnce: async () => finished((await ask(startRun, { params: { id: name }, body: { mode: 'apply' } })).id),
      directory,
      mistakes: async () => differences(pictureOf(await directory()), truth(control, { corpId, agentId: app.agentId })),
    }
  }

  async function close(): Promise<void> {
    await server.stop()
    await emulator.close()
    folder.remove()
  }

  try {
    const companies: FleetCompany[] = []
    for (const [place, seed] of seeds.entries()) companies.push(await addCompany(seed, place))
    return { control, origin: server.origin, companies, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Works on all of them, so many at a time; the first failure is thrown when those under way have ended. */
export async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  const outcomes = await Promise.allSettled(Array.from({ length: atOnce }, worker))
  const failure = outcomes.find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}

/**
 * Everything a flow test needs, started and closed together: an emulated company, a server on a database of its own,
 * one connection between them, and a client. The emulator is the truth; the API is the only door to the directory.
 *
 *     await using stack = await startStack(url, { people: 100 })
 *     const run = await stack.syncOnce()
 *     assert.deepEqual(await stack.mistakes(), [])
 */
import {
  createConnection,
  getRun,
  listChanges,
  startRun,
  type Change,
  type NewConnection,
  type Run,
} from '@muster/contracts'
import { startEmulator, type App, type CompanyShape, type Emulator, type PrincipalKind } from '@muster/emulator'
import type { z } from 'zod'
import { createClient, type ApiClient } from './client.ts'
import { differences, pictureOf, readDirectory, truth, type Directory } from './directory.ts'
import { eventually } from './eventually.ts'
import {
  BOOTSTRAP_TOKEN,
  serveHere,
  settingsFor,
  spawnServer,
  temporaryFolder,
  type RunningServer,
  type ServerProcess,
  type Settings,
} from './server.ts'

export interface StackOptions {
  people?: number
  company?: Partial<CompanyShape>
  /** Which app reads; by default the one that sees every field. */
  kind?: PrincipalKind
  /** What to leave out or send differently when the connection is created. */
  connection?: Partial<z.input<typeof NewConnection>>
  settings?: Settings
  /** Whether browsers are sent to the emulator's pages instead of WeCom's. */
  wecomPages?: boolean
  /** Whether the emulator also serves its pages over TLS, for a browser that takes it for WeCom's own host. */
  tls?: boolean
}

/** A stack whose server is `S`. */
export interface Stack<S extends RunningServer = RunningServer> extends ApiClient, AsyncDisposable {
  readonly emulator: Emulator
  readonly control: Emulator['control']
  readonly corpId: string
  readonly app: App
  /** The identifier of the connection. */
  readonly connection: 'hq'
  readonly server: S
  readonly settings: Settings
  /** Takes the place of the server, such as after it was killed. */
  replaceServer(server: S): void

  startRun(mode?: 'apply' | 'preview'): Promise<Run>
  /** Waits for the end of a run. */
  finished(runId: string): Promise<Run>
  /** A run from its start to its end. */
  syncOnce(mode?: 'apply' | 'preview'): Promise<Run>
  failures(runId: string): Promise<readonly Change[]>
  directory(): Promise<Directory>
  /** In what the directory differs from what the emulator shows; empty when all is right. */
  mistakes(isExpected?: (userid: string) => boolean): Promise<string[]>
}

/**
 * How long the emulator waits for answers to its callbacks: many tests share a machine, and WeCom's one second is the
 * benchmark's to judge.
 */
export const PATIENT = { verificationDeadlineMs: 30_000, deadlineMs: 30_000 }

/** With the server in this process. */
export function startStack(databaseUrl: string, options: StackOptions = {}): Promise<Stack> {
  return assemble(databaseUrl, options, (settings) => serveHere(settings))
}

/** With the server as a process, to be killed or to be read. */
export function startStackOfProcesses(databaseUrl: string, options: StackOptions = {}): Promise<Stack<ServerProcess>> {
  return assemble(databaseUrl, options, spawnServer)
}

async function assemble<S extends RunningServer>(
  databaseUrl: string,
  {
    people = 60,
    company: shape,
    kind = 'self-built-before-2022',
    connection,
    settings: further,
    wecomPages,
    tls,
  }: StackOptions,
  serve: (settings: Settings) => Promise<S>,
): Promise<Stack<S>> {
  const folder = temporaryFolder()
  const emulator = await startEmulator({
    companies: [{ people, seed: 'flow', ...shape }],
    ...(tls && { tls: 'self-signed' }),
  })
  emulator.control.changeDeliverySettings(PATIENT)
  const settings = {
    ...settingsFor({ databaseUrl, dataDir: folder.path, wecomUrl: emulator.apiUrl }),
    ...(wecomPages === true
      ? {
          MUSTER_WECOM_LOGIN_URL: emulator.loginUrl,
          MUSTER_WECOM_OAUTH_URL: emulator.oauthUrl,
          MUSTER_WECOM_OPEN_URL: emulator.openUrl,
        }
      : {}),
    ...further,
  }
  const [company] = emulator.control.companies()
  const app = company!.apps.find((candidate) => candidate.kind === kind)!
  const { corpId } = company!
  let server: S | undefined
  let client: ApiClient

  async function close(): Promise<void> {
    await server?.stop()
    await emulator.close()
    folder.remove()
  }

  function use(next: S): void {
    server = next
    client = createClient(next.origin, BOOTSTRAP_TOKEN)
  }

  const ask: ApiClient['ask'] = (endpoint, request) => client.ask(endpoint, request)

  async function finished(runId: string): Promise<Run> {
    return eventually(`run ${runId} ended`, async () => {
      const run = await ask(getRun, { params: { id: runId } })
      return run.state !== 'running' && run
    })
  }

  try {
    use(await serve(settings))
    await ask(createConnection, {
      body: {
        identifier: 'hq',
        corpId,
        ...(app.agentId === 0 ? { contactsSecret: app.secret } : { agentId: app.agentId, secret: app.secret }),
        sync: { enabled: true },
        ...connection,
      },
    })
  } catch (error) {
    await close()
    throw error
  }

  const startOne = (mode: 'apply' | 'preview' = 'apply') => ask(startRun, { params: { id: 'hq' }, body: { mode } })

  return {
    emulator,
    control: emulator.control,
    corpId,
    app,
    connection: 'hq',
    settings,
    get server() {
      return server!
    },
    replaceServer: use,
    ask,
    send: (path, init) => client.send(path, init),
    startRun: startOne,
    finished,
    syncOnce: async (mode) => finished((await startOne(mode)).id),
    failures: async (id) => (await ask(listChanges, { params: { id }, query: { state: 'failed', limit: 500 } })).items,
    directory: () => readDirectory(ask),
    mistakes: async (isExpected) =>
      differences(
        pictureOf(await readDirectory(ask)),
        truth(emulator.control, { corpId, agentId: app.agentId }, isExpected),
      ),
    [Symbol.asyncDispose]: close,
  }
}

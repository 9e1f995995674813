/**
 * How commands reach the admin API: through the local door of a running server, or through a server that is brought up
 * for the time of the command, without a network listener. Either way a command is an ordinary client of the API.
 */
import { Client } from 'undici'
import type { Transport } from '@muster/contracts'
import { createClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { answers, localDoorPath } from '../local-door.ts'
import { createLog } from '../log.ts'
import { terminalLanguage } from './terminal.ts'

const CALL_TIMEOUT_MS = 60_000

/** @throws AppError `database/in-use` when another process has the database and no door is open */
export async function withLocalApi<T>(config: Config, work: (api: Transport) => Promise<T>): Promise<T> {
  const path = localDoorPath(config.dataDir)
  if (await answers(path)) return throughDoor(config.dataDir, work)

  // Logs of a server that lives for one command would only bury what the command says.
  const log = createLog({ level: config.logLevel === 'debug' ? 'debug' : 'error', destination: process.stderr })
  // Only now: loading the server takes most of the time of a command that finds one running.
  const { createApp } = await import('../app.ts')
  const app = await createApp({
    config,
    log,
    clock: createClock({ offsetFile: config.testClockFile }),
    purpose: 'command',
  })
  try {
    await app.openLocalDoor()
    return await throughDoor(config.dataDir, work)
  } finally {
    await app.close()
  }
}

/** For a door that is known to be open. */
export async function throughDoor<T>(dataDir: string, work: (api: Transport) => Promise<T>): Promise<T> {
  const client = new Client('http://muster.local', {
    socketPath: localDoorPath(dataDir),
    bodyTimeout: CALL_TIMEOUT_MS,
    headersTimeout: CALL_TIMEOUT_MS,
  })
  try {
    return await work(transportOf(client))
  } finally {
    await client.close()
  }
}

function transportOf(client: Client): Transport {
  const language = terminalLanguage()
  return async ({ method, path, query, body }) => {
    const response = await client.request({
      method,
      path: `/api/v1${path}`,
      query,
      headers: { 'accept-language': language, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    return { status: response.statusCode, body: text === '' ? undefined : parse(text) }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError('http/internal', { cause: error })
  }
}

/** `./muster serve`: the server, until it is told to stop. */
import { readFileSync } from 'node:fs'
import { createApp } from '../app.ts'
import { createClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { listenAt } from './listen.ts'
import { readArguments, say } from './terminal.ts'

/** After this long a stop is not graceful any more. */
const STOP_TIMEOUT_MS = 10_000

export async function serve(args: string[]): Promise<number> {
  readArguments(args, {}, 0)
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const log = createLog({ level: config.logLevel })
  if (config.test)
    log.warn('MUSTER_TEST=1: the clock of this process can be moved from outside. Never use this in production.')

  const app = await createApp({ config, log, clock: createClock({ offsetFile: config.testClockFile }) })
  const stopped = stopSignal()
  try {
    await app.openLocalDoor()
    const address = await listenAt(app, config)
    // To whoever sits here, and not into the log: the line is a secret until it is used.
    const invitation = await app.invite()
    if (invitation !== undefined) say(`Set-up: ${invitation}`)
    log.info({ address, publicUrl: config.publicUrl }, 'ready')
    log.info({ signal: await stopped }, 'stopping')
  } finally {
    // Also when the port is taken: what is open would keep a process alive that serves nobody.
    const forced = setTimeout(() => {
      log.error('could not stop in time')
      process.exit(1)
    }, STOP_TIMEOUT_MS)
    await app.close()
    clearTimeout(forced)
  }
  log.info('stopped')
  return 0
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
}

/** The sample application as a process of its own: it is somebody else's program, and knows no more than they would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface SampleApp {
  readonly url: string
  stop(): Promise<void>
}

const MAIN = fileURLToPath(new URL('../../../examples/sample-app/src/main.ts', import.meta.url))
const START_TIMEOUT_MS = 30_000

/** @throws when it does not start; what it printed is in the message */
export async function startSampleApp(
  port: number,
  { issuer, clientId, clientSecret }: { issuer: string; clientId: string; clientSecret: string },
): Promise<SampleApp> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ISSUER: issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, PORT: String(port) },
  })
  const exited = once(child, 'exit')
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4_000)))
  const lines = createInterface({ input: child.stdout })
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const announced = await Promise.race([once(lines, 'line'), exited.then(() => undefined)])
  clearTimeout(timer)
  if (announced === undefined) throw new Error(`The sample application did not start. ${errors}`)
  const { url } = JSON.parse(String(announced[0])) as { url: string }
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

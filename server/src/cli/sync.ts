/** `./muster sync CONNECTION`: one run, now. */
import { readFileSync } from 'node:fs'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { describeRun, exitCodeOf, runAndWatch } from './run.ts'
import { printJson, readArguments } from './terminal.ts'

export async function sync(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { preview: { type: 'boolean' }, json: { type: 'boolean' } }, 1)
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  return withLocalApi(config, async (api) => {
    const run = await runAndWatch(api, positionals[0]!, values.preview ? 'preview' : 'apply')
    if (values.json) printJson(run)
    else await describeRun(api, run)
    return exitCodeOf(run)
  })
}

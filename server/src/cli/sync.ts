/** `./muster sync CONNECTION`: one run, now. */
import { readFileSync } from 'node:fs'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { atConnection } from './named-connection.ts'
import { approveAndWatch, describeRun, exitCodeOf, runAndWatch } from './run.ts'
import { printJson, readArguments } from './terminal.ts'

export async function sync(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    { preview: { type: 'boolean' }, 'approve-held': { type: 'boolean' }, json: { type: 'boolean' } },
    1,
  )
  const name = positionals[0]!
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  return withLocalApi(config, async (api) => {
    const mode = values.preview ? 'preview' : 'apply'
    let run = await atConnection(config, api, name, () => runAndWatch(api, name, mode))
    if (run.held !== null && mode === 'apply' && values['approve-held']) {
      if (!values.json) await describeRun(api, run)
      run = await approveAndWatch(api, run.id, run.held.planHash)
    }
    if (values.json) printJson(run)
    else await describeRun(api, run)
    return exitCodeOf(run)
  })
}

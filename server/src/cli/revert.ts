/** `./muster revert RUN`: takes back what a run applied, or what it did to one person; or only says what that would do. */
import { readFileSync } from 'node:fs'
import { call, revertRun, type Transport } from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { findUserId } from './find-user.ts'
import { withLocalApi } from './local-api.ts'
import { describeChanges, describeRun, exitCodeOf, watch } from './run.ts'
import { printJson, readArguments, say, terminalLanguage } from './terminal.ts'

export async function revert(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    { user: { type: 'string' }, preview: { type: 'boolean' }, json: { type: 'boolean' } },
    1,
  )
  const [id] = positionals as [string]
  const isPreview = values.preview === true
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  return withLocalApi(config, async (api) => {
    const userId = values.user === undefined ? undefined : await findUserId(api, values.user)
    const run = await revertAndWatch(api, id, userId, isPreview)
    if (values.json) {
      printJson(run)
      return exitCodeOf(run)
    }
    await describeRun(api, run)
    await describeChanges(api, run)
    if (isPreview) {
      say(
        NOTHING_CHANGED[terminalLanguage()](`./muster revert ${id}${userId === undefined ? '' : ` --user ${userId}`}`),
      )
    }
    return exitCodeOf(run)
  })
}

async function revertAndWatch(api: Transport, id: string, userId: string | undefined, isPreview: boolean) {
  const body = { mode: isPreview ? 'preview' : 'apply', ...(userId === undefined ? {} : { userId }) } as const
  return watch(api, await call(revertRun, { params: { id }, body }, api))
}

const NOTHING_CHANGED = {
  en: (command: string) => `Nothing was changed. To do it: ${command}`,
  zh: (command: string) => `未作任何更改。要执行请运行：${command}`,
}

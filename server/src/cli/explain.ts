/** `./muster explain CONNECTION USERID`: what the next run does with one member, and why. Writes nothing. */
import { readFileSync } from 'node:fs'
import { call, explainMember, type Explanation } from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { atConnection } from './named-connection.ts'
import {
  aligned,
  printable,
  printJson,
  readArguments,
  say,
  screenWidth,
  terminalLanguage,
  wrapped,
} from './terminal.ts'

type Step = Explanation['steps'][number]

/** @returns 0 whatever the answer is: the question was answered */
export async function explain(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(args, { json: { type: 'boolean' } }, 2)
  const [connection, userid] = positionals as [string, string]
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const explanation = await withLocalApi(config, (api) =>
    atConnection(config, api, connection, () =>
      call(explainMember, { params: { id: connection }, body: { userid } }, api),
    ),
  )
  if (values.json) printJson(explanation)
  else for (const line of describe(explanation, process.stdout.columns)) say(line)
  return 0
}

const MARKS: Record<Step['result'], string> = { pass: '✓', fail: '✗', skipped: '·' }

function describe({ steps, access, userId }: Explanation, columns: number | undefined): string[] {
  const words = WORDS[terminalLanguage()]
  const rows = steps.map(({ step, result, detail }) => ({ mark: MARKS[result], title: words[step], detail }))
  const lines = aligned(rows, columns)
  if (access !== null) lines.push('', ...wrapped(printable(access.detail), screenWidth(columns)))
  if (userId !== null) lines.push('', `${words.more} ./muster timeline ${userId}`)
  return lines
}

const WORDS = {
  en: {
    read: 'In WeCom',
    scope: 'In scope',
    match: 'Who it is',
    decide: 'Decision',
    write: 'Written',
    more: 'What happened to them so far:',
  },
  zh: { read: '企业微信', scope: '同步范围', match: '是谁', decide: '决定', write: '写入', more: '此前发生的事：' },
}

/** `./muster timeline USER`: what happened to one user, newest first. */
import { readFileSync } from 'node:fs'
import { call, getUser, getUserTimeline, type TimelineEntry, type User } from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { findUserId } from './find-user.ts'
import { withLocalApi } from './local-api.ts'
import {
  printable,
  printJson,
  readArguments,
  readNumber,
  say,
  screenWidth,
  terminalLanguage,
  wrapped,
} from './terminal.ts'

const MOST = 500

export async function timeline(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    { limit: { type: 'string', default: '50' }, json: { type: 'boolean' } },
    1,
  )
  const limit = readNumber(values.limit, 'limit', 1, MOST)
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  return withLocalApi(config, async (api) => {
    const params = { id: await findUserId(api, positionals[0]!) }
    const user = await call(getUser, { params }, api)
    const found = await call(getUserTimeline, { params, query: { limit } }, api)
    if (values.json) printJson({ userId: user.id, ...found })
    else for (const line of describe(user, found, process.stdout.columns)) say(line)
    return 0
  })
}

function describe(
  user: User,
  { items, total }: { items: readonly TimelineEntry[]; total: number },
  columns: number | undefined,
): string[] {
  const words = WORDS[terminalLanguage()]
  const lines = [`${printable(user.displayName)} (${printable(user.username)}, ${user.id}): ${words[user.status]}`, '']
  for (const { at, summary } of items) {
    // To the minute and in UTC, as the sentences themselves say times.
    const time = `${at.slice(0, 16).replace('T', ' ')} UTC`
    const indent = ' '.repeat(time.length + 4)
    const [first = '', ...more] = wrapped(printable(summary), screenWidth(columns) - indent.length)
    lines.push(`  ${time}  ${first}`, ...more.map((line) => `${indent}${line}`))
  }
  if (items.length === 0) lines.push(words.nothing)
  if (total > items.length) lines.push('', words.more(total - items.length))
  return lines
}

const WORDS = {
  en: {
    active: 'active',
    disabled: 'disabled',
    deleted: 'deleted',
    nothing: '  Nothing is recorded.',
    more: (count: number) => `… and ${count.toLocaleString('en')} older entries; see --limit.`,
  },
  zh: {
    active: '已启用',
    disabled: '已停用',
    deleted: '已删除',
    nothing: '  没有记录。',
    more: (count: number) => `… 还有 ${count.toLocaleString('en')} 条更早的记录，可用 --limit 查看。`,
  },
}

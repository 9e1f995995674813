/** `./muster reviews`: the members about whom sync is not sure, and a person's decision about one of them. */
import { readFileSync } from 'node:fs'
import {
  ApiProblem,
  call,
  getUser,
  listConnections,
  listReviews,
  resolveReview,
  type Review,
  type ReviewDecision,
  type Transport,
  type User,
} from '@muster/contracts'
import type { z } from 'zod'
import { loadConfig } from '../config.ts'
import { findUserId } from './find-user.ts'
import { withLocalApi } from './local-api.ts'
import { atConnection } from './named-connection.ts'
import {
  printable,
  printJson,
  readArguments,
  say,
  screenWidth,
  terminalLanguage,
  UsageError,
  wrapped,
} from './terminal.ts'

const MOST = 500

export async function reviews(args: string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    {
      all: { type: 'boolean' },
      resolve: { type: 'string' },
      link: { type: 'string' },
      create: { type: 'boolean' },
      ignore: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    0,
    1,
  )
  const decide = readDecision(values, positionals.length > 0)
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  return withLocalApi(config, async (api) => {
    if (decide !== undefined) {
      const review = await call(resolveReview, { params: { id: values.resolve! }, body: await decide(api) }, api)
      if (values.json) printJson(review)
      else say(await tellDecision(api, review))
      return 0
    }
    const [connection] = positionals
    const query = {
      limit: MOST,
      ...(values.all ? {} : { state: 'open' as const }),
      ...(connection === undefined ? {} : { connection }),
    }
    const found = await atConnection(config, api, connection ?? '', () => call(listReviews, { query }, api))
    if (values.json) printJson(found)
    else for (const line of await describe(api, found, process.stdout.columns)) say(line)
    return 0
  })
}

interface Given {
  readonly all?: boolean | undefined
  readonly resolve?: string | undefined
  readonly link?: string | undefined
  readonly create?: boolean | undefined
  readonly ignore?: boolean | undefined
}

/** @returns undefined when the list is wanted @throws UsageError */
function readDecision(
  { all, resolve, link, create, ignore }: Given,
  hasConnection: boolean,
): ((api: Transport) => Promise<z.input<typeof ReviewDecision>>) | undefined {
  const chosen = [link !== undefined, create === true, ignore === true].filter(Boolean).length
  if (resolve === undefined) {
    if (chosen > 0) throw new UsageError('--link, --create and --ignore need --resolve and the id of a review.')
    return undefined
  }
  if (hasConnection || all) throw new UsageError('--resolve takes the id of a review and nothing else to choose from.')
  if (chosen !== 1) throw new UsageError('with --resolve, choose one of --link USER, --create, --ignore.')
  if (link !== undefined) return async (api) => ({ action: 'link', userId: await findUserId(api, link) })
  return () => Promise.resolve({ action: create === true ? 'create' : 'ignore' })
}

async function tellDecision(api: Transport, review: Review): Promise<string> {
  const words = WORDS[terminalLanguage()]
  const user = review.userId === null ? undefined : await userOf(api, review.userId)
  return words.decided(nameOf(review), review.state, user === undefined ? '' : nameOfUser(user))
}

async function describe(
  api: Transport,
  { items, total }: { items: readonly Review[]; total: number },
  columns: number | undefined,
): Promise<string[]> {
  const words = WORDS[terminalLanguage()]
  if (items.length === 0) return [words.nobody]
  const connections = await call(listConnections, { query: { limit: MOST } }, api)
  const identifiers = new Map(connections.items.map(({ id, identifier }) => [id, identifier]))
  const users = await usersOf(api, items)
  const width = screenWidth(columns) - 4
  const lines: string[] = []
  for (const review of items) {
    const connection = identifiers.get(review.connectionId) ?? review.connectionId
    lines.push(`${review.id}  ${connection}  ${nameOf(review)}  ${words.states[review.state]}`)
    lines.push(...wrapped(words.reasons[review.reason], width).map((line) => `    ${line}`))
    for (const { userId, matchedOn, userid } of review.candidates) {
      const user = users.get(userId)
      const who = user === undefined ? userId : nameOfUser(user)
      lines.push(`    ${words.candidate(who, words.signs[matchedOn], userid === null ? undefined : printable(userid))}`)
    }
    lines.push('')
  }
  if (total > items.length) lines.push(words.more(total - items.length))
  const open = items.find(({ state }) => state === 'open')
  if (open !== undefined) {
    const choices = ['--link USER', '--create', '--ignore']
    lines.push(words.how, ...choices.map((choice) => `  ./muster reviews --resolve ${open.id} ${choice}`))
  }
  return lines
}

function nameOf({ userid, memberName }: Review): string {
  return memberName === userid ? printable(userid) : `${printable(userid)} (${printable(memberName)})`
}

function nameOfUser({ username, displayName, id }: User): string {
  return `${printable(username)} (${printable(displayName)}, ${id})`
}

async function usersOf(api: Transport, all: readonly Review[]): Promise<ReadonlyMap<string, User>> {
  const users = new Map<string, User>()
  for (const id of new Set(all.flatMap(({ candidates }) => candidates.map(({ userId }) => userId)))) {
    const user = await userOf(api, id)
    if (user !== undefined) users.set(id, user)
  }
  return users
}

/** @returns undefined for somebody who has been purged since */
async function userOf(api: Transport, id: string): Promise<User | undefined> {
  try {
    return await call(getUser, { params: { id } }, api)
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'users/not-found') return undefined
    throw error
  }
}

const WORDS = {
  en: {
    nobody: 'Nobody waits for a decision.',
    states: {
      open: 'open',
      linked: 'linked',
      created: 'made a new user',
      ignored: 'left as it is',
      outdated: 'answered itself',
    },
    reasons: {
      privileged: 'The signs point to an administrator or a break-glass account, which no run links by itself.',
      ambiguous: 'The signs point to several users, or several members to one user, or nothing visible says who it is.',
      conflict: 'The signs point to a user who belongs to another member.',
      reused: 'The userid shows another person than the user who is linked to it.',
    },
    signs: { userid: 'the userid', username: 'the login name', email: 'the e-mail', phone: 'the phone' },
    candidate: (who: string, sign: string, other: string | undefined) =>
      `may be ${who}, by ${sign}${other === undefined ? '' : `; at present that is the member ${other}`}`,
    decided: (member: string, state: Review['state'], user: string) =>
      state === 'ignored'
        ? `${member} is left as it is, and the same question is not asked again.`
        : state === 'created'
          ? `${member} is a new user now: ${user}.`
          : `${member} is ${user} now.`,
    more: (count: number) => `… and ${count.toLocaleString('en')} more; see GET /api/v1/reviews.`,
    how: 'To decide, at once and for good: the member is a user who is here, or somebody new, or left as it is.',
  },
  zh: {
    nobody: '没有待确认的成员。',
    states: { open: '待确认', linked: '已关联', created: '已新建用户', ignored: '不处理', outdated: '已无需确认' },
    reasons: {
      privileged: '线索指向管理员或应急账号，同步不会自动关联。',
      ambiguous: '线索指向多个用户，或多个成员指向同一用户，或没有可用于识别此人的信息。',
      conflict: '线索指向的用户已属于另一成员。',
      reused: '该 userid 显示的人与已关联的用户不是同一人。',
    },
    signs: { userid: 'userid', username: '登录名', email: '邮箱', phone: '手机' },
    candidate: (who: string, sign: string, other: string | undefined) =>
      `可能是 ${who}，依据：${sign}${other === undefined ? '' : `；目前对应成员 ${other}`}`,
    decided: (member: string, state: Review['state'], user: string) =>
      state === 'ignored'
        ? `${member}：不处理，同样的问题不会再次提出。`
        : state === 'created'
          ? `${member}：已新建用户 ${user}。`
          : `${member}：已关联到 ${user}。`,
    more: (count: number) => `… 还有 ${count.toLocaleString('en')} 条，见 GET /api/v1/reviews。`,
    how: '如何处理（立即生效）：关联到已有用户、新建用户，或不处理。',
  },
}

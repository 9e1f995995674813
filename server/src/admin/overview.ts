/**
 * What the first page of the console shows. Each number is asked of the room that owns it; here they are put beside each
 * other, day by day, and what somebody should look at gets its sentence.
 */
import {
  getOverview,
  type Attention as AttentionAnswer,
  type AttentionKind,
  type ConnectionOverview as ConnectionAnswer,
  type Overview as OverviewAnswer,
  type SignInReason,
} from '@muster/contracts'
import type { z } from 'zod'
import type { Deed, Tallies } from '../audit/tallies.ts'
import type { Connection, Connections } from '../connections/connections.ts'
import type { Doctor } from '../connections/doctor/doctor.ts'
import type { SuiteTickets } from '../connections/suites/tickets.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { Populations } from '../directory/population.ts'
import { errorTable, type Language, type Text } from '../errors.ts'
import type { Events } from '../events/events.ts'
import type { Oidc } from '../oidc/oidc.ts'
import type { Reviews } from '../sync/reviews.ts'
import type { Run, Runs } from '../sync/runs.ts'
import { statusOf } from './connections.ts'
import { lastDays, type Days } from './days.ts'
import { route, type Route } from './routes.ts'

export interface OverviewParts {
  readonly connections: Connections
  readonly doctor: Pick<Doctor, 'lastCounts'>
  readonly events: Pick<Events, 'parkedOf'>
  readonly now: () => number
  readonly oidc: Pick<Oidc, 'listKeys'>
  readonly organizations: Organizations
  readonly populations: Populations
  readonly reviews: Pick<Reviews, 'openOf'>
  readonly runs: Pick<Runs, 'statusOf' | 'heldOf' | 'recent' | 'userCountsSince'>
  readonly suiteTickets: Pick<SuiteTickets, 'sentAt'>
  readonly tallies: Pick<Tallies, 'perDay'>
}

const MOST_CONNECTIONS = 500
const CHARTED_RUNS = 50
/** Keys are changed after 90 days, by a job; two more, and the job has not done it. */
const KEY_OVERDUE_MS = 92 * 86_400_000
/** WeCom sends a ticket every ten minutes, and each is good for thirty. */
const TICKET_GOOD_MS = 30 * 60_000

/** Everything about one connection that the page and its notices need. */
interface Scene {
  readonly connection: Connection
  readonly last: Run | null
  readonly activeRunId: string | null
  readonly isHeldByEvents: boolean
  readonly held: Run | null
  readonly linkedUsers: number
  readonly doctor: { readonly ranAt: number; readonly failed: number; readonly warned: number } | null
  readonly reviews: { readonly count: number; readonly since: number } | null
  readonly parked: { readonly count: number; readonly since: number } | null
  /** When WeCom sent the newest ticket; null: never. undefined: of a connection that needs none. */
  readonly ticketAt: number | null | undefined
}

interface Notice {
  readonly kind: AttentionKind
  readonly connectionId: string | null
  readonly runId: string | null
  readonly count: number | null
  readonly detail: Text
  readonly since: number | null
}

export function overviewRoutes(parts: OverviewParts): Route[] {
  const { connections, doctor, events, now, oidc, organizations, populations, reviews, runs, suiteTickets, tallies } =
    parts
  return [
    route(getOverview, async ({ query, language }): Promise<z.input<typeof OverviewAnswer>> => {
      const { id: organizationId } = await organizations.resolve(query.organizationId)
      const at = now()
      const days = lastDays(at, query.timeZone, query.days)
      const scenes = await scenesOf(organizationId)
      const { departments, ...users } = await populations.count(organizationId)
      return {
        generatedAt: new Date(at).toISOString(),
        organizationId,
        timeZone: query.timeZone,
        connections: scenes.map(renderConnection),
        attention: [...scenes.flatMap((scene) => noticesOf(scene, at)), ...(await noticesOfAll(scenes, at))]
          .toSorted((one, other) => GRAVITY.indexOf(one.kind) - GRAVITY.indexOf(other.kind))
          .map((notice) => renderNotice(notice, language)),
        users: { ...users, total: users.active + users.disabled },
        departments,
        series: await seriesOf(organizationId, days, users),
      }
    }),
  ]

  async function scenesOf(organizationId: string): Promise<Scene[]> {
    const { items } = await connections.list({ organizationId, q: null, limit: MOST_CONNECTIONS, cursor: null })
    const ids = items.map(({ id }) => id)
    const [held, examined, open] = [await runs.heldOf(ids), await doctor.lastCounts(ids), await reviews.openOf(ids)]
    const parked = await events.parkedOf(ids)
    const scenes: Scene[] = []
    for (const connection of items) {
      scenes.push({
        connection,
        ...(await runs.statusOf(connection.id)),
        held: held.get(connection.id) ?? null,
        linkedUsers: await connections.linkedUsers(connection.id),
        doctor: examined.get(connection.id) ?? null,
        reviews: open.get(connection.id) ?? null,
        parked: parked.get(connection.id) ?? null,
        ticketAt: connection.kind === 'self_built' ? undefined : await suiteTickets.sentAt(connection.id),
      })
    }
    return scenes
  }

  async function seriesOf(
    organizationId: string,
    { names, bounds }: Days,
    today: { active: number; disabled: number },
  ): Promise<z.input<typeof OverviewAnswer>['series']> {
    const done = await tallies.perDay(organizationId, bounds)
    const byRuns = await runs.userCountsSince(organizationId, bounds[0]!)
    const past = await populations.atEndOfDays(organizationId, bounds)
    const countOf = (...deeds: Deed[]) =>
      names.map((_, day) => deeds.reduce((sum, deed) => sum + (done.get(deed)?.[day] ?? 0), 0))
    const refused = [...done.keys()].filter((deed) => deed.startsWith(REFUSED))
    const [joiners, leavers] = [countOf('user.create', 'user.restore'), countOf('user.disable', 'user.delete')]
    for (const { at, users } of byRuns) {
      const day = bounds.findLastIndex((bound) => bound <= at)
      if (day < 0 || day >= names.length) continue
      joiners[day]! += users.created + users.restored
      leavers[day]! += users.disabled + users.deleted
    }
    return {
      days: names,
      users: [...past.slice(0, -1), { active: today.active, disabled: today.disabled }],
      joiners,
      leavers,
      signIns: {
        succeeded: countOf('sign-in.succeed'),
        refused: countOf(...refused),
        failed: countOf('sign-in.fail'),
      },
      refusals: refused
        .map((deed) => ({
          reason: deed.slice(REFUSED.length) as SignInReason, // only words of the contracts are written
          count: countOf(deed).reduce((sum, count) => sum + count, 0),
        }))
        .toSorted((one, other) => other.count - one.count),
      runs: (await runs.recent(organizationId, CHARTED_RUNS)).map((run) => ({
        runId: run.id,
        connectionId: run.connectionId,
        startedAt: new Date(run.startedAt).toISOString(),
        seconds: run.finishedAt === null ? null : Math.max(0, run.finishedAt - run.startedAt) / 1000,
        apiCalls: run.apiCalls,
        state: run.state,
      })),
    }
  }

  async function noticesOfAll(scenes: readonly Scene[], at: number): Promise<Notice[]> {
    const nothing = { connectionId: null, runId: null, count: null }
    const notices: Notice[] = []
    if (scenes.length === 0) notices.push({ ...nothing, kind: 'set-up', detail: NO_CONNECTION, since: null })
    const current = (await oidc.listKeys()).find(({ state }) => state === 'current')
    const since = current?.activated_at ?? null
    if (since !== null && at - since > KEY_OVERDUE_MS) {
      notices.push({ ...nothing, kind: 'signing-key', detail: KEY_OVERDUE, since })
    }
    return notices
  }
}

const REFUSED = 'sign-in.refuse:'

/** What comes first: what stops, then what waits for a person, then what is only not right. */
const GRAVITY: readonly AttentionKind[] = [
  'run-failed',
  'held-run',
  'doctor',
  'suite-ticket',
  'events-parked',
  'signing-key',
  'reviews',
  'run-incomplete',
  'set-up',
]

/** What somebody should look at about one connection. */
function noticesOf({ connection, last, held, doctor, reviews, parked, ticketAt }: Scene, at: number): Notice[] {
  const { id: connectionId, displayName: name } = connection
  const about = { connectionId, runId: null, count: null, since: null }
  const notices: Notice[] = []
  if (!connection.sync.enabled && !connection.signIn.enabled) {
    notices.push({
      ...about,
      kind: 'set-up',
      detail: {
        en: `“${name}” is for nothing yet: neither sync nor sign-in is on.`,
        zh: `“${name}”尚未启用：通讯录同步和登录均未开启。`,
      },
      since: connection.createdAt,
    })
  }
  if (held !== null) {
    const count = Object.values(held.held?.counts ?? {}).reduce((sum, one) => sum + one, 0)
    notices.push({
      ...about,
      kind: 'held-run',
      runId: held.id,
      count,
      detail: {
        en: `${count} ${count === 1 ? 'removal' : 'removals'} of “${name}” ${count === 1 ? 'waits' : 'wait'} for a decision.`,
        zh: `“${name}”有 ${count} 项移除等待确认。`,
      },
      since: held.finishedAt,
    })
  }
  if (last?.state === 'failed') {
    const problem = last.error === null ? null : (last.error.detail ?? errorTable[last.error.code].title)
    notices.push({
      ...about,
      kind: 'run-failed',
      runId: last.id,
      detail: {
        en: `The last run of “${name}” failed${problem === null ? '.' : `: ${problem.en}`}`,
        zh: `“${name}”最近一次同步失败${problem === null ? '。' : `：${problem.zh}`}`,
      },
      since: last.finishedAt,
    })
  }
  if (last?.state === 'partially_succeeded') {
    notices.push({
      ...about,
      kind: 'run-incomplete',
      runId: last.id,
      detail: {
        en: `The last run of “${name}” did not do everything: something could not be read, or could not be written.`,
        zh: `“${name}”最近一次同步未全部完成：部分内容未能读取或写入。`,
      },
      since: last.finishedAt,
    })
  }
  // Of a connection that was changed since, it says nothing.
  if (doctor !== null && doctor.failed > 0 && doctor.ranAt >= connection.updatedAt) {
    const { failed: count, ranAt: since } = doctor
    notices.push({
      ...about,
      kind: 'doctor',
      count,
      detail: {
        en: `The last test of “${name}” found ${count} ${count === 1 ? 'fault' : 'faults'}.`,
        zh: `“${name}”最近一次检测发现 ${count} 项问题。`,
      },
      since,
    })
  }
  // Before it is switched on, the set-up says what is missing.
  const isOn = connection.sync.enabled || connection.signIn.enabled
  if (isOn && ticketAt !== undefined && (ticketAt === null || at - ticketAt > TICKET_GOOD_MS)) {
    notices.push({
      ...about,
      kind: 'suite-ticket',
      detail: ticketNotice(connection, ticketAt === null),
      since: ticketAt,
    })
  }
  if (parked !== null) {
    const { count, since } = parked
    notices.push({
      ...about,
      kind: 'events-parked',
      count,
      detail: {
        en: `${count} ${count === 1 ? 'event' : 'events'} of “${name}” failed too often and ${count === 1 ? 'waits' : 'wait'} for a replay.`,
        zh: `“${name}”有 ${count} 个事件多次失败，等待重新处理。`,
      },
      since,
    })
  }
  if (reviews !== null) {
    const { count, since } = reviews
    notices.push({
      ...about,
      kind: 'reviews',
      count,
      detail: {
        en: `${count} ${count === 1 ? 'member' : 'members'} of “${name}” ${count === 1 ? 'waits' : 'wait'} for a person to say who they are.`,
        zh: `“${name}”有 ${count} 位成员等待人工确认身份。`,
      },
      since,
    })
  }
  return notices
}

/** Signing in to an app for any company asks WeCom as the suite; to a company's own, with its permanent code. */
function ticketNotice({ displayName: name, kind }: Connection, isFirst: boolean): Text {
  const happened = isFirst
    ? { en: `WeCom has sent no ticket for “${name}” yet`, zh: `企业微信尚未向“${name}”推送 ticket` }
    : { en: `WeCom has stopped sending the ticket of “${name}”`, zh: `企业微信已停止向“${name}”推送 ticket` }
  return kind === 'service_provider'
    ? {
        en: `${happened.en}: without it nobody signs in through it, and no company can be invited.`,
        zh: `${happened.zh}：没有它将无法登录，也无法邀请企业。`,
      }
    : {
        en: `${happened.en}: without it no company can authorise it.`,
        zh: `${happened.zh}：没有它，企业无法完成授权。`,
      }
}

const NO_CONNECTION: Text = { en: 'There is no connection to WeCom yet.', zh: '尚未创建企业微信连接。' }
const KEY_OVERDUE: Text = {
  en: 'The key that signs ID tokens has not been changed for more than 90 days. The log says why.',
  zh: '签名 ID Token 的密钥已超过 90 天未轮换，原因请查看日志。',
}

function renderNotice({ detail, since, ...notice }: Notice, language: Language): z.input<typeof AttentionAnswer> {
  return { ...notice, detail: detail[language], since: since === null ? null : new Date(since).toISOString() }
}

function renderConnection(scene: Scene): z.input<typeof ConnectionAnswer> {
  const { connection, last, activeRunId, isHeldByEvents, held, linkedUsers, doctor } = scene
  return {
    id: connection.id,
    identifier: connection.identifier,
    displayName: connection.displayName,
    kind: connection.kind,
    syncEnabled: connection.sync.enabled,
    signInEnabled: connection.signIn.enabled,
    syncStatus:
      activeRunId !== null ? 'running' : isHeldByEvents ? 'held' : last === null ? 'never' : statusOf(last.state),
    lastRunId: last?.id ?? null,
    lastRunAt: last === null ? null : new Date(last.startedAt).toISOString(),
    nextRunAt: connection.nextRunAt === null ? null : new Date(connection.nextRunAt).toISOString(),
    activeRunId,
    heldRunId: held?.id ?? null,
    linkedUsers,
    doctor: doctor === null ? null : { ...doctor, ranAt: new Date(doctor.ranAt).toISOString() },
  }
}

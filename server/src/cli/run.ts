/** Starts a run through the API, shows how it goes, and says how it ended. Shared by `sync`, `revert` and `demo`. */
import { setTimeout as delay } from 'node:timers/promises'
import { approveRun, call, getRun, listChanges, startRun, type Run, type Transport } from '@muster/contracts'
import { createProgress, printable, say, terminalLanguage } from './terminal.ts'

const POLL_MS = 150

/** @returns the run after it ended */
export async function runAndWatch(api: Transport, connection: string, mode: 'apply' | 'preview'): Promise<Run> {
  return watch(api, await call(startRun, { params: { id: connection }, body: { mode } }, api))
}

/** Approves what a run holds. @returns the new run that carries it out, after it ended */
export async function approveAndWatch(api: Transport, runId: string, planHash: string): Promise<Run> {
  return watch(api, await call(approveRun, { params: { id: runId }, body: { planHash } }, api))
}

/** Shows how a run goes. @returns the run after it ended */
export async function watch(api: Transport, started: Run): Promise<Run> {
  const progress = createProgress()
  let run = started
  try {
    while (run.state === 'running') {
      const { phase, done, total } = run.progress
      const words = WORDS[terminalLanguage()]
      progress.show(phase === 'read' && run.trigger !== 'revert' ? words.reading : words.writing, done, total)
      await delay(POLL_MS)
      run = await call(getRun, { params: { id: run.id } }, api)
    }
  } finally {
    progress.end()
  }
  return run
}

/** What happened, for a person. */
export async function describeRun(api: Transport, run: Run): Promise<void> {
  const words = WORDS[terminalLanguage()]
  const seconds = run.finishedAt === null ? 0 : (Date.parse(run.finishedAt) - Date.parse(run.startedAt)) / 1_000
  const { membersRead, departmentsRead, users, departments } = run.counts
  say(words.ended(words.states[run.state], seconds.toFixed(1), number(run.apiCalls)))
  // What is undone is asked of nobody.
  if (run.trigger !== 'revert') say(`  ${words.read(number(membersRead), number(departmentsRead))}`)
  say(`  ${words.users}  ${countsLine(users)}`)
  say(`  ${words.departments}  ${countsLine(departments)}`)
  say(`  ${words.run}  ${run.id}`)
  for (const { what, code, detail } of run.unread) say(`  ${words.unread(what, code, detail)}`)
  for (const { detail } of run.warnings) say(`  ${words.note(detail)}`)
  for (const { detail } of run.held?.reasons ?? []) say(`  ${words.held(detail)}`)
  if (run.state === 'held') say(`  ${words.lookAtHeld(`GET /api/v1/runs/${run.id}/changes?state=held`)}`)
  if (run.error !== null) say(`  ${run.error.title}. ${run.error.detail ?? ''}\n  → ${run.error.remedy ?? ''}`)
  if (users.failed + departments.failed === 0) return
  const query = { state: 'failed' as const, limit: SHOWN }
  const { items, total } = await call(listChanges, { params: { id: run.id }, query }, api)
  for (const { entity, externalId, name, error } of items) {
    say(
      `  ${words.failed(`${entity} ${externalId ?? ''} ${printable(name ?? '')}`, error?.detail ?? error?.title ?? '')}`,
    )
  }
  if (total > items.length) say(words.more(total - items.length, `GET /api/v1/runs/${run.id}/changes?state=failed`))
}

/** Each change of a run that is small enough to be looked at, or the first of them. */
export async function describeChanges(api: Transport, run: Run): Promise<void> {
  const words = WORDS[terminalLanguage()]
  const { items, total } = await call(listChanges, { params: { id: run.id }, query: { limit: SHOWN } }, api)
  for (const { entity, action, state, externalId, name, reason } of items) {
    const why = reason === null || state !== 'skipped' ? '' : ` (${reason})`
    const what = `${words.actions[action] ?? action} ${words.entities[entity] ?? entity}`
    const who = [externalId, printable(name ?? '')].filter((text) => text !== null && text !== '').join(' ')
    say(`  ${state === 'skipped' ? words.left : '-'} ${what} ${who}${why}`)
  }
  if (total > items.length) say(words.more(total - items.length, `GET /api/v1/runs/${run.id}/changes`))
}

const SHOWN = 20

function countsLine(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).filter(([name, count]) => count > 0 || name === 'unchanged')
  const { counted } = WORDS[terminalLanguage()]
  return named.map(([name, count]) => `${number(count)} ${counted[name] ?? name}`).join(', ')
}

function number(value: number): string {
  return value.toLocaleString('en')
}

interface Words {
  readonly reading: string
  readonly writing: string
  readonly states: Readonly<Record<Run['state'], string>>
  readonly ended: (state: string, seconds: string, calls: string) => string
  readonly read: (members: string, departments: string) => string
  readonly users: string
  readonly departments: string
  readonly run: string
  readonly unread: (what: string, code: number | null, detail: string) => string
  readonly note: (detail: string) => string
  readonly held: (detail: string) => string
  readonly lookAtHeld: (where: string) => string
  readonly failed: (what: string, why: string) => string
  readonly left: string
  /** Actions and entities of changes, where they are called something else than in the API. */
  readonly actions: Readonly<Record<string, string>>
  readonly entities: Readonly<Record<string, string>>
  readonly more: (count: number, where: string) => string
  /** The counts of a run by their names in the API, where they are called something else. */
  readonly counted: Readonly<Record<string, string>>
}

const WORDS: Readonly<Record<'en' | 'zh', Words>> = {
  en: {
    reading: 'Reading WeCom',
    writing: 'Writing the directory',
    states: {
      running: 'Running',
      succeeded: 'Succeeded',
      partially_succeeded: 'Partially succeeded',
      failed: 'Failed',
      held: 'Held for approval',
      rejected: 'Rejected',
      superseded: 'Superseded',
      cancelled: 'Cancelled',
      previewed: 'Previewed',
    },
    ended: (state, seconds, calls) => `${state} in ${seconds} s, ${calls} calls to WeCom.`,
    read: (members, departments) => `read         ${members} members in ${departments} departments`,
    users: 'users      ',
    departments: 'departments',
    run: 'run        ',
    unread: (what, code, detail) => `not read: ${what} (${code}): ${detail}`,
    note: (detail) => `note: ${detail}`,
    held: (detail) => `held: ${detail}`,
    lookAtHeld: (where) => `→ Look at them: ${where}, then approve or reject the run.`,
    failed: (what, why) => `failed: ${what}: ${why}`,
    left: 'left as it is:',
    actions: {},
    entities: {},
    more: (count, where) => `  … and ${number(count)} more; see ${where}`,
    counted: {},
  },
  zh: {
    reading: '正在读取企业微信',
    writing: '正在写入通讯录',
    states: {
      running: '进行中',
      succeeded: '成功',
      partially_succeeded: '部分成功',
      failed: '失败',
      held: '等待批准',
      rejected: '已拒绝',
      superseded: '已被取代',
      cancelled: '已取消',
      previewed: '预览完成',
    },
    ended: (state, seconds, calls) => `${state}，用时 ${seconds} 秒，调用企业微信 ${calls} 次。`,
    read: (members, departments) => `读取  ${members} 名成员，${departments} 个部门`,
    users: '用户',
    departments: '部门',
    run: '编号',
    unread: (what, code, detail) => `未读取：${what}（${code}）：${detail}`,
    note: (detail) => `提示：${detail}`,
    held: (detail) => `待批准：${detail}`,
    lookAtHeld: (where) => `→ 请查看 ${where}，然后批准或拒绝该次同步。`,
    failed: (what, why) => `失败：${what}：${why}`,
    left: '保持不变：',
    actions: {
      create: '新建',
      update: '更新',
      disable: '停用',
      enable: '启用',
      delete: '删除',
      restore: '恢复',
      link: '关联',
      unlink: '解除关联',
    },
    entities: { user: '用户', department: '部门', membership: '部门成员', link: '关联' },
    more: (count, where) => `  … 另有 ${number(count)} 项，见 ${where}`,
    counted: {
      created: '新建',
      updated: '更新',
      disabled: '停用',
      enabled: '启用',
      deleted: '删除',
      restored: '恢复',
      linked: '关联',
      unlinked: '解除关联',
      unchanged: '无变化',
      skipped: '跳过',
      failed: '失败',
      held: '待批准',
    },
  },
}

/** How a command that made this run ends. */
export function exitCodeOf(run: Run): number {
  switch (run.state) {
    case 'succeeded':
    case 'previewed':
      return 0
    case 'partially_succeeded':
      return 3
    case 'held':
      return 4
    default:
      return 1
  }
}

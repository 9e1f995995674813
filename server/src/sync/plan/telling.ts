/**
 * Puts into words what sync decides about one person, for an administrator who asks why (product.md §4.6). Pure. Decides
 * nothing itself: what happens comes from the plan, as changes. Called by explain.ts and timeline.ts.
 */
import type { Row } from '../../database/database.ts'
import { foldName } from '../../directory/names.ts'
import { protectionOf } from '../../directory/protection.ts'
import { errorTable, unreachable, type Problem, type Text } from '../../errors.ts'
import type { Change, ChangeAction, Fields } from './changes.ts'

export type StepName = 'read' | 'scope' | 'match' | 'decide' | 'write'

export interface ToldStep {
  readonly step: StepName
  readonly result: 'pass' | 'fail' | 'skipped'
  readonly detail: Text
}

/** What WeCom showed of somebody who was asked for by name, and whether a run would come across them. */
export type Sight =
  /** The question itself failed. */
  | { readonly kind: 'unanswered'; readonly problem: Problem }
  /** WeCom answered, and the departments could not be read. */
  | { readonly kind: 'departments-unread'; readonly problem: Problem }
  /** Unknown, or outside the visible range: a run calls them gone. With WeCom's errcode. */
  | { readonly kind: 'gone'; readonly code: number | undefined }
  /** Shown by name, and on no list that a run reads. */
  | { readonly kind: 'unlisted'; readonly name: string }
  | {
      readonly kind: 'listed'
      readonly name: string
      /** As WeCom numbers it; undefined when withheld. */
      readonly status: number | undefined
      /** WeCom's names of the fields that it does not show. */
      readonly withheld: readonly string[]
      /** Names of the visible departments; null when they are not shown. */
      readonly departments: readonly string[] | null
    }

export interface Facts {
  readonly userid: string
  readonly connection: string
  readonly isSyncOn: boolean
  readonly policy: {
    readonly onlyWecomUsers: 'create' | 'ignore'
    readonly onlyHereUsers: 'ignore' | 'disable' | 'delete'
  }
  readonly sight: Sight
  /** Otherwise a run removes nobody. */
  readonly isComplete: boolean
  /** Whether a run with these credentials can tell that somebody is gone. */
  readonly isAbsenceKnown: boolean
  readonly link: Pick<Row<'links'>, 'userid' | 'created_by' | 'created_at'> | null
  /** Whom the member is linked to, or would be. */
  readonly user: Pick<
    Row<'users'>,
    'username' | 'display_name' | 'status' | 'disabled_by' | 'role' | 'break_glass'
  > | null
  /** What a run would do with this person, in its order. */
  readonly changes: readonly Change[]
  /** Whether the person was looked at and is right as they are. */
  readonly isUnchanged: boolean
  /** Whether WeCom shows exactly what was last applied. */
  readonly isAsApplied: boolean
  readonly nameOfDepartment: (id: string) => string | undefined
}

export function tell(facts: Facts): ToldStep[] {
  return [tellRead(facts), tellScope(facts), tellMatch(facts), tellDecision(facts), tellWriting(facts)]
}

// ---- The five steps -------------------------------------------------------------------------------------------------

function tellRead({ userid, sight }: Facts): ToldStep {
  const step = 'read'
  switch (sight.kind) {
    case 'unanswered':
      return {
        step,
        result: 'fail',
        detail: sentences(
          { en: `WeCom could not be asked about ${userid}.`, zh: `无法向企业微信查询 ${userid}。` },
          problemText(sight.problem),
        ),
      }
    case 'gone': {
      const [en, zh] = sight.code === undefined ? ['', ''] : [` (${sight.code})`, `（${sight.code}）`]
      return {
        step,
        result: 'fail',
        detail: {
          en: `WeCom does not show ${userid} to this connection${en}.`,
          zh: `企业微信未向该连接显示 ${userid}${zh}。`,
        },
      }
    }
    case 'departments-unread':
      return {
        step,
        result: 'pass',
        detail: { en: `WeCom answered about ${userid}.`, zh: `企业微信返回了 ${userid} 的信息。` },
      }
    case 'unlisted':
      return {
        step,
        result: 'pass',
        detail: { en: `WeCom shows ${sight.name} (${userid}).`, zh: `企业微信显示成员 ${sight.name}（${userid}）。` },
      }
    case 'listed': {
      const { name, status, withheld } = sight
      const as = STATUSES[status ?? 0] ?? { en: ', but not whether they are active', zh: '，但未显示其状态' }
      const list = withheld.join(', ')
      return {
        step,
        result: 'pass',
        detail: sentences(
          {
            en: `WeCom shows ${name} (${userid})${as.en}.`,
            zh: `企业微信显示成员 ${name}（${userid}）${as.zh}。`,
          },
          withheld.length === 0
            ? null
            : {
                en: `It withholds ${list}; what is here of these stays as it is.`,
                zh: `未返回的字段：${list}；本地已有的值保持不变。`,
              },
        ),
      }
    }
    default:
      return unreachable(sight)
  }
}

function tellScope(facts: Facts): ToldStep {
  const { sight, isSyncOn, connection } = facts
  const off: Text | null = isSyncOn
    ? null
    : {
        en: `Directory sync is switched off on ${connection}, so no run takes place. What follows is what a run would do.`,
        zh: `连接 ${connection} 的通讯录同步已关闭，因此不会执行同步。以下为开启后同步会做的事。`,
      }
  const told = placeOf(facts)
  const result = off !== null && told.result === 'pass' ? 'fail' : told.result
  return { step: 'scope', result, detail: sentences(off, told.detail) }

  function placeOf({ userid }: Facts): Pick<ToldStep, 'result' | 'detail'> {
    switch (sight.kind) {
      case 'unanswered':
        return {
          result: 'skipped',
          detail: {
            en: 'Whether they are in scope is not known without an answer.',
            zh: '未得到答复，无法判断是否在同步范围内。',
          },
        }
      case 'departments-unread':
        return {
          result: 'fail',
          detail: sentences(
            { en: 'The departments could not be read, so a run would fail.', zh: '无法读取部门，同步将失败。' },
            problemText(sight.problem),
          ),
        }
      case 'gone':
        return {
          result: 'fail',
          detail: {
            en: `${userid} is unknown to WeCom or outside the visible range of the app; a run cannot tell one from the other.`,
            zh: `${userid} 在企业微信中不存在，或不在应用可见范围内；同步无法区分这两种情况。`,
          },
        }
      case 'unlisted':
        return {
          result: 'fail',
          detail: {
            en:
              'No list that a run reads has them: none of their departments is visible, and they were not added one by one to ' +
              'the visible range. Add them or their department there.',
            zh: '同步读取的列表中没有该成员：其部门均不可见，也未单独加入可见范围。请在应用可见范围中添加该成员或其部门。',
          },
        }
      case 'listed': {
        const { departments } = sight
        if (departments === null) return { result: 'pass', detail: { en: 'They are in scope.', zh: '在同步范围内。' } }
        return {
          result: 'pass',
          detail:
            departments.length === 0
              ? {
                  en: 'They are in scope, one by one: none of their departments is visible.',
                  zh: '在同步范围内（单独可见）：其部门均不可见。',
                }
              : {
                  en: `They are in scope, in ${departments.join(', ')}.`,
                  zh: `在同步范围内，所在部门：${departments.join('、')}。`,
                },
        }
      }
      default:
        return unreachable(sight)
    }
  }
}

function tellMatch(facts: Facts): ToldStep {
  const { link, user, changes, sight, userid, policy } = facts
  const step = 'match'
  if (link !== null && user !== null) {
    const { en, zh } = LINKED_BY[link.created_by] ?? LINKED_BY.sync!
    const at = time(link.created_at)
    const isSucceeded = changes.some(({ action, state }) => action === 'create' && state === 'planned')
    return {
      step,
      result: 'pass',
      detail: sentences(
        {
          en: `They are linked to the account ${user.username} since ${at}, ${en}.`,
          zh: `自 ${at} 起已关联到账号 ${user.username}（${zh}）。`,
        },
        isSucceeded
          ? {
              en: 'The userid shows somebody else by now, who gets an account of their own and takes over the link.',
              zh: '该 userid 现在显示的是另一个人，将为其新建账号并接管该关联。',
            }
          : null,
      ),
    }
  }
  if (sight.kind === 'unanswered' || sight.kind === 'departments-unread') {
    return {
      step,
      result: 'skipped',
      detail: { en: `Nobody here is linked to ${userid}.`, zh: `此处没有账号关联到 ${userid}。` },
    }
  }
  if (sight.kind !== 'listed') {
    return {
      step,
      result: 'fail',
      detail: {
        en: `Nobody here is linked to ${userid}, and a run does not come across them.`,
        zh: `此处没有账号关联到 ${userid}，同步也不会遇到该成员。`,
      },
    }
  }
  const linked = changes.find(({ entity, state }) => entity === 'link' && state === 'planned')
  if (linked !== undefined && user !== null) {
    const from = linked.action === 'update' ? linked.before?.['userid'] : undefined
    if (typeof from === 'string') {
      return {
        step,
        result: 'pass',
        detail: {
          en: `They are the account ${user.username}, which was ${from} in WeCom: the userid was renamed.`,
          zh: `该成员即账号 ${user.username}，原 userid 为 ${from}，已改名。`,
        },
      }
    }
    const isNamesake = foldName(user.username) === foldName(userid)
    return {
      step,
      result: 'pass',
      detail: isNamesake
        ? {
            en: `They are the account ${user.username}, which has the same login name.`,
            zh: `该成员即登录名相同的账号 ${user.username}。`,
          }
        : {
            en: `They are the account ${user.username}, by what the two have in common.`,
            zh: `根据共有信息，该成员即账号 ${user.username}。`,
          },
    }
  }
  const created = changes.find(({ action, state }) => action === 'create' && state === 'planned')
  if (created !== undefined) {
    const username = created.after?.['username']
    const isOther = typeof username === 'string' && username !== userid
    return {
      step,
      result: 'pass',
      detail: sentences(
        { en: 'Nobody here is this member, so they are somebody new.', zh: '此处没有该成员对应的账号，视为新成员。' },
        isOther ? { en: `They get the login name ${username}.`, zh: `登录名为 ${username}。` } : null,
      ),
    }
  }
  const question = openQuestion(facts)
  if (question !== undefined) {
    return { step, result: 'fail', detail: tellChange(question, 'next', facts.nameOfDepartment) }
  }
  // Somebody new who cannot be made: what stands in the way is for the next step to say.
  if (changes.length > 0) {
    return {
      step,
      result: 'pass',
      detail: { en: 'Nobody here is this member.', zh: '此处没有该成员对应的账号。' },
    }
  }
  return {
    step,
    result: 'fail',
    detail:
      policy.onlyWecomUsers === 'ignore'
        ? {
            en: 'Nobody here is this member, and the policy for such members (users.onlyWecom) is ignore.',
            zh: '此处没有该成员对应的账号，而对此类成员的策略（users.onlyWecom）为 ignore。',
          }
        : { en: 'Nobody here is this member.', zh: '此处没有该成员对应的账号。' },
  }
}

/** A run does not decide by itself who this is. */
function openQuestion({ link, changes }: Facts): Change | undefined {
  return link === null ? changes.find(({ entity, state }) => entity === 'link' && state === 'skipped') : undefined
}

function tellDecision(facts: Facts): ToldStep {
  const { sight, changes, user, isUnchanged, nameOfDepartment } = facts
  const step = 'decide'
  if (sight.kind === 'unanswered' || sight.kind === 'departments-unread') {
    return { step, result: 'skipped', detail: { en: 'Nothing is decided on doubt.', zh: '有疑问时不作任何决定。' } }
  }
  if (openQuestion(facts) !== undefined) {
    return {
      step,
      result: 'skipped',
      detail: { en: 'Nothing is decided before it is clear who they are.', zh: '在确认此人身份之前不作任何决定。' },
    }
  }
  if (changes.length > 0) {
    const isRemoval = changes.some(({ action, state }) => state === 'planned' && REMOVALS.has(action))
    const isHindered = changes.some(({ state }) => state === 'failed' || state === 'skipped')
    return {
      step,
      result: isHindered ? 'fail' : 'pass',
      detail: sentences(
        ...changes.map((change) => tellChange(change, 'next', nameOfDepartment)),
        isRemoval ? GUARD : null,
        isRemoval && sight.kind === 'gone' ? UNLESS_RENAMED : null,
        changes.some(({ problem }) => problem?.code === 'directory/email-taken') ? UNLESS_GIVEN_UP : null,
        staysDisabled(facts),
      ),
    }
  }
  if (user === null) {
    return {
      step,
      result: 'skipped',
      detail: { en: 'There is no account to decide about.', zh: '没有账号，无需决定。' },
    }
  }
  if (sight.kind !== 'listed') {
    return { step, result: 'pass', detail: whyNotRemoved(facts, user) }
  }
  return {
    step,
    result: 'pass',
    detail: sentences(
      isUnchanged
        ? { en: 'Nothing changes: the account is as WeCom shows them.', zh: '无变化：账号与企业微信显示的一致。' }
        : { en: 'Nothing changes.', zh: '无变化。' },
      staysDisabled(facts),
    ),
  }
}

function tellWriting({ sight, changes, isSyncOn, isAsApplied, isUnchanged }: Facts): ToldStep {
  const step = 'write'
  const planned = changes.filter(({ state }) => state === 'planned').length
  if (planned > 0) {
    return isSyncOn
      ? {
          step,
          result: 'pass',
          detail: {
            en: `This question has written nothing. The next run writes ${planned === 1 ? 'this change' : `these ${planned} changes`}.`,
            zh: `本次查询未写入任何内容。下次同步将写入以上 ${planned} 项变更。`,
          },
        }
      : {
          step,
          result: 'skipped',
          detail: { en: 'Nothing is written while sync is off.', zh: '同步关闭期间不会写入。' },
        }
  }
  if (sight.kind === 'listed' && isAsApplied) {
    return {
      step,
      result: 'pass',
      detail: {
        en: 'It is written already: WeCom shows exactly what was last applied.',
        zh: '已写入：企业微信显示的内容与上次写入的完全一致。',
      },
    }
  }
  return {
    step,
    result: isUnchanged && changes.length === 0 ? 'pass' : 'skipped',
    detail: { en: 'There is nothing to write.', zh: '没有需要写入的内容。' },
  }
}

/** WeCom's own words (wecom-api.md §2.3.1). */
const STATUSES: Readonly<Record<number, Text>> = {
  1: { en: ' as active', zh: '，状态为已激活' },
  2: { en: ' as disabled', zh: '，状态为已禁用' },
  4: { en: ' as not activated: they never signed in to WeCom', zh: '，状态为未激活（从未登录企业微信）' },
  5: { en: ' as having left the company', zh: '，状态为已退出企业' },
}

const LINKED_BY: Readonly<Record<string, Text>> = {
  sync: { en: 'by a run', zh: '由同步关联' },
  admin: { en: 'by an administrator', zh: '由管理员关联' },
  signin: { en: 'by signing in', zh: '登录时关联' },
  bind: { en: 'by themselves, with their password', zh: '由本人凭密码绑定' },
}

const REMOVALS: ReadonlySet<ChangeAction> = new Set(['disable', 'delete', 'unlink'])

const GUARD: Text = {
  en: 'Whether that happens at once or waits for approval is up to the guard, which looks at all removals of a run together.',
  zh: '是立即执行还是等待批准，由防护规则根据整次同步的全部移除一并判断。',
}

const UNLESS_RENAMED: Text = {
  en: 'If the same run finds somebody new with their number or address, the link moves to that userid instead.',
  zh: '若同一次同步发现具有相同手机号或邮箱的新成员，则改为将关联迁移到新的 userid。',
}

const UNLESS_GIVEN_UP: Text = {
  en: 'If the other person gives the address up in the same run, it works.',
  zh: '若对方在同一次同步中不再使用该邮箱，则可以成功。',
}

function staysDisabled({ user, changes }: Facts): Text | null {
  const isDecidedHere = user?.status === 'disabled' && user.disabled_by === 'administrator'
  if (!isDecidedHere || changes.some(({ action, state }) => action === 'create' && state === 'planned')) return null
  return {
    en: 'The account stays disabled: an administrator disabled it, and sync never undoes that.',
    zh: '账号保持停用：由管理员停用，同步不会撤销。',
  }
}

/** Somebody is linked, WeCom does not show them, and nothing is planned. */
function whyNotRemoved({ policy, isAbsenceKnown, isComplete, sight }: Facts, user: NonNullable<Facts['user']>): Text {
  if (sight.kind === 'unlisted' && policy.onlyHereUsers !== 'ignore' && user.status === 'active') {
    return { en: 'The account stays: WeCom still answers for this person.', zh: '账号保留：企业微信仍能查到此人。' }
  }
  if (user.status === 'deleted') {
    return { en: 'Nothing changes: the account is deleted already.', zh: '无变化：账号已被删除。' }
  }
  const protection = protectionOf(user)
  if (protection === 'administrator') {
    return {
      en: 'The account stays: it is an administrator’s, and no run removes those.',
      zh: '账号保留：它属于管理员，同步不会移除管理员。',
    }
  }
  if (protection === 'break-glass') {
    return {
      en: 'The account stays: it is marked as break-glass, and no run removes those.',
      zh: '账号保留：它已标记为应急账号，同步不会移除应急账号。',
    }
  }
  if (policy.onlyHereUsers === 'ignore') {
    return {
      en: 'The account stays: the policy for people who are only here (users.onlyHere) is ignore.',
      zh: '账号保留：对仅存在于本地的用户的策略（users.onlyHere）为 ignore。',
    }
  }
  if (!isAbsenceKnown) {
    return {
      en: 'The account stays: without an agentId a run cannot tell who is gone.',
      zh: '账号保留：未填写 AgentId，同步无法判断谁已离开。',
    }
  }
  if (!isComplete) {
    return {
      en: 'The account stays: not everything could be read, and then nobody is removed.',
      zh: '账号保留：未能读取全部内容，此时不会移除任何人。',
    }
  }
  return { en: 'Nothing changes: the account is disabled already.', zh: '无变化：账号已停用。' }
}

// ---- The account ----------------------------------------------------------------------------------------------------

/** Why somebody can use their account, or cannot, as far as the directory knows. */
export function tellAccount(account: {
  readonly status: string
  readonly disabledBy: string | null
  readonly since: number
  readonly runId: string | undefined
  /** Who did it, when a person did. */
  readonly by: string | null | undefined
  /** That of the run. */
  readonly reason: string | undefined
}): Text {
  const { status, disabledBy, runId, by, reason } = account
  const since = time(account.since)
  const why = reason === undefined ? null : reasonText(reason)
  const because = why === null ? { en: '', zh: '' } : { en: `: ${why.en}`, zh: `：${why.zh}` }
  const actor =
    runId !== undefined
      ? { en: ` by the run ${runId}`, zh: `由同步 ${runId} ` }
      : by == null
        ? { en: '', zh: '' }
        : { en: ` by ${by}`, zh: `由 ${by} ` }
  if (status === 'active') {
    return {
      en: `The account is active since ${since}; nothing in the directory stands in the way of signing in.`,
      zh: `账号自 ${since} 起处于启用状态；通讯录中没有妨碍登录的因素。`,
    }
  }
  if (status === 'deleted') {
    return {
      en: `The account was deleted on ${since}${actor.en}${because.en}. Nobody can sign in with it.`,
      zh: `账号于 ${since} ${actor.zh}被删除${because.zh}。无法登录。`,
    }
  }
  return sentences(
    {
      en: `The account is disabled since ${since}${actor.en}${because.en}. Nobody can sign in with it.`,
      zh: `账号自 ${since} 起${actor.zh}被停用${because.zh}。无法登录。`,
    },
    disabledBy === 'administrator'
      ? {
          en: 'An administrator decided that, so only an administrator can enable it.',
          zh: '这是管理员的决定，只有管理员能重新启用。',
        }
      : {
          en: 'It follows WeCom: once WeCom shows them as active, a run enables it.',
          zh: '其状态跟随企业微信：企业微信显示已激活后，同步会自动启用。',
        },
  )
}

// ---- One change -----------------------------------------------------------------------------------------------------

/** `next`: what a run would do. `past`: what a run did. */
export type Tense = 'next' | 'past'

/** One sentence about one change. */
export function tellChange(change: Change, tense: Tense, nameOfDepartment: Facts['nameOfDepartment']): Text {
  const verb = VERBS[change.entity === 'link' && change.action === 'update' ? 'move' : change.action]
  const what = differences(change, nameOfDepartment)
  const why = change.reason === null ? null : reasonText(change.reason)
  const because = why === null ? { en: '', zh: '' } : { en: `: ${why.en}`, zh: `：${why.zh}` }
  const problem = change.problem === null ? because : afterColon(problemText(change.problem))
  switch (change.state) {
    case 'planned':
    case 'applied':
      return tense === 'next'
        ? {
            en: `The next run will ${verb.en}${what.en}${because.en}.`,
            zh: `下次同步将${verb.zh}${what.zh}${because.zh}。`,
          }
        : { en: `A run ${verb.past}${what.en}${because.en}.`, zh: `同步${verb.zh}${what.zh}${because.zh}。` }
    case 'held':
      return {
        en: `Somebody has to approve that a run may ${verb.en}${because.en}.`,
        zh: `${verb.zh}需要有人批准${because.zh}。`,
      }
    case 'rejected':
      return {
        en: `An administrator did not want a run to ${verb.en}${because.en}.`,
        zh: `管理员拒绝了由同步${verb.zh}${because.zh}。`,
      }
    case 'skipped':
      return tense === 'next'
        ? { en: `The next run will not ${verb.en}${because.en}.`, zh: `下次同步不会${verb.zh}${because.zh}。` }
        : { en: `A run did not ${verb.en}${because.en}.`, zh: `同步未${verb.zh}${because.zh}。` }
    case 'failed':
      return tense === 'next'
        ? { en: `The next run will fail to ${verb.en}${problem.en}`, zh: `下次同步将无法${verb.zh}${problem.zh}` }
        : { en: `A run failed to ${verb.en}${problem.en}`, zh: `同步未能${verb.zh}${problem.zh}` }
    default:
      return unreachable(change.state)
  }
}

/** `en` follows "to". */
const VERBS: Readonly<Record<ChangeAction | 'move', Text & { readonly past: string }>> = {
  create: { en: 'create the account', past: 'created the account', zh: '创建账号' },
  update: { en: 'change', past: 'changed', zh: '更新' },
  disable: { en: 'disable the account', past: 'disabled the account', zh: '停用账号' },
  enable: { en: 'enable the account', past: 'enabled the account', zh: '启用账号' },
  delete: { en: 'delete the account', past: 'deleted the account', zh: '删除账号' },
  restore: { en: 'restore the deleted account', past: 'restored the deleted account', zh: '恢复已删除的账号' },
  link: { en: 'link the account to this member', past: 'linked the account to this member', zh: '把账号关联到该成员' },
  unlink: { en: 'remove the link', past: 'removed the link', zh: '解除关联' },
  move: { en: 'move the link:', past: 'moved the link:', zh: '迁移关联：' },
}

/** What an update changes; the other actions say it by their name. */
function differences({ action, before, after }: Change, nameOfDepartment: Facts['nameOfDepartment']): Text {
  if (action !== 'update' || after === null) return { en: '', zh: '' }
  const parts = Object.keys(after).map((field) => difference(field, before ?? {}, after, nameOfDepartment))
  return {
    en: ` ${parts.map(({ en }) => en).join(', ')}`,
    zh: parts.map(({ zh }) => zh).join('、'),
  }
}

function difference(field: string, before: Fields, after: Fields, nameOfDepartment: Facts['nameOfDepartment']): Text {
  const name = FIELD_NAMES[field] ?? { en: field, zh: field }
  const [was, is] = [
    valueText(field, before[field], nameOfDepartment),
    valueText(field, after[field], nameOfDepartment),
  ]
  if (was === null || is === null || was.en === is.en) return name
  return { en: `${name.en} from ${was.en} to ${is.en}`, zh: `${name.zh}（由${was.zh}改为${is.zh}）` }
}

/** Our ids of the departments that somebody was or will be in. */
export function departmentsIn(fields: Fields | null): string[] {
  const departments = (fields?.['departments'] ?? []) as readonly { departmentId: string }[]
  return departments.map(({ departmentId }) => departmentId)
}

/** The names of fields as the admin API has them, in words; null when there are none. */
export function fieldNames(fields: unknown): Text | null {
  if (!Array.isArray(fields) || fields.length === 0) return null
  const names = fields.map((field) => FIELD_NAMES[String(field)] ?? { en: String(field), zh: String(field) })
  return { en: names.map(({ en }) => en).join(', '), zh: names.map(({ zh }) => zh).join('、') }
}

/** null for what does not fit into a sentence. */
function valueText(field: string, value: unknown, nameOfDepartment: Facts['nameOfDepartment']): Text | null {
  if (value === null || value === undefined) return { en: 'nothing', zh: '空' }
  if (field === 'departments' && Array.isArray(value)) {
    const names = departmentsIn({ departments: value }).map(nameOfDepartment)
    if (names.length === 0) return { en: 'none', zh: '无' }
    return names.includes(undefined) ? null : { en: `“${names.join(', ')}”`, zh: `“${names.join('、')}”` }
  }
  if (typeof value !== 'string' || UNSPOKEN.has(field)) return null
  return { en: `“${value}”`, zh: `“${value}”` }
}

const UNSPOKEN: ReadonlySet<string> = new Set(['avatarUrl', 'emailSource'])

const FIELD_NAMES: Readonly<Record<string, Text>> = {
  username: { en: 'login name', zh: '登录名' },
  userid: { en: 'userid', zh: 'userid' },
  displayName: { en: 'name', zh: '姓名' },
  email: { en: 'e-mail', zh: '邮箱' },
  emailSource: { en: 'origin of the e-mail', zh: '邮箱来源' },
  phone: { en: 'phone', zh: '手机' },
  avatarUrl: { en: 'picture', zh: '头像' },
  title: { en: 'title', zh: '职务' },
  gender: { en: 'gender', zh: '性别' },
  attributes: { en: 'custom attributes', zh: '自定义属性' },
  departments: { en: 'departments', zh: '部门' },
  directLeaders: { en: 'direct leader', zh: '直属上级' },
  locale: { en: 'language', zh: '语言' },
  password: { en: 'password', zh: '密码' },
}

/** The words that plans give as a reason, as clauses. A word that is not here is shown as it is. */
const REASONS: Readonly<Record<string, Text>> = {
  'not-in-wecom': { en: 'WeCom does not show them any more', zh: '企业微信已不再显示该成员' },
  'disabled-in-wecom': { en: 'WeCom shows them as not active', zh: '企业微信显示该成员未启用' },
  administrator: {
    en: 'the account is an administrator’s, and a run neither links nor disables those',
    zh: '该账号属于管理员，同步不会关联或停用管理员',
  },
  'break-glass': {
    en: 'the account is marked as break-glass, and a run neither links nor disables those',
    zh: '该账号已标记为应急账号，同步不会关联或停用应急账号',
  },
  'deleted-here': { en: 'an administrator deleted the account', zh: '账号由管理员删除' },
  'identity-unknown': {
    en: 'WeCom shows nothing by which they could be recognised',
    zh: '企业微信未显示任何可用于识别此人的信息',
  },
  'userid-reused': { en: 'the userid shows another person by now', zh: '该 userid 现在显示的是另一个人' },
  'linked-elsewhere': { en: 'they are a member through another connection, too', zh: '此人还通过其他连接成为成员' },
  'not-confirmed': { en: 'WeCom still answers when asked by name', zh: '按 userid 查询时企业微信仍有答复' },
  'not-approved': { en: 'the approval did not name it', zh: '批准中不包含此项' },
  privileged: {
    en: 'an administrator or a break-glass account has this login name, number or address, so a person has to decide (see the reviews)',
    zh: '某位管理员或某个应急账号拥有该登录名、手机号或邮箱，需人工确认（见待确认列表）',
  },
  ambiguous: {
    en: 'it is not clear who they are, so a person has to decide (see the reviews)',
    zh: '无法确定此人对应哪个账号，需人工确认（见待确认列表）',
  },
  conflict: {
    en: 'the account that fits belongs to another member, so a person has to decide (see the reviews)',
    zh: '匹配的账号已属于另一成员，需人工确认（见待确认列表）',
  },
  reused: {
    en: 'the userid shows somebody else by now, so a person has to decide (see the reviews)',
    zh: '该 userid 现在显示的是另一个人，需人工确认（见待确认列表）',
  },
  ignored: { en: 'somebody decided to leave it', zh: '有人决定不处理' },
  'under-review': {
    en: 'they may be somebody about whom a review is open',
    zh: '此人可能就是某条待确认记录所指的人',
  },
  'may-be-renamed': {
    en: 'they may be somebody who was not seen, and not everything could be read',
    zh: '此人可能是未被读取到的某位成员，且未能读取全部内容',
  },
  reverted: { en: 'somebody had the earlier run undone', zh: '有人撤销了先前的同步' },
  'changed-since': { en: 'something newer has happened since', zh: '此后已有更新的变化' },
  'left-to-the-next-run': { en: 'it is left to the next run', zh: '留待下次同步处理' },
  'incomplete-reading': { en: 'not everything could be read', zh: '未能读取全部内容' },
}

function reasonText(reason: string): Text {
  return REASONS[reason] ?? { en: reason, zh: reason }
}

// ---- Words ----------------------------------------------------------------------------------------------------------

/** What happened and what to do. */
function problemText({ code, detail, remedy }: Problem): Text {
  const known = errorTable[code]
  return sentences({ en: `${known.title.en}.`, zh: `${known.title.zh}。` }, detail ?? null, remedy ?? known.remedy)
}

function afterColon({ en, zh }: Text): Text {
  return { en: `: ${en}`, zh: `：${zh}` }
}

function sentences(...all: readonly (Text | null)[]): Text {
  const some = all.filter((text) => text !== null)
  return { en: some.map(({ en }) => en).join(' '), zh: some.map(({ zh }) => zh).join('') }
}

/** To the minute, in UTC. */
function time(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

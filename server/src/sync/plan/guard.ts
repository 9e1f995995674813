/**
 * Decides whether the removals of a plan look like an accident (product.md §4.4). Pure. Whoever is stopped here waits for
 * a person; everything else of the plan goes on. Called by reconcile.ts only.
 */
import type { Text } from '../../errors.ts'

export interface GuardSettings {
  /** More than this share is held, when there are at least `minimum`. */
  readonly percent: number
  readonly minimum: number
  /** This many are held whatever their share. */
  readonly absolute: number
}

/** People or departments; they are judged apart. */
export interface RemovalFacts {
  /** Removals in this plan. */
  readonly planned: number
  /** What was there to lose before this run. */
  readonly present: number
  /** Removals of the last 24 hours that no administrator had approved: many small runs are one large one. */
  readonly recent: number
  /** How many the source shows now. */
  readonly read: number
}

export interface GuardFacts {
  readonly users: RemovalFacts
  readonly departments: RemovalFacts
  /** Names of root departments of the visible range that are not in it any more. */
  readonly lostRoots: readonly string[]
  /** The source never showed a department: the visible range is single people, and no department can be missing. */
  readonly neverHadDepartments: boolean
}

export interface Reason {
  readonly code: 'share' | 'most' | 'absolute' | 'empty-source' | 'lost-root'
  readonly detail: Text
}

export interface Verdict {
  /** Why the removals of people are held; empty when they may be applied. */
  readonly users: readonly Reason[]
  readonly departments: readonly Reason[]
}

/** "At least 3 and more than half" is not a setting: no small company wants to lose half of its people unasked. */
const MOST_MINIMUM = 3
const MOST_PERCENT = 50

export function guard(facts: GuardFacts, settings: GuardSettings): Verdict {
  const source = [...emptySource(facts), ...facts.lostRoots.map(lostRoot)]
  return {
    users: facts.users.planned === 0 ? [] : [...tooMany(facts.users, settings, PEOPLE), ...source],
    departments:
      facts.departments.planned === 0 ? [] : [...tooMany(facts.departments, settings, DEPARTMENTS), ...source],
  }
}

/**
 * How many there have to be to lose that more of them would make no difference: nobody needs to count further. Infinity
 * when the verdict tells the number, or every one may count.
 */
export function enoughToLose(
  { planned, recent }: Pick<RemovalFacts, 'planned' | 'recent'>,
  { percent, absolute }: GuardSettings,
): number {
  const removals = planned + recent
  if (removals >= absolute) return Infinity
  return Math.ceil((removals / Math.min(percent, MOST_PERCENT)) * 100) + 1
}

function tooMany({ planned, present, recent }: RemovalFacts, settings: GuardSettings, what: Text): Reason[] {
  const removals = planned + recent
  const total = present + recent
  const share = total === 0 ? 100 : (removals / total) * 100
  const detail = numbers(planned, recent, total, what)
  if (removals >= settings.absolute) return [{ code: 'absolute', detail }]
  if (removals >= MOST_MINIMUM && share > MOST_PERCENT) return [{ code: 'most', detail }]
  if (removals >= settings.minimum && share > settings.percent) return [{ code: 'share', detail }]
  return []
}

function emptySource({ users, departments, neverHadDepartments }: GuardFacts): Reason[] {
  if (users.read > 0 && (departments.read > 0 || neverHadDepartments)) return []
  const [en, zh] = users.read === 0 ? ['no members', '成员'] : ['no departments', '部门']
  return [{ code: 'empty-source', detail: { en: `WeCom shows ${en} at all.`, zh: `企业微信未显示任何${zh}。` } }]
}

function lostRoot(name: string): Reason {
  return {
    code: 'lost-root',
    detail: { en: `The visible range no longer contains ${name}.`, zh: `可见范围不再包含“${name}”。` },
  }
}

const PEOPLE: Text = { en: 'people', zh: '名成员' }
const DEPARTMENTS: Text = { en: 'departments', zh: '个部门' }

function numbers(planned: number, recent: number, total: number, what: Text): Text {
  const percent = total === 0 ? 100 : Math.round(((planned + recent) / total) * 100)
  const before =
    recent === 0
      ? { en: '', zh: '' }
      : { en: `, after ${recent} in the last 24 hours`, zh: `，另有 ${recent} 已在 24 小时内移除` }
  return {
    en: `${planned} of ${total} ${what.en} would be removed${before.en} (${percent} %).`,
    zh: `将移除 ${total} ${what.zh}中的 ${planned}${before.zh}（${percent}%）。`,
  }
}

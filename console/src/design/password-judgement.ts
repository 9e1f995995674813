/** What each rule says about a password that is being typed, in the order in which the rules are shown. Pure. */
import { passwordWeakness, type PasswordWeakness } from '@muster/contracts'

export type PasswordRule = 'length' | 'common' | 'name'
/** `open`: nothing can be said yet. */
export interface Judged {
  readonly rule: PasswordRule
  readonly state: 'open' | 'kept' | 'broken'
}

const RULE_OF: Readonly<Record<PasswordWeakness, PasswordRule>> = {
  impossible: 'length',
  short: 'length',
  common: 'common',
  name: 'name',
}

const RULES = ['length', 'common', 'name'] as const

export function judgePassword(password: string, names: readonly string[]): Judged[] {
  if (password === '') return RULES.map((rule) => ({ rule, state: 'open' }))
  const weakness = passwordWeakness(password, names)
  const broken = weakness === undefined ? RULES.length : RULES.indexOf(RULE_OF[weakness])
  // The rules are asked one after the other: after one that is broken nothing is known about the rest.
  return RULES.map((rule, index) => ({
    rule,
    state: index < broken ? 'kept' : index === broken ? 'broken' : 'open',
  }))
}

/**
 * What the diagnoses of all kinds of connections are made of: questions and their answers, troubles, and verdicts in two
 * languages. Pure. Called by the files whose names end in diagnosis.
 */
import type { WecomErrorCode, WecomErrorKind } from '@muster/wecom'
import type { Text } from '../../../errors.ts'

/** One question: WeCom's answer, what went wrong, or that it made no sense to ask. */
export type Asked<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly trouble: Trouble }
  | { readonly kind: 'not-asked' }

export interface Trouble {
  readonly credential: 'app' | 'contacts' | 'suite' | 'provider'
  readonly code: WecomErrorCode
  readonly kind: WecomErrorKind
  readonly errcode: number | undefined
  readonly observedAddress: string | undefined
  readonly detail: Text
  readonly remedy: Text
}

export interface Check {
  /** A promise, as those of the tables of diagnosis.ts and suite-diagnosis.ts. */
  readonly name: string
  readonly result: 'pass' | 'warn' | 'fail' | 'skipped'
  readonly title: Text
  readonly detail: Text
  readonly remedy: Text | null
  /** errcode of WeCom. */
  readonly wecomCode?: number | undefined
}

export type Verdict = Omit<Check, 'name' | 'title'>

/** A check for each rule, in the order of the titles; one without a verdict is left out. */
export function checksOf<Name extends string, F>(
  titles: Readonly<Record<Name, Text>>,
  rules: Readonly<Record<Name, (facts: F) => Verdict | undefined>>,
  facts: F,
): Check[] {
  return (Object.keys(titles) as Name[]).flatMap((name) => {
    const verdict = rules[name](facts)
    return verdict === undefined ? [] : [{ name, title: titles[name], ...verdict }]
  })
}

export function pass(detail: Text): Verdict {
  return { result: 'pass', detail, remedy: null }
}

export function skipped(detail: Text): Verdict {
  return { result: 'skipped', detail, remedy: null }
}

export function failure({ errcode, detail, remedy }: Trouble): Verdict {
  return { result: 'fail', detail, remedy, wecomCode: errcode }
}

/** What another check has to say first. */
export function needs(title: Text): Verdict {
  return skipped({ en: `Needs “${title.en}”.`, zh: `需先通过“${title.zh}”。` })
}

/** WeCom refused the address that a call came from. */
export function notTrusted({ observedAddress: seen, errcode }: Trouble, remedy: Text): Verdict {
  return {
    result: 'fail',
    wecomCode: errcode,
    detail: {
      en: `WeCom does not trust this server${seen === undefined ? '' : `, which it sees as ${seen}`} (${errcode}).`,
      zh: `企业微信不信任本服务器${seen === undefined ? '' : `，其看到的 IP 是 ${seen}`}（${errcode}）。`,
    },
    remedy,
  }
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}

export function duration(ms: number): Text {
  const [amount, en, zh] =
    ms < 120_000
      ? [ms / 1000, 'seconds', '秒']
      : ms < 7_200_000
        ? [ms / 60_000, 'minutes', '分钟']
        : ms < 172_800_000
          ? [ms / 3_600_000, 'hours', '小时']
          : [ms / 86_400_000, 'days', '天']
  return { en: `${Math.round(amount)} ${en}`, zh: `${Math.round(amount)} ${zh}` }
}

/**
 * The field mapping of a connection as functions: compiled once per run, called for every member that is read. Pure. The
 * language is contracts/src/mapping.ts.
 *
 * Withheld (`undefined`) and empty (`null`) go through every rule: of several fields the first that is not empty counts,
 * and one that is withheld ends the search, because it may hold a value that we must not replace by a lesser one. A
 * template needs all of its fields: one withheld makes it withheld, one empty makes it empty.
 */
import {
  defaultMapping,
  readMapping,
  type MappingEntry,
  type MappingFunction,
  type MappingRule,
  type MemberField,
  type Operand,
  type UserField,
} from '@muster/contracts'
import type { Member, MemberAttribute } from '@muster/wecom'
import { isAddress, normalisePhone, storable } from '../../directory/names.ts'
import { AppError } from '../../errors.ts'

export type Seen = string | null | undefined

/** What a rule makes of a member. */
export type Read = (member: Member) => Seen

/** Where an address may come from: one of WeCom's two fields as it is, or anything else. */
export type EmailRule = 'biz_mail' | 'email' | Read

export interface CompiledMapping {
  /** For new users; null where the userid is taken as it is. */
  readonly username: Read | null
  readonly displayName: Read
  /** In the order in which they are tried. */
  readonly emails: readonly EmailRule[]
  /** Those of them that are neither of WeCom's two addresses; null when there are none. */
  readonly madeAddresses: readonly Read[] | null
  readonly phone: Read
  /** Whether the phone is WeCom's mobile and nothing else, which identifies a person. */
  readonly isPhoneMobile: boolean
  readonly avatarUrl: Read
  readonly title: Read
  readonly hasGender: boolean
  readonly hasLeaders: boolean
  readonly hasAttributes: boolean
  /** The fields of a member that it uses. */
  readonly fields: ReadonlySet<MemberField>
}

/** Turns a name into Latin letters; null when no mapping asks for it. */
export type Pinyin = ((text: string) => string) | null

/** Whether a mapping needs the table of pronunciations, which takes a while to load. */
export function usesPinyin(entries: readonly MappingEntry[]): boolean {
  return readMapping(entries).rules.some(
    ({ source, use }) =>
      use === 'pinyin' ||
      (source.kind === 'template' && source.parts.some((part) => typeof part !== 'string' && part.use === 'pinyin')),
  )
}

/** @throws AppError `connections/mapping` with everything that is wrong with it */
export function compileMapping(entries: readonly MappingEntry[], pinyin: Pinyin): CompiledMapping {
  const { rules, problems } = readMapping(entries)
  if (problems.length > 0) throw new AppError('connections/mapping')
  const of = (to: UserField) => rules.filter((rule) => rule.to === to)
  const phone = of('phone')
  const username = of('username')
  const emails = of('email').map((rule) => emailRule(rule, pinyin))
  const made = emails.filter((rule) => typeof rule === 'function')
  return {
    username: username.length === 0 || isPlain(username, 'userid') ? null : firstOf(username, pinyin),
    displayName: firstOf(of('displayName'), pinyin),
    emails,
    madeAddresses: made.length === 0 ? null : made,
    phone: normalised(firstOf(phone, pinyin)),
    isPhoneMobile: phone.length === 0 || isPlain(phone, 'mobile'),
    avatarUrl: firstOf(of('avatarUrl'), pinyin),
    title: firstOf(of('title'), pinyin),
    hasGender: of('gender').length > 0,
    hasLeaders: of('directLeaderUserId').length > 0,
    hasAttributes: of('attributes').length > 0,
    fields: new Set(rules.flatMap(({ source }) => operandsOf(source).map(fieldOf))),
  }
}

/** As much of a computed text as anybody would want. What is longer is not used, and the field stays as it is. */
const LONGEST_RESULT = 1_000

function firstOf(rules: readonly MappingRule[], pinyin: Pinyin): Read {
  const reads = rules.map((rule) => readOf(rule, pinyin))
  if (reads.length === 0) return withheld
  return firstNotEmpty(reads)
}

function normalised(read: Read): Read {
  return (member) => {
    const number = read(member)
    return number == null ? number : normalisePhone(number) || null
  }
}

function firstNotEmpty(reads: readonly Read[]): Read {
  const [first] = reads
  if (reads.length === 1) return first!
  return (member) => {
    for (const read of reads) {
      const seen = read(member)
      if (seen !== null) return seen
    }
    return null
  }
}

const withheld: Read = () => undefined

function readOf({ source, use }: MappingRule, pinyin: Pinyin): Read {
  if (source.kind === 'first') {
    const read = firstNotEmpty(source.operands.map(readOperand))
    return use === null ? read : bounded(through(read, use, pinyin))
  }
  const parts = source.parts.map((part) =>
    typeof part === 'string'
      ? part
      : part.use === null
        ? readOperand(part.operand)
        : through(readOperand(part.operand), part.use, pinyin),
  )
  const read: Read = (member) => {
    let text = ''
    let isEmpty = false
    for (const part of parts) {
      const seen = typeof part === 'string' ? part : part(member)
      if (seen === undefined) return undefined
      if (seen === null) isEmpty = true
      else text += seen
    }
    return isEmpty ? null : text
  }
  return bounded(use === null ? read : through(read, use, pinyin))
}

function bounded(read: Read): Read {
  return (member) => {
    const seen = read(member)
    return seen != null && seen.length > LONGEST_RESULT ? undefined : seen
  }
}

function through(read: Read, use: MappingFunction, pinyin: Pinyin): Read {
  const apply = functionOf(use, pinyin)
  return (member) => {
    const seen = read(member)
    return seen == null ? seen : apply(seen) || null
  }
}

/** What comes in is bounded, too: a text of a megabyte must not be looked up sign by sign. */
function functionOf(use: MappingFunction, pinyin: Pinyin): (text: string) => string {
  switch (use) {
    case 'lowerCase':
      return (text) => text.toLowerCase()
    case 'emailDomain':
      return (text) => (isAddress(text.trim()) ? text.trim().slice(text.trim().lastIndexOf('@') + 1) : '')
    case 'pinyin':
      if (pinyin === null) throw new Error('the table of pronunciations was not loaded')
      return (text) => pinyin(text.slice(0, LONGEST_RESULT))
    default:
      throw new Error(`unreachable: ${String(use satisfies never)}`)
  }
}

function readOperand(operand: Operand): Read {
  if (!('field' in operand)) return readAttribute(operand.attribute)
  const { field } = operand
  if (!(field in TEXTS)) throw new Error(`${field} is not a text`)
  return TEXTS[field as keyof typeof TEXTS]
}

const TEXTS = {
  userid: (member: Member) => text(member.userid),
  name: (member: Member) => text(member.name),
  alias: (member: Member) => text(member.alias),
  english_name: (member: Member) => text(member.englishName),
  position: (member: Member) => text(member.position),
  mobile: (member: Member) => text(member.mobile),
  telephone: (member: Member) => text(member.telephone),
  email: (member: Member) => text(member.email),
  biz_mail: (member: Member) => text(member.bizMail),
  address: (member: Member) => text(member.address),
  avatar: (member: Member) => text(member.avatar),
  thumb_avatar: (member: Member) => text(member.thumbAvatar),
} as const satisfies Partial<Record<MemberField, Read>>

/** One that is not among the member's attributes is not known to be empty. Of equal names the last counts, as always. */
function readAttribute(name: string): Read {
  return ({ attributes }) => {
    const found = attributes?.findLast((attribute) => storable(attribute.name) === name)
    return found === undefined ? undefined : text(valueOf(found))
  }
}

function valueOf(attribute: MemberAttribute): string {
  return attribute.kind === 'text' ? attribute.value : attribute.value.url
}

function text(value: string | undefined): Seen {
  return value === undefined ? undefined : storable(value) || null
}

function emailRule(rule: MappingRule, pinyin: Pinyin): EmailRule {
  for (const field of ['biz_mail', 'email'] as const) if (isPlain([rule], field)) return field
  return readOf(rule, pinyin)
}

/** Nothing but that one field, as it is. */
function isPlain(rules: readonly MappingRule[], field: MemberField): boolean {
  const [rule] = rules
  if (rules.length !== 1 || rule!.use !== null || rule!.source.kind !== 'first') return false
  const [operand] = rule!.source.operands
  return rule!.source.operands.length === 1 && 'field' in operand! && operand.field === field
}

function operandsOf(source: MappingRule['source']): readonly Operand[] {
  return source.kind === 'first'
    ? source.operands
    : source.parts.flatMap((part) => (typeof part === 'string' ? [] : [part.operand]))
}

function fieldOf(operand: Operand): MemberField {
  return 'field' in operand ? operand.field : 'extattr'
}

/** product.md §4.2. Made last, because it takes everything above to make it. */
export const DEFAULT_MAPPING = compileMapping(defaultMapping, null)

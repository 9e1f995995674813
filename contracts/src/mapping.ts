/**
 * The language of the field mapping (product.md §4.2): which fields of a member become which fields of a user. Closed and
 * small on purpose: no conditions, no loops, nothing that evaluates. A rule copies the first field that is not empty, or
 * fills a template, and may send the result through one of three functions.
 *
 *     { "to": "title", "from": "position" }
 *     { "to": "phone", "from": ["mobile", "extattr.手机"] }
 *     { "to": "username", "from": "name", "use": "pinyin" }
 *     { "to": "email", "template": "{name|pinyin}@corp.example" }
 *
 * `readMapping` says in both languages what is wrong with a mapping; what a rule comes to is computed by the server.
 */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, byConnection } from './formats.ts'
import { StoredProblem } from './problem.ts'

/** Fields of a member by WeCom's names, and what can be done with each. */
export const MEMBER_FIELDS = {
  userid: 'text',
  name: 'text',
  alias: 'text',
  english_name: 'text',
  position: 'text',
  mobile: 'text',
  telephone: 'text',
  email: 'text',
  biz_mail: 'text',
  address: 'text',
  avatar: 'text',
  thumb_avatar: 'text',
  gender: 'gender',
  direct_leader: 'leaders',
  extattr: 'attributes',
} as const

export type MemberField = keyof typeof MEMBER_FIELDS
export type TextField = { [F in MemberField]: (typeof MEMBER_FIELDS)[F] extends 'text' ? F : never }[MemberField]

export const MAPPING_FUNCTIONS = ['lowerCase', 'emailDomain', 'pinyin'] as const

export type MappingFunction = (typeof MAPPING_FUNCTIONS)[number]

/**
 * Fields of a user, and what may become them. `whole` takes that one field as it is and nothing else. `text` may be
 * computed. A name has to come from something that names a person, because people are told apart by it; a phone number is
 * never made up, and not that of a desk.
 */
const USER_FIELDS = {
  username: { kind: 'text' },
  displayName: { kind: 'text', oneOf: ['name', 'alias', 'english_name', 'extattr.'] },
  email: { kind: 'text' },
  phone: { kind: 'copy', only: ['mobile', 'extattr.'] },
  avatarUrl: { kind: 'copy', only: ['avatar', 'thumb_avatar', 'extattr.'] },
  title: { kind: 'text' },
  gender: { kind: 'whole', only: ['gender'] },
  directLeaderUserId: { kind: 'whole', only: ['direct_leader'] },
  attributes: { kind: 'whole', only: ['extattr'] },
} as const satisfies Record<string, UserFieldRule>

type UserFieldRule = { kind: 'text'; oneOf?: readonly string[] } | { kind: 'copy' | 'whole'; only: readonly string[] }

export type UserField = keyof typeof USER_FIELDS

const MAX_RULES = 50
const MAX_FIELDS = 10
const MAX_TEMPLATE = 200

const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')

/** Only the shape: what a rule says is judged by `readMapping`, in both languages. */
export const MappingEntry = z.strictObject({
  to: z
    .string()
    .max(64)
    .meta({
      description: `User field: ${list(Object.keys(USER_FIELDS))}. Of several rules for one field, the first result that is not empty counts.`,
      examples: ['displayName'],
    }),
  from: z
    .union([z.string().max(80), z.array(z.string().max(80)).max(MAX_FIELDS)])
    .optional()
    .meta({
      description: `Member field by WeCom's name, or several of which the first that is not empty counts: ${list(Object.keys(MEMBER_FIELDS))}, or \`extattr.NAME\` for a custom attribute. Either this or \`template\`.`,
      examples: ['position', ['mobile', 'extattr.手机']],
    }),
  template: z
    .string()
    .max(MAX_TEMPLATE)
    .optional()
    .meta({
      description:
        'Text with fields in braces, each of which may go through a function: `{field}`, `{field|function}`.',
      examples: ['{name|pinyin}@corp.example'],
    }),
  use: z
    .string()
    .max(32)
    .optional()
    .meta({ description: `Function for the result: ${list(MAPPING_FUNCTIONS)}.`, examples: ['pinyin'] }),
})

export type MappingEntry = z.output<typeof MappingEntry>

export const Mapping = z.array(answer(MappingEntry.shape))
export const MappingInput = z.array(MappingEntry).max(MAX_RULES)

/** product.md §4.2. */
export const defaultMapping: readonly MappingEntry[] = [
  { from: 'userid', to: 'username' },
  { from: 'name', to: 'displayName' },
  { from: 'biz_mail', to: 'email' },
  { from: 'email', to: 'email' },
  { from: 'mobile', to: 'phone' },
  { from: 'avatar', to: 'avatarUrl' },
  { from: 'position', to: 'title' },
  { from: 'gender', to: 'gender' },
  { from: 'direct_leader', to: 'directLeaderUserId' },
  { from: 'extattr', to: 'attributes' },
]

// ---- Sample ---------------------------------------------------------------------------------------------------------

export const MappingSample = answer({
  member: answer({
    userid: z.string(),
    fields: z.array(
      answer({
        field: z.string().meta({ description: "WeCom's name of it." }),
        state: z
          .enum(['present', 'empty', 'withheld'])
          .meta({ description: 'What WeCom withholds stays as it is here; what is empty is cleared.' }),
        value: z.unknown().meta({ description: 'As WeCom sent it; null unless present.' }),
      }),
    ),
  }),
  user: z.array(
    answer({
      field: z.string().meta({ description: 'Field of a user.' }),
      state: z.enum(['set', 'cleared', 'kept']).meta({
        description: 'What sync does with it: sets it to `value`, clears it, or leaves it as it is.',
      }),
      value: z.unknown(),
    }),
  ),
  problem: StoredProblem.nullable().meta({ description: 'Why this member could not become a user.' }),
}).meta({
  title: 'Mapping sample',
  description:
    'One member as WeCom shows them now, and what a mapping makes of them. Usernames are for new users only.',
})

export type MappingSample = z.output<typeof MappingSample>

export const sampleMapping = endpoint({
  operationId: 'sampleMapping',
  method: 'POST',
  path: '/connections/:id/mapping-sample',
  summary: 'Try a field mapping on one member',
  description:
    'Reads one member from WeCom now and writes nothing. Without `userid` it takes one of a few that it finds first, the ' +
    'one that shows most; without `mapping`, the stored one. Refused with connections/mapping and connections/incomplete.',
  tag: 'Connections',
  role: 'operator',
  params: byConnection,
  body: z.strictObject({
    userid: z.string().min(1).max(64).optional().meta({ description: 'Of the member in WeCom.' }),
    mapping: MappingInput.optional(),
  }),
  responses: { 200: MappingSample },
})

// ---- Reading a mapping ----------------------------------------------------------------------------------------------

/** Where a text comes from: a field, or a custom attribute by its name. */
export type Operand = { readonly field: MemberField } | { readonly attribute: string }

/** Text of a template, or a place in it. */
export type TemplatePart = string | { readonly operand: Operand; readonly use: MappingFunction | null }

/** A rule that has been understood. */
export interface MappingRule {
  readonly to: UserField
  /** Either the fields to choose from, or the parts of a template. */
  readonly source:
    | { readonly kind: 'first'; readonly operands: readonly Operand[] }
    | { readonly kind: 'template'; readonly parts: readonly TemplatePart[] }
  readonly use: MappingFunction | null
}

export interface MappingProblem {
  /** Of the rule, from 0; null for the mapping as a whole. */
  readonly index: number | null
  readonly en: string
  readonly zh: string
}

/** The rules of a mapping, or everything that is wrong with it. */
export function readMapping(entries: readonly MappingEntry[]): {
  readonly rules: readonly MappingRule[]
  readonly problems: readonly MappingProblem[]
} {
  const problems: MappingProblem[] = []
  const rules = entries.flatMap((entry, index) => {
    const rule = readRule(entry)
    if (!('en' in rule)) return [rule]
    problems.push({ index, ...rule })
    return []
  })
  if (problems.length === 0 && !rules.some(({ to }) => to === 'displayName')) {
    problems.push({
      index: null,
      en: 'No rule has displayName as its target; people are told apart by their names.',
      zh: '没有以 displayName 为目标的规则；姓名用于区分人员，不能缺少。',
    })
  }
  return { rules, problems }
}

interface Complaint {
  readonly en: string
  readonly zh: string
}

function readRule({ to, from, template, use }: MappingEntry): MappingRule | Complaint {
  if (!isUserField(to)) {
    return complaint(
      `"${to}" is no user field; there are ${names(USER_FIELDS)}`,
      `“${to}”不是用户字段，可用：${names(USER_FIELDS)}`,
    )
  }
  if (use !== undefined && !isFunction(use)) return noFunction(use)
  if ((from === undefined) === (template === undefined)) {
    return complaint('a rule has either "from" or "template"', '每条规则须且只能有 from 或 template 之一')
  }
  const source = template === undefined ? readFields(from!) : readTemplate(template)
  if ('en' in source) return source
  const rule: MappingRule = { to, source, use: use ?? null }
  return refuseCombination(rule) ?? rule
}

function readFields(from: string | readonly string[]): MappingRule['source'] | Complaint {
  const fields = typeof from === 'string' ? [from] : from
  if (fields.length === 0) return complaint('"from" names no field', 'from 未指定字段')
  const operands: Operand[] = []
  for (const name of fields) {
    const operand = readOperand(name)
    if ('en' in operand) return operand
    operands.push(operand)
  }
  return { kind: 'first', operands }
}

/** Braces have no other meaning, so there is nothing to escape. */
function readTemplate(template: string): MappingRule['source'] | Complaint {
  const parts: TemplatePart[] = []
  for (const piece of template.split(/(\{[^{}]*\})/)) {
    if (piece === '') continue
    if (!/^\{[^{}]*\}$/.test(piece)) {
      if (/[{}]/.test(piece)) return complaint('the template has a brace without its partner', '模板中的花括号不成对')
      if (/[\p{Cc}\p{Cs}]/u.test(piece)) {
        return complaint('the template has a control character', '模板中含有控制字符')
      }
      parts.push(piece)
      continue
    }
    const [name, use, ...rest] = piece.slice(1, -1).split('|')
    if (rest.length > 0) return complaint(`"${piece}" has more than one function`, `“${piece}”中只能有一个函数`)
    if (use !== undefined && !isFunction(use)) return noFunction(use)
    const operand = readOperand(name!)
    if ('en' in operand) return operand
    if (!isText(operand)) return complaint(`${nameOf(operand)} is not a text`, `${nameOf(operand)} 不是文本`)
    parts.push({ operand, use: use ?? null })
  }
  const places = parts.filter((part) => typeof part !== 'string').length
  if (places === 0) {
    return complaint(
      'the template has no field in braces, so everybody would get the same',
      '模板中没有字段，所有人的结果都会相同',
    )
  }
  if (places > MAX_FIELDS) {
    return complaint(`the template has more than ${MAX_FIELDS} fields`, `模板中的字段超过 ${MAX_FIELDS} 个`)
  }
  return { kind: 'template', parts }
}

function readOperand(name: string): Operand | Complaint {
  if (name.startsWith(ATTRIBUTE)) {
    const attribute = name.slice(ATTRIBUTE.length)
    return /^[^\p{Cc}\p{Cs}{}|]{1,64}$/u.test(attribute)
      ? { attribute }
      : complaint(`"${name}" names no custom attribute`, `“${name}”未指定有效的自定义字段`)
  }
  if (Object.hasOwn(MEMBER_FIELDS, name)) return { field: name as MemberField }
  return complaint(
    `"${name}" is no member field; there are ${names(MEMBER_FIELDS)} and extattr.NAME`,
    `“${name}”不是成员字段，可用：${names(MEMBER_FIELDS)}、extattr.名称`,
  )
}

const ATTRIBUTE = 'extattr.'

/** What may become what. */
function refuseCombination({ to, source, use }: MappingRule): Complaint | undefined {
  const rule: UserFieldRule = USER_FIELDS[to]
  const operands = operandsOf(source)
  if (rule.kind !== 'text') {
    const isAllowed = operands.every((operand) => rule.only.includes(allowanceOf(operand)))
    const only = rule.only.map((name) => (name === ATTRIBUTE ? 'extattr.NAME' : name)).join(', ')
    if (!isAllowed) return complaint(`${to} can only come from ${only}`, `${to} 只能来自 ${only}`)
    if (source.kind === 'template' || use !== null) {
      return complaint(
        `${to} is taken as it is, without template or function`,
        `${to} 只能原样取用，不能使用模板或函数`,
      )
    }
    if (rule.kind === 'whole' && operands.length > 1) {
      return complaint(`${to} can only come from ${only}`, `${to} 只能来自 ${only}`)
    }
    return undefined
  }
  const odd = operands.find((operand) => !isText(operand))
  if (odd !== undefined) {
    return complaint(`${nameOf(odd)} is not a text and cannot become ${to}`, `${nameOf(odd)} 不是文本，不能作为 ${to}`)
  }
  const { oneOf } = rule
  if (oneOf !== undefined && !isTold(source, oneOf)) {
    const needed = oneOf.map((name) => (name === ATTRIBUTE ? 'extattr.NAME' : name)).join(', ')
    return complaint(
      `${to} has to come from something that names a person: ${needed}`,
      `${to} 必须来自能区分人员的字段：${needed}`,
    )
  }
  return undefined
}

/** Every field to choose from names somebody; of a template, one of its fields does. */
function isTold(source: MappingRule['source'], oneOf: readonly string[]): boolean {
  const isNaming = (operand: Operand) => oneOf.includes(allowanceOf(operand))
  return source.kind === 'first' ? source.operands.every(isNaming) : operandsOf(source).some(isNaming)
}

function operandsOf(source: MappingRule['source']): readonly Operand[] {
  return source.kind === 'first'
    ? source.operands
    : source.parts.flatMap((part) => (typeof part === 'string' ? [] : [part.operand]))
}

function allowanceOf(operand: Operand): string {
  return 'field' in operand ? operand.field : ATTRIBUTE
}

function nameOf(operand: Operand): string {
  return 'field' in operand ? operand.field : `${ATTRIBUTE}${operand.attribute}`
}

function isText(operand: Operand): boolean {
  return !('field' in operand) || MEMBER_FIELDS[operand.field] === 'text'
}

function isUserField(name: string): name is UserField {
  return Object.hasOwn(USER_FIELDS, name)
}

function isFunction(name: string): name is MappingFunction {
  return MAPPING_FUNCTIONS.some((known) => known === name)
}

function noFunction(name: string): Complaint {
  const known = MAPPING_FUNCTIONS.join(', ')
  return complaint(`"${name}" is no function; there are ${known}`, `“${name}”不是函数，可用：${known}`)
}

function names(table: object): string {
  return Object.keys(table).join(', ')
}

function complaint(en: string, zh: string): Complaint {
  return { en, zh }
}

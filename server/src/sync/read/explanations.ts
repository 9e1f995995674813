/** What a run says about its reading: which way was taken and why, and what was not shown. Pure. */
import { fieldsMissing, ID_FIELDS } from '../plan/mapping.ts'
import type { CompiledMapping } from '../plan/rules.ts'
import type { ReadingChoice, Strategy, Warning } from '../runs.ts'
import type { Reading } from './reader.ts'
import type { Snapshot } from './snapshot.ts'

/** What is known when the way is chosen. */
export interface Prospect {
  /** Departments that the credential shows. */
  readonly departments: number
  /** People who were added one by one to the visible range. */
  readonly individuals: number
  /** Calls that were made by then. */
  readonly calls: number
}

const REASONS = {
  app: {
    en: 'The app reads the people of each department it may see, one call a department.',
    zh: '使用应用 Secret，按可见部门逐个读取成员，每个部门一次调用。',
  },
  'contacts-secret': {
    en: 'The 通讯录同步 secret may still read everything from this address, one call a department.',
    zh: '通讯录同步 Secret 在当前 IP 上仍可读取全部信息，每个部门一次调用。',
  },
  'many-departments': {
    en: 'There are so many departments that an export takes far fewer calls than asking about each.',
    zh: '部门数量很多，使用导出接口所需的调用远少于逐个部门读取。',
  },
  'export-refused': {
    en: 'WeCom did not make the export that so many departments ask for, so each department is read.',
    zh: '部门数量很多，但企业微信未能完成导出，因此逐个部门读取。',
  },
  'no-departments': {
    en: 'The visible range has no department, only people who were added one by one; each is asked for by name.',
    zh: '可见范围内没有部门，只有单独添加的成员，逐个读取。',
  },
  'contacts-secret-new-address': {
    en: 'WeCom lets the 通讯录同步 secret read ids only, as from any new address (48009): who there is and in which departments, without names.',
    zh: '企业微信只允许通讯录同步 Secret 读取 ID（新 IP 均如此，48009）：可获知有哪些成员及所在部门，但没有姓名。',
  },
  'ids-and-app': {
    en: 'The 通讯录同步 secret tells who there is; the app tells details of those it may see.',
    zh: '由通讯录同步 Secret 读取全部成员 ID，由应用读取其可见成员的详细信息。',
  },
} as const satisfies Record<string, Warning['detail']>

export type Reason = keyof typeof REASONS

/** @param further calls that are still to come besides */
export function choice(
  strategy: Strategy,
  reason: Reason,
  { departments, individuals, calls }: Prospect,
  further = 0,
): ReadingChoice {
  const perDepartment = reason === 'many-departments' ? EXPORT_CALLS : departments
  return {
    strategy,
    reason: { code: reason, detail: REASONS[reason] },
    expectedCalls: calls + perDepartment + individuals + further,
  }
}

/** Ordering it, asking whether it is done, fetching a file: at least. */
const EXPORT_CALLS = 3

export function readingWarnings(
  { choice: { strategy }, individualsUnknown }: Reading,
  snapshot: Snapshot,
  mapping: CompiledMapping,
): Warning[] {
  const unnamed = snapshot.departments.filter(({ name }) => name === undefined).length
  return [
    ...(individualsUnknown ? [INDIVIDUALS_UNKNOWN] : []),
    ...(snapshot.idsOnly > 0 ? [detailsWithheld(snapshot.idsOnly, mapping)] : []),
    ...(strategy === 'ids' && unnamed > 0 ? [departmentsUnnamed(unnamed)] : []),
    ...(snapshot.withheld.length > 0 ? [fieldsWithheld(snapshot.withheld)] : []),
  ]
}

const INDIVIDUALS_UNKNOWN: Warning = {
  code: 'individuals-unknown',
  detail: {
    en: 'Without an agentId, people who were added one by one to the visible range cannot be found.',
    zh: '未填写 AgentId，无法获知可见范围中单独添加的成员。',
  },
}

function detailsWithheld(people: number, mapping: CompiledMapping): Warning {
  const fields = fieldsMissing(ID_FIELDS, mapping).join(', ')
  return {
    code: 'details-withheld',
    detail: {
      en: `Of ${people} people only the userid and the departments are shown, none of these: ${fields}. New ones are named by their userid and count as active; of the others everything stays as it is.`,
      zh: `有 ${people} 名成员仅返回 userid 和所在部门，未返回：${fields}。新成员以 userid 为姓名并视为在职；其余成员的资料保持不变。`,
    },
  }
}

function departmentsUnnamed(departments: number): Warning {
  return {
    code: 'departments-unnamed',
    detail: {
      en: `The names of ${departments} departments are not shown. New ones are named by their id; the others keep their name.`,
      zh: `有 ${departments} 个部门未返回名称。新部门以 ID 命名，其余保持原名。`,
    },
  }
}

function fieldsWithheld(fields: readonly string[]): Warning {
  return {
    code: 'fields-withheld',
    detail: {
      en: `WeCom shows these fields of nobody to this credential: ${fields.join(', ')}. What is known of them stays as it is.`,
      zh: `企业微信未向该凭证返回以下字段：${fields.join('、')}。已有内容保持不变。`,
    },
  }
}

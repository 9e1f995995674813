/**
 * Which fields of its members WeCom shows, and what it means for people here when it withholds some. Pure. Called by the
 * doctors and their diagnoses.
 */
import type { Member } from '@muster/wecom'
import type { Text } from '../../../errors.ts'
import type { ConnectionFacts } from './diagnosis.ts'
import { pass, type Verdict } from './verdicts.ts'

export type FieldState = 'present' | 'empty' | 'withheld'

/** Of a member, by WeCom's names: what sync can use, and what follows when WeCom withholds it. */
const FIELDS: readonly {
  readonly field: string
  readonly of: (member: Member) => unknown
  readonly without: Text | null
}[] = [
  {
    field: 'name',
    of: ({ name }) => name,
    without: { en: 'userids take the place of names', zh: '以 userid 代替姓名' },
  },
  {
    field: 'department',
    of: ({ departments: list }) => list,
    without: { en: 'nobody gets a department', zh: '成员没有部门' },
  },
  { field: 'main_department', of: ({ mainDepartment }) => mainDepartment, without: null },
  {
    field: 'status',
    of: ({ status }) => status,
    without: { en: 'disabled members stay active', zh: '已禁用的成员仍为启用状态' },
  },
  { field: 'position', of: ({ position }) => position, without: { en: 'no titles', zh: '没有职务' } },
  { field: 'mobile', of: ({ mobile }) => mobile, without: { en: 'no phone numbers', zh: '没有手机号' } },
  {
    field: 'gender',
    of: ({ gender }) => (gender === 'unknown' ? '' : gender),
    without: { en: 'no gender', zh: '没有性别' },
  },
  { field: 'email', of: ({ email }) => email, without: null },
  { field: 'biz_mail', of: ({ bizMail }) => bizMail, without: null },
  { field: 'avatar', of: ({ avatar }) => avatar, without: { en: 'no pictures', zh: '没有头像' } },
  {
    field: 'direct_leader',
    of: ({ directLeaders }) => directLeaders,
    without: { en: 'no direct leaders', zh: '没有直属上级' },
  },
  {
    field: 'extattr',
    of: ({ attributes }) => attributes,
    without: { en: 'no custom attributes', zh: '没有自定义字段' },
  },
]

/** What an app made since 2022-06-20 never gets from the address book (wecom-api.md §2.3.1). */
const SINCE_2022 = new Set(['mobile', 'gender', 'email', 'biz_mail', 'avatar'])

/** What WeCom said of each field that sync can use. */
export function fieldsOf(member: Member): Record<string, FieldState> {
  return Object.fromEntries(FIELDS.map(({ field, of }) => [field, stateOf(of(member))]))
}

/** @param rangePage where the visible range of the app is set */
export function memberVerdict(
  sample: Member | null,
  connection: Pick<ConnectionFacts, 'syntheticEmailDomain'>,
  rangePage: Text,
): Verdict {
  if (sample === null) {
    return {
      result: 'warn',
      detail: {
        en: 'Nobody was found in the departments that were looked at.',
        zh: '在所查看的部门中没有找到成员。',
      },
      remedy: {
        en: `If there should be people, check ${rangePage.en} and 通讯录.`,
        zh: `如应有成员，请检查“${rangePage.zh}”与“通讯录”。`,
      },
    }
  }
  const states = fieldsOf(sample)
  const withheld = FIELDS.filter(
    ({ field, without }) => states[field] === 'withheld' && (without !== null || isMail(field)),
  )
  if (withheld.length === 0) {
    return pass({ en: 'WeCom shows every field that sync can use.', zh: '同步所需的字段均可读取。' })
  }
  return {
    result: 'warn',
    ...withheldTexts(
      withheld.map(({ field }) => field),
      connection,
    ),
  }
}

function withheldTexts(
  withheld: readonly string[],
  { syntheticEmailDomain: domain }: Pick<ConnectionFacts, 'syntheticEmailDomain'>,
): { detail: Text; remedy: Text } {
  const consequences = FIELDS.flatMap(({ field, without }) =>
    without !== null && withheld.includes(field) ? [without] : [],
  )
  if (withheld.includes('email') && withheld.includes('biz_mail')) {
    consequences.push({ en: `e-mail addresses are made up, userid@${domain}`, zh: `邮箱以 userid@${domain} 代替` })
  } else if (withheld.some(isMail)) {
    const [used] = ['biz_mail', 'email'].filter((field) => !withheld.includes(field))
    consequences.push({ en: `e-mail addresses come from ${used} only`, zh: `邮箱仅取自 ${used}` })
  }
  const isUsual = withheld.every((field) => SINCE_2022.has(field))
  return {
    detail: {
      en: `WeCom withholds ${withheld.join(', ')}: ${consequences.map(({ en }) => en).join(', ')}. What is stored here already stays.`,
      zh: `企业微信未提供 ${withheld.join('、')}：${consequences.map(({ zh }) => zh).join('，')}。本系统已有的值保持不变。`,
    },
    remedy: isUsual
      ? {
          en: 'Nothing, if you can do without. No page of the console changes it for an app made since 2022-06-20; an app made before that gets them.',
          zh: '如不需要这些字段则无需操作。2022-06-20 之后创建的应用无法在管理后台开通；此前创建的应用可以读取。',
        }
      : {
          en: 'Check what the app may read under 应用管理 → 自建 → the app, and use the Secret of a self-built app.',
          zh: '请在“应用管理 → 自建 → 应用详情”中检查其权限，并使用自建应用的 Secret。',
        },
  }
}

function isMail(field: string): boolean {
  return field === 'email' || field === 'biz_mail'
}

function stateOf(value: unknown): FieldState {
  if (value === undefined) return 'withheld'
  return value === '' || (Array.isArray(value) && value.length === 0) ? 'empty' : 'present'
}

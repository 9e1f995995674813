/**
 * What an application is told about a person (product.md §6): which scope releases which claim, and what is in it. Pure.
 * A claim that is not known is left out; nothing is said to be verified that nobody verified.
 * docs/reference/claims.md is printed from the table below.
 */
import type { ApplicationClaims } from '@muster/contracts'
import type { Subject, SubjectDepartment } from '../directory/subjects.ts'
import type { Text } from '../errors.ts'

/** Values of OpenID Connect Core 1.0, section 5.1, and ours. Those who are not known are absent. */
export interface Claims {
  readonly sub: string
  readonly name?: string
  readonly preferred_username?: string
  readonly picture?: string
  readonly locale?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly phone_number?: string
  readonly groups?: readonly string[]
  readonly departments?: readonly DepartmentClaim[]
  readonly wecom_userid?: string
  readonly wecom_corp_id?: string
}

export interface DepartmentClaim {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly is_main: boolean
}

export type ClaimName = keyof Claims

type ReleasingScope = 'openid' | ApplicationClaims['scopes'][number]

interface ClaimEntry {
  /** Any of them releases the claim. */
  readonly scopes: readonly ReleasingScope[]
  readonly about: Text
}

/** Names are promises: applications are configured with them. */
export const claimTable = {
  sub: {
    scopes: ['openid'],
    about: {
      en: 'Id of the user. Never changes and never passes to somebody else.',
      zh: '用户 ID，永不改变，也不会转给他人。',
    },
  },
  name: { scopes: ['profile'], about: { en: 'Display name.', zh: '显示名称。' } },
  preferred_username: {
    scopes: ['profile'],
    about: {
      en: 'User name, usually the WeCom userid. Unique in the organization, but it may change.',
      zh: '用户名，通常为企业微信 userid。在组织内唯一，但可能更改。',
    },
  },
  picture: { scopes: ['profile'], about: { en: 'Address of the avatar.', zh: '头像地址。' } },
  locale: { scopes: ['profile'], about: { en: 'Language, such as `zh-CN`.', zh: '语言，例如 `zh-CN`。' } },
  email: {
    scopes: ['email'],
    about: {
      en: 'E-mail address; for people without one, the made-up address, which reaches nobody.',
      zh: '邮箱地址；没有邮箱的人员为合成地址，无法收信。',
    },
  },
  email_verified: {
    scopes: ['email'],
    about: {
      en: 'Whether somebody proved that the address is theirs. Made-up addresses never are verified.',
      zh: '是否已证明该邮箱归本人所有。合成地址始终为未验证。',
    },
  },
  phone_number: {
    scopes: ['phone'],
    about: {
      en: 'Phone number in E.164. There is no `phone_number_verified`, because Muster verifies no numbers.',
      zh: '电话号码（E.164）。Muster 不验证号码，因此没有 `phone_number_verified`。',
    },
  },
  groups: {
    scopes: ['groups'],
    about: {
      en: 'Departments in the form, with the prefix and within the filter of the application.',
      zh: '所属部门，按应用设置的形式、前缀和筛选给出。',
    },
  },
  departments: {
    scopes: ['groups'],
    about: {
      en: 'The same departments as objects: `id`, `name`, `path`, `is_main`. The main one comes first.',
      zh: '同样的部门，以对象给出：`id`、`name`、`path`、`is_main`。主部门在前。',
    },
  },
  wecom_userid: {
    scopes: ['profile', 'wecom'],
    about: {
      en: "userid of the person in WeCom, by a link of one of the application's connections. Absent without one.",
      zh: '在企业微信中的 userid，取自应用所用连接的关联；没有关联时不提供。',
    },
  },
  wecom_corp_id: {
    scopes: ['profile', 'wecom'],
    about: { en: 'CorpId of the company of that member.', zh: '该成员所在企业的 CorpId。' },
  },
} as const satisfies Record<ClaimName, ClaimEntry>

export const SCOPES = ['openid', 'profile', 'email', 'phone', 'groups', 'wecom'] as const

/** The names of the claims of each scope, as oidc-provider wants them. */
export const claimsByScope: Readonly<Record<ReleasingScope, readonly ClaimName[]>> = {
  openid: namesOf('openid'),
  profile: namesOf('profile'),
  email: namesOf('email'),
  phone: namesOf('phone'),
  groups: namesOf('groups'),
  wecom: namesOf('wecom'),
}

/** What of an application decides about claims. */
export interface ClaimsAudience {
  /** In its order: the first one through which a person is linked says who they are in WeCom. */
  readonly connections: readonly { readonly id: string }[]
  readonly claims: ApplicationClaims
}

/**
 * @param scopes that were granted; what the application is not allowed is left out whatever was asked for
 * @param linkId the link through which the person signed in just now, if it was one
 */
export function claimsOf(
  subject: Subject,
  application: ClaimsAudience,
  { scopes, linkId }: { scopes: ReadonlySet<string>; linkId: string | null },
): Claims {
  const known = everythingKnown(subject, application, linkId)
  const released = Object.entries(known).filter(
    ([name, value]) => value !== null && isReleased(name as ClaimName, scopes, application.claims),
  )
  return { ...(Object.fromEntries(released) as Partial<Claims>), sub: subject.id }
}

/** What is granted: what is asked for and allowed. */
export function scopesFor({ claims }: Pick<ClaimsAudience, 'claims'>, asked: Iterable<string>): string[] {
  const allowed = new Set<string>(['openid', 'offline_access', ...claims.scopes])
  return [...new Set(asked)].filter((scope) => allowed.has(scope))
}

/** Whether `claimsOf` will need the departments of the person. */
export function needsDepartments(scopes: ReadonlySet<string>, { scopes: allowed }: ApplicationClaims): boolean {
  return scopes.has('groups') && allowed.includes('groups')
}

type Known = { readonly [Name in Exclude<ClaimName, 'sub'>]: NonNullable<Claims[Name]> | null }

function everythingKnown(subject: Subject, application: ClaimsAudience, linkId: string | null): Known {
  const member = memberFor(subject, application, linkId)
  const departments = departmentsWithin(subject, application.claims)
  return {
    name: subject.displayName,
    preferred_username: subject.username,
    picture: webAddress(subject.avatarUrl),
    locale: subject.locale,
    email: subject.email,
    email_verified: subject.email === null ? null : isEmailVerified(subject),
    phone_number: subject.phone,
    groups: groupsOf(departments, application.claims),
    departments: departments.map((department) => ({
      id: department.id,
      name: department.name,
      path: pathOf(department),
      is_main: department.isMain,
    })),
    wecom_userid: member?.userid ?? null,
    wecom_corp_id: member?.corpId ?? null,
  }
}

/**
 * Identifiers of WeCom come with `profile`, too, because many products can ask for nothing further; an application that
 * is not allowed `wecom` does not get them that way either.
 */
function isReleased(name: ClaimName, scopes: ReadonlySet<string>, { scopes: allowed }: ApplicationClaims): boolean {
  const releasing: readonly ReleasingScope[] = claimTable[name].scopes
  if (releasing.includes('wecom') && !allowed.includes('wecom')) return false
  return releasing.some((scope) => scope !== 'openid' && scopes.has(scope) && allowed.includes(scope))
}

/** A made-up address and one that a rule of the mapping made are nobody's proof, whatever a row says. */
function isEmailVerified({ emailVerified, emailSource }: Subject): boolean {
  return emailVerified && emailSource !== 'synthetic' && emailSource !== 'mapped'
}

/** Only links of the application's own connections count. */
function memberFor({ members }: Subject, { connections }: ClaimsAudience, linkId: string | null) {
  const counting = connections.flatMap(({ id }) => members.filter(({ connectionId }) => connectionId === id))
  return counting.find((member) => member.linkId === linkId) ?? counting[0]
}

/** With a filter: the departments that it names and those below them, and nothing when none of them is there any more. */
function departmentsWithin({ departments }: Subject, { groups }: ApplicationClaims): readonly SubjectDepartment[] {
  if (groups.include.length === 0) return departments
  const included = new Set(groups.include)
  return departments.filter(({ path }) => path.some(({ id }) => included.has(id)))
}

/** Two departments may share a name; they are one group then. */
function groupsOf(departments: readonly SubjectDepartment[], { groups }: ApplicationClaims): string[] {
  const written = departments.map((department) => {
    switch (groups.form) {
      case 'name':
        return department.name
      case 'id':
        return department.id
      case 'path':
        return pathOf(department)
      default:
        return unreachable(groups.form)
    }
  })
  return [...new Set(written)].map((group) => `${groups.prefix}${group}`)
}

/** `/总部/研发中心`. A slash inside a name is escaped, so that no name can pass for a path. */
function pathOf({ path }: SubjectDepartment): string {
  return path.map(({ name }) => `/${name.replace(/[\\/]/g, '\\$&')}`).join('')
}

/** A mapping may put any text there; an application would show it as a picture or a link. */
function webAddress(text: string | null): string | null {
  return text !== null && /^https?:\/\//.test(text) && URL.canParse(text) ? text : null
}

function namesOf(scope: ReleasingScope): readonly ClaimName[] {
  return (Object.keys(claimTable) as ClaimName[]).filter((name) =>
    (claimTable[name].scopes as readonly ReleasingScope[]).includes(scope),
  )
}

function unreachable(form: never): never {
  throw new Error(`a form of groups that is not known: ${String(form)}`)
}

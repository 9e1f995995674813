/**
 * What a member of WeCom should look like as a user of ours (product.md §4.2). Pure. Called by snapshot.ts for every
 * member that is read, so it is the hot path of a run.
 *
 * Three values are kept apart throughout: `undefined` is withheld and changes nothing, `null` is known to be empty and
 * clears, anything else is the value.
 */
import { hash as digest } from 'node:crypto'
import type { Member, MemberAttribute } from '@muster/wecom'
import { foldName, isAddress, storable } from '../../directory/names.ts'
import type { Problem } from '../../errors.ts'
import { DEFAULT_MAPPING, type CompiledMapping } from './rules.ts'

/** One membership as WeCom gives it; `department` is WeCom's id. What is undefined is withheld, and stays as it is. */
export interface WantedMembership {
  readonly department: number
  readonly isMain: boolean | undefined
  readonly order: number | undefined
  readonly isLeader: boolean | undefined
}

/** One member, mapped. */
export interface WantedUser {
  readonly userid: string
  /** The folded userid: the identity within the company. */
  readonly key: string
  readonly openUserid: string | undefined
  readonly displayName: string | undefined
  /** WeCom's own two addresses, whatever the mapping does with them: people are recognised by them. */
  readonly bizMail: string | null | undefined
  readonly email: string | null | undefined
  /** WeCom's mobile; when the mapping takes the phone from elsewhere it says nothing about who somebody is. */
  readonly phone: string | null | undefined
  readonly avatarUrl: string | null | undefined
  readonly title: string | null | undefined
  readonly gender: 'male' | 'female' | undefined
  /** Custom attributes as JSON text. */
  readonly attributes: string | undefined
  readonly isActive: boolean | undefined
  /** Only departments that the run could see. */
  readonly memberships: readonly WantedMembership[] | undefined
  /** Folded userids. */
  readonly leaders: readonly string[] | undefined
  /** What a new user is to be called instead of the userid, when the mapping says so. */
  readonly username?: string | undefined
  /** The results of the rules for addresses that are neither of WeCom's two, in their order; false is withheld. */
  readonly madeAddresses?: readonly (string | null | false)[] | undefined
  /** The phone, when the mapping takes it from elsewhere. */
  readonly otherPhone?: string | null | undefined
  /** Digest of all of the above and of the settings that shaped it: equal digests need no comparison. */
  readonly hash: string
  /** Why this member cannot become a user, whatever the directory says. */
  readonly problem: Problem | undefined
}

export interface MappingSettings {
  /** Whether status 4, "has never signed in to WeCom", counts as active. */
  readonly notActivated: 'disable' | 'active'
  /** Product.md's when there is no other. */
  readonly mapping?: CompiledMapping | undefined
  /** Changes whenever anything changes that decides what a member becomes, so that everybody is compared again. */
  readonly version: string
}

const LONGEST_NAME = 512

/** What a run knows of a department: shown, not shown, or sent in a form that cannot be read. */
export type Sight = 'visible' | 'invisible' | 'unreadable'

/** @param sightOf memberships in departments that are not shown are nobody's business */
export function mapMember(
  member: Member,
  sightOf: (department: number) => Sight,
  settings: MappingSettings,
): MappedMember {
  const mapping = settings.mapping ?? DEFAULT_MAPPING
  const name = mapping.displayName(member)
  const displayName = name === null ? '' : name
  const phone = mapping.phone(member)
  const fields = {
    key: foldName(member.userid),
    openUserid: member.openUserid,
    displayName,
    bizMail: address(member.bizMail),
    email: address(member.email),
    phone: mapping.isPhoneMobile ? phone : undefined,
    avatarUrl: mapping.avatarUrl(member),
    title: mapping.title(member),
    gender: !mapping.hasGender || member.gender === 'unknown' ? undefined : member.gender,
    attributes:
      !mapping.hasAttributes || member.attributes === undefined ? undefined : attributesJson(member.attributes),
    isActive: isActive(member, settings),
    memberships: memberships(member, sightOf),
    leaders: mapping.hasLeaders ? member.directLeaders?.map(foldName) : undefined,
    username: mapping.username === null ? undefined : usernameOf(mapping.username(member)),
    madeAddresses: mapping.madeAddresses?.map((read) => madeAddress(read(member))),
    otherPhone: mapping.isPhoneMobile ? undefined : phone,
  }
  return mapped(member.userid, fields, nameProblem(member, displayName), settings)
}

/**
 * Somebody of whom nothing is shown but the id, and the departments where those are known.
 * @param departments undefined when it is not known whether these are all
 */
export function mapId(
  userid: string,
  departments: readonly number[] | undefined,
  sightOf: (department: number) => Sight,
  settings: MappingSettings,
): MappedMember {
  const isWhole = departments?.every((id) => sightOf(id) !== 'unreadable') === true
  const fields = {
    key: foldName(userid),
    openUserid: undefined,
    displayName: undefined,
    bizMail: undefined,
    email: undefined,
    phone: undefined,
    avatarUrl: undefined,
    title: undefined,
    gender: undefined,
    attributes: undefined,
    isActive: undefined,
    memberships: !isWhole
      ? undefined
      : departments
          .filter((id) => sightOf(id) === 'visible')
          .map((department) => ({ department, isMain: undefined, order: undefined, isLeader: undefined })),
    leaders: undefined,
  }
  return mapped(userid, fields, undefined, settings)
}

/** A member as mapped, with its digested fields as JSON, so that whoever packs it need not write them again. */
export type MappedMember = WantedUser & { readonly json: string }

function mapped(
  userid: string,
  fields: Omit<WantedUser, 'userid' | 'hash' | 'problem'>,
  problem: Problem | undefined,
  settings: MappingSettings,
): MappedMember {
  // The spelling of the userid stays out of the digest: WeCom itself spells it differently in different places.
  const json = JSON.stringify(fields)
  return { userid, ...fields, hash: hashOf(json, settings.version), problem, json }
}

/** The fields of a member that sync can use, by WeCom's names; one bit each, in this order. */
const SOURCE_FIELDS = [
  'name',
  'department',
  'status',
  'position',
  'mobile',
  'gender',
  'email',
  'biz_mail',
  'avatar',
  'direct_leader',
  'extattr',
  'alias',
  'english_name',
  'telephone',
  'address',
  'thumb_avatar',
] as const

export const ALL_FIELDS = (1 << SOURCE_FIELDS.length) - 1

/** What is known of somebody of whom only the id is shown. */
export const ID_FIELDS = 1 << SOURCE_FIELDS.indexOf('department')

/** Which of these fields WeCom sent, be they empty or not, as bits: asked about everybody, so it is written out. */
export function shownFields(member: Member): number {
  return (
    (member.name === undefined ? 0 : 1) |
    (member.departments === undefined ? 0 : 1 << 1) |
    (member.status === undefined ? 0 : 1 << 2) |
    (member.position === undefined ? 0 : 1 << 3) |
    (member.mobile === undefined ? 0 : 1 << 4) |
    (member.gender === undefined ? 0 : 1 << 5) |
    (member.email === undefined ? 0 : 1 << 6) |
    (member.bizMail === undefined ? 0 : 1 << 7) |
    (member.avatar === undefined ? 0 : 1 << 8) |
    (member.directLeaders === undefined ? 0 : 1 << 9) |
    (member.attributes === undefined ? 0 : 1 << 10) |
    (member.alias === undefined ? 0 : 1 << 11) |
    (member.englishName === undefined ? 0 : 1 << 12) |
    (member.telephone === undefined ? 0 : 1 << 13) |
    (member.address === undefined ? 0 : 1 << 14) |
    (member.thumbAvatar === undefined ? 0 : 1 << 15)
  )
}

/** The names of the fields that are not among the bits, of those that this mapping uses. */
export function fieldsMissing(bits: number, { fields }: CompiledMapping = DEFAULT_MAPPING): string[] {
  return SOURCE_FIELDS.filter((name, index) => {
    const isUsed = name === 'department' || name === 'status' || fields.has(name)
    return isUsed && (bits & (1 << index)) === 0
  })
}

/** status 1 and not switched off is active; 2 disabled, 4 not activated, 5 left (wecom-api.md §2.3.1). */
function isActive(member: Member, settings: MappingSettings): boolean | undefined {
  if (member.isEnabled === false) return false
  switch (member.status) {
    case 1:
      return true
    case 4:
      return settings.notActivated === 'active'
    case 2:
    case 5:
      return false
    default:
      return undefined
  }
}

/** Undefined also when one of the departments could not be read: then nothing is known about the whole. */
function memberships(member: Member, sightOf: (department: number) => Sight): WantedMembership[] | undefined {
  if (member.departments === undefined) return undefined
  if (member.departments.some(({ id }) => sightOf(id) === 'unreadable')) return undefined
  const wanted: WantedMembership[] = []
  for (const { id, order, isLeader } of member.departments) {
    if (sightOf(id) === 'invisible' || wanted.some(({ department }) => department === id)) continue
    wanted.push({
      department: id,
      isMain: id === member.mainDepartment,
      order,
      isLeader,
    })
  }
  return wanted
}

/** What cannot be a username leaves the userid in its place. */
function usernameOf(name: string | null | undefined): string | undefined {
  return name != null && /^[^\s\p{C}]{1,64}$/u.test(name) ? name : undefined
}

function madeAddress(seen: string | null | undefined): string | null | false {
  return seen === undefined ? false : (address(seen ?? '') ?? null)
}

/** A text that is no address says as little as an empty one: "-", "无" and "null" are seen in the field. */
function address(value: string | undefined): string | null | undefined {
  if (value === undefined) return undefined
  const trimmed = storable(value).trim()
  return isAddress(trimmed) ? trimmed : null
}

function attributesJson(attributes: readonly MemberAttribute[]): string {
  const entries = attributes.map((attribute): [string, unknown] => [
    storable(attribute.name),
    attribute.kind === 'text'
      ? storable(attribute.value)
      : { title: storable(attribute.value.title), url: storable(attribute.value.url) },
  ])
  return JSON.stringify(Object.fromEntries(entries))
}

function nameProblem(member: Member, displayName: string | undefined): Problem | undefined {
  if (displayName === undefined) return undefined
  if (displayName.trim() !== '' && displayName.length <= LONGEST_NAME) return undefined
  return {
    code: 'sync/name-unusable',
    detail:
      displayName.length > LONGEST_NAME
        ? {
            en: `The name of ${member.userid} is longer than ${LONGEST_NAME} characters.`,
            zh: `成员 ${member.userid} 的姓名超过 ${LONGEST_NAME} 个字符。`,
          }
        : {
            en: `The name of ${member.userid} has no character that can be stored.`,
            zh: `成员 ${member.userid} 的姓名中没有可保存的字符。`,
          },
  }
}

const HASH_BYTES = 16 // two members never share one by chance

/** @param json in which what is withheld is left out and what is empty is null */
function hashOf(json: string, version: string): string {
  // A part of the long text would keep all of it in memory, for everybody; a part of the bytes does not.
  return digest('sha256', version + json, 'buffer').toString('base64url', 0, HASH_BYTES)
}

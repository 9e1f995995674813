/**
 * Shows what a field mapping makes of one real member, before it is saved (product.md §2.2, step 5). Asks WeCom and writes
 * nothing. Called by the admin API.
 */
import type { MappingEntry, MemberField } from '@muster/contracts'
import { WecomError, type CallOptions, type Member } from '@muster/wecom'
import type { Connections } from '../connections/connections.ts'
import { refuseMapping } from '../connections/requirements.ts'
import type { Corps } from '../connections/suites/corps.ts'
import type { WecomAccess } from '../connections/wecom.ts'
import { wecomProblem } from '../connections/wecom-problem.ts'
import { AppError, type Problem } from '../errors.ts'
import { compile } from './compiled-mapping.ts'
import { mapMember, shownFields, type WantedUser } from './plan/mapping.ts'
import { wishedAddress } from './plan/addresses.ts'
import type { CompiledMapping } from './plan/rules.ts'
import type { Credentials } from './read/reader.ts'

export interface Sample {
  readonly member: {
    readonly userid: string
    readonly fields: readonly {
      readonly field: string
      readonly state: 'present' | 'empty' | 'withheld'
      readonly value: unknown
    }[]
  }
  readonly user: readonly {
    readonly field: string
    readonly state: 'set' | 'cleared' | 'kept'
    readonly value: unknown
  }[]
  readonly problem: Problem | null
}

export type MappingSamples = ReturnType<typeof createMappingSamples>

/** Somebody waits for it. */
const TIMEOUT_MS = 30_000

/** In which departments somebody is looked for, at most. */
const DEPARTMENTS = 5

export function createMappingSamples({
  connections,
  corps,
  wecom,
}: {
  connections: Connections
  corps: Corps
  wecom: WecomAccess
}) {
  return {
    /**
     * @param mapping the stored one when it is left out
     * @throws AppError `connections/not-found`, `connections/incomplete`, `connections/mapping`, and what WeCom refuses
     */
    async show(
      reference: string,
      { userid, mapping }: { userid: string | undefined; mapping: readonly MappingEntry[] | undefined },
    ): Promise<Sample> {
      const connection = await connections.get(reference)
      if (mapping !== undefined) refuseMapping(mapping, 'mapping')
      const compiled = await compile(mapping ?? connection.sync.mapping)
      // The mapping is one for all companies of a delegated connection; the first has to stand for them.
      const [first] = connection.kind === 'delegated' ? await corps.authorized(connection.id) : []
      const source = await wecom.forDirectory(connection.id, first?.corpId ?? null, () => {})
      const options: CallOptions = { priority: 'interactive', signal: AbortSignal.timeout(TIMEOUT_MS) }
      const member = await orProblem(() =>
        userid === undefined ? findSomebody(source, options) : source.principal.members.get(userid, options),
      )
      const { notActivated } = connection.sync
      const wanted = mapMember(member, () => 'visible', { notActivated, mapping: compiled, version: '' })
      return {
        member: { userid: member.userid, fields: memberFields(member) },
        user: userFields(wanted, compiled, connection.signIn.syntheticEmailDomain),
        problem: wanted.problem ?? null,
      }
    },
  }
}

/** Of the people of the first department that has any, the one who shows most; else somebody visible one by one. */
async function findSomebody({ principal, agentId }: Credentials, options: CallOptions): Promise<Member> {
  const { departments } = await principal.departments.list(undefined, options)
  for (const { id } of departments.slice(0, DEPARTMENTS)) {
    const { members } = await principal.members.list(id, options)
    const [best] = members.toSorted((a, b) => filled(b) - filled(a))
    if (best !== undefined) return best
  }
  const [userid] = agentId === null ? [] : (await principal.agent.get(agentId, options)).allowedUserids
  if (userid === undefined) throw new AppError('sync/nobody-to-show')
  return principal.members.get(userid, options)
}

function filled(member: Member): number {
  const shown = shownFields(member).toString(2).replaceAll('0', '').length
  return shown + memberFields(member).filter(({ state }) => state === 'present').length
}

async function orProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const problem = wecomProblem(error)
    if (problem === undefined || !(error instanceof WecomError)) throw error
    throw new AppError(problem.code, { detail: problem.detail, remedy: problem.remedy, cause: error })
  }
}

/** Every field that a mapping can use, and what WeCom said of it. */
function memberFields(member: Member): Sample['member']['fields'] {
  return Object.entries(valuesOf(member)).map(([field, value]) => {
    if (value === undefined) return { field, state: 'withheld', value: null }
    return isEmpty(value) ? { field, state: 'empty', value: null } : { field, state: 'present', value }
  })
}

function valuesOf(member: Member): Record<MemberField, unknown> {
  const { attributes } = member
  return {
    userid: member.userid,
    name: member.name,
    alias: member.alias,
    english_name: member.englishName,
    position: member.position,
    mobile: member.mobile,
    telephone: member.telephone,
    email: member.email,
    biz_mail: member.bizMail,
    address: member.address,
    avatar: member.avatar,
    thumb_avatar: member.thumbAvatar,
    gender: member.gender === 'unknown' ? '' : member.gender,
    direct_leader: member.directLeaders,
    extattr: attributes && Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
  }
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}

function userFields(wanted: WantedUser, mapping: CompiledMapping, syntheticDomain: string): Sample['user'] {
  const address = wishedAddress(wanted, undefined, syntheticDomain, mapping.emails)
  const fields: Record<string, unknown> = {
    username: wanted.username ?? wanted.userid,
    displayName: wanted.displayName,
    email: address?.email,
    emailSource: address?.source,
    phone: mapping.isPhoneMobile ? wanted.phone : wanted.otherPhone,
    avatarUrl: wanted.avatarUrl,
    title: wanted.title,
    gender: wanted.gender,
    directLeaders: wanted.leaders,
    attributes: wanted.attributes === undefined ? undefined : (JSON.parse(wanted.attributes) as unknown),
    status: wanted.isActive === undefined ? undefined : wanted.isActive ? 'active' : 'disabled',
  }
  return Object.entries(fields).map(([field, value]) => ({
    field,
    state: value === undefined ? 'kept' : value === null ? 'cleared' : 'set',
    value: value ?? null,
  }))
}

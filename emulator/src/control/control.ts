/**
 * What a test or a person can do to the emulated world. The one implementation behind both doors: these functions in
 * process, and server.ts, which offers each as `POST /<name>` with the same argument and result as JSON.
 * Every function takes at most one argument, an object; arguments.ts checks it at the HTTP door.
 */

import { createApp } from '../company/apps.ts'
import type { App, PrincipalKind } from '../company/apps.ts'
import { decide, doors, readRequest } from '../sign-in/authorization.ts'
import { createCallbackControl } from './callbacks.ts'
import type { CallbackControl } from './callbacks.ts'
import { churn } from '../company/churn.ts'
import type { ChurnSummary } from '../company/churn.ts'
import type { CodeSource, SigninIdentity } from '../sign-in/codes.ts'
import { foldUserid } from '../company/company.ts'
import type { Company, Department, Member } from '../company/company.ts'
import { addressOf, byPages, byRules, ControlError } from './errors.ts'
import type { FaultListing, FaultSpec } from '../api/faults.ts'
import { generateCompany } from '../company/generator.ts'
import type { CompanyShape } from '../company/generator.ts'
import type { CallFilter, CallRecord } from '../api/ledger.ts'
import { createProviderControl } from './providers.ts'
import type { ProviderControl, ProviderShape } from './providers.ts'
import type { Scan } from '../sign-in/scanner.ts'
import { defaultSettings } from '../settings.ts'
import type { Limits, Readings, Settings } from '../settings.ts'
import { decideForSuite, isForSuites, readSuiteRequest } from '../providers/suite-authorization.ts'
import { pushDueTickets } from '../providers/suite-events.ts'
import {
  changeTag,
  createDepartment,
  createMember,
  deleteDepartment,
  updateDepartment,
  updateMember,
} from '../company/write-rules.ts'
import type { World } from '../world.ts'

export interface CompanyListing {
  corpId: string
  name: string
  isAvailable: boolean
  people: number
  departments: number
  contactsSecret: string
  /** In a generated company the first is an ordinary self-built app, the last the contacts-sync assistant (agentId 0). */
  apps: App[]
}

/** A principal: a company and one of its apps, agentId 0 for the contacts-sync assistant. */
export interface AppRef {
  corpId: string
  agentId: number
}

export interface Truth {
  departments: Department[]
  members: Member[]
  tags: { tagid: number; tagname: string; userids: string[]; departments: number[] }[]
}

/** What an administrator can change on an app. */
export type AppPatch = Partial<
  Pick<
    App,
    | 'name'
    | 'isEnabled'
    | 'range'
    | 'trustedAddresses'
    | 'trustedDomains'
    | 'callbackDomains'
    | 'knownAddresses'
    | 'canWrite'
    | 'grantedFields'
    | 'consents'
    | 'seesStructure'
    | 'canEditContacts'
    | 'providerId'
    | 'permissions'
  >
>

/** As `Settings`, everything optional: what is left out stays. */
export type SettingsPatch = Partial<Omit<Settings, 'limits' | 'readings'>> & {
  limits?: Partial<Limits>
  readings?: Partial<Readings>
}

/** `unchecked` plants data that WeCom would refuse: broken names, duplicates, cycles, values of the wrong type. */
interface Unchecked {
  unchecked?: boolean
}

export interface Control extends CallbackControl, ProviderControl {
  companies(): CompanyListing[]
  /** Generates a company; the same shape again replaces it, as the CorpId comes from the seed. */
  createCompany(shape: CompanyShape): CompanyListing
  patchCompany(change: { corpId: string; name?: string; isAvailable?: boolean }): CompanyListing
  removeCompany(which: { corpId: string }): void

  /** Everything as it is, in WeCom's field names. */
  truth(which: { corpId: string }): Truth
  /** What the principal would read over the API: its visible range, its fields, its ids. The oracle for tests. */
  viewAs(principal: AppRef): { departments: Record<string, unknown>[]; members: Record<string, unknown>[] }

  addMember(addition: { corpId: string; member: Record<string, unknown> } & Unchecked): Member
  patchMember(change: { corpId: string; userid: string; patch: Record<string, unknown> } & Unchecked): Member
  /** Changes the userid, as the administrator's console does: any number of times. */
  renameMember(change: { corpId: string; userid: string; newUserid: string }): Member
  removeMembers(which: { corpId: string; userids: string[] }): { removed: number }
  /** How `user/list_id` and `auth/getuserinfo` spell a userid; null for as stored. */
  setSpelling(change: { corpId: string; userid: string; spelling: string | null }): void
  addDepartment(addition: { corpId: string; department: Record<string, unknown> } & Unchecked): Department
  patchDepartment(change: { corpId: string; id: number; patch: Record<string, unknown> } & Unchecked): Department
  /** `unchecked` removes it from under its members and sub-departments. */
  removeDepartment(which: { corpId: string; id: number } & Unchecked): void
  churn(change: { corpId: string; percent: number; seed: string }): ChurnSummary
  /** Makes the tag when there is none of this id, and changes who and what is in it, as the administrator. */
  changeTag(change: {
    corpId: string
    tagid: number
    tagname?: string
    add?: { userids?: string[]; departments?: number[] }
    remove?: { userids?: string[]; departments?: number[] }
  }): Truth['tags'][number]

  addApp(addition: { corpId: string; kind: PrincipalKind; name: string; patch?: AppPatch }): App
  patchApp(change: AppRef & { patch: AppPatch }): App
  /** A new secret; the old one and all its tokens die. */
  resetSecret(which: AppRef): { secret: string }
  /** A token without gettoken: for the kinds that get theirs from chapter 1.2. */
  mintToken(which: AppRef): { accessToken: string; expiresInSeconds: number }
  /** Of a suite: its own and those of its provider, answered with 40082 or 42009, and 40014 or 42001. */
  revokeTokens(which: { corpId?: string; agentId?: number; suiteId?: string; as?: 40014 | 42001 }): {
    revoked: number
  }
  /** A sign-in code as if the identity had just scanned. Single use, five minutes. */
  mintCode(
    which: AppRef & {
      identity: SigninIdentity
      /** `web` by default. `mobile` for a code of the SDK in a mobile app. */
      source?: CodeSource
      /** Whose host the app must trust when it redeems the code. */
      redirectUri?: string
      /** What the member agreed to show (`snsapi_privateinfo`): the exchange then gives a `user_ticket`. */
      privateFields?: string[]
    },
  ): { code: string }
  /**
   * Who scans on the pages opened from now on, or is signed in inside the client; `once` for the next page only. Without
   * `who` the pages ask again. A page opened with `&scan_as=<userid>` takes that person instead.
   */
  setScanner(scanner: Partial<Scan> & { once?: boolean }): void
  /** What a browser would be redirected to if this address were opened and this person scanned. */
  completeLogin(login: Scan & { url: string }): {
    redirectUrl: string
    code?: string
    /** Of the older login page of providers. */
    authCode?: string
    state?: string
  }

  addFault(spec: FaultSpec): FaultListing
  faults(): FaultListing[]
  removeFault(which: { id: string }): { removed: boolean }
  clearFaults(): void

  settings(): Settings
  changeSettings(patch: SettingsPatch): Settings
  advanceClock(by: { ms: number }): { nowMs: number }

  calls(filter?: CallFilter & { last?: number; afterSeq?: number }): CallRecord[]
  countCalls(filter?: CallFilter): { count: number; inFlight: number; maxInFlight: number }
  clearCalls(): void

  /**
   * Back to the start: companies as generated, providers without authorisations, default settings, no faults, tokens,
   * penalties, calls, callbacks or deliveries. The clock stays.
   */
  reset(): CompanyListing[]
}

export function createControl(
  world: World,
  initial: readonly CompanyShape[],
  initialProviders: readonly ProviderShape[] = [],
): Control {
  const control: Control = {
    ...createCallbackControl(world, appOf),
    ...createProviderControl(world),
    companies: () => [...world.companies.values()].map(list),
    createCompany(shape) {
      const company = generateCompany(shape)
      const previous = world.companies.get(company.corpId)
      if (previous) world.providers.forget(previous)
      world.companies.set(company.corpId, company)
      world.callbacks.watch(company)
      return list(company)
    },
    patchCompany({ corpId, name, isAvailable }) {
      const company = companyOf(corpId)
      if (name !== undefined) company.name = name
      if (isAvailable !== undefined) company.isAvailable = isAvailable
      return list(company)
    },
    removeCompany({ corpId }) {
      world.tokens.revoke({ company: companyOf(corpId) }, 40014)
      world.providers.forget(companyOf(corpId))
      world.companies.delete(corpId)
      world.sender.cancel(corpId)
      for (const own of world.callbacks.list()) {
        if (own.corpId === corpId) world.callbacks.remove(corpId, own.agentId)
      }
    },

    truth({ corpId }) {
      const company = companyOf(corpId)
      return structuredClone({
        departments: [...company.departments.values()],
        members: [...company.members.values()],
        tags: [...company.tags.values()].map(({ tagid, tagname, userids, departments }) => ({
          tagid,
          tagname,
          userids: [...userids],
          departments: [...departments],
        })),
      })
    },
    viewAs(principal) {
      const { company, app } = appOf(principal)
      const lens = world.lensOf(company, app)
      const members = [...company.members.values()].filter((member) => lens.seesMember(member))
      return structuredClone({
        departments: lens.departmentsInRange().map((department) => lens.department(department)),
        members: members.map((member) => lens.member(member, 'list')),
      })
    },

    addMember({ corpId, member, unchecked = false }) {
      const company = companyOf(corpId)
      if (!unchecked) return structuredClone(byRules(() => createMember(company, member, readings()).member))
      const planted = { ...structuredClone(blankMember), ...structuredClone(member) }
      company.plantMember(planted)
      return structuredClone(planted)
    },
    patchMember({ corpId, userid, patch, unchecked = false }) {
      const { company, member } = memberOf(corpId, userid)
      if (unchecked) company.patchMember(member, structuredClone(patch))
      else byRules(() => updateMember(company, member, patch, readings()))
      return structuredClone(member)
    },
    renameMember({ corpId, userid, newUserid }) {
      const { company, member } = memberOf(corpId, userid)
      const holder = company.findMember(newUserid)
      if (holder && holder !== member) throw new ControlError(`userid ${newUserid} is taken`)
      company.renameMember(member, newUserid)
      return structuredClone(member)
    },
    removeMembers: ({ corpId, userids }) => ({ removed: companyOf(corpId).removeMembers(userids) }),
    setSpelling({ corpId, userid, spelling }) {
      const { company, member } = memberOf(corpId, userid)
      if (spelling === null) company.spellings.delete(foldUserid(member.userid))
      else company.spellings.set(foldUserid(member.userid), spelling)
    },
    addDepartment({ corpId, department, unchecked = false }) {
      const company = companyOf(corpId)
      if (!unchecked) return structuredClone(byRules(() => createDepartment(company, department, readings())))
      const planted = { ...blankDepartment(company), ...structuredClone(department) }
      company.putDepartment(planted)
      return structuredClone(planted)
    },
    patchDepartment({ corpId, id, patch, unchecked = false }) {
      const company = companyOf(corpId)
      const department = departmentOf(company, id)
      if (unchecked) company.putDepartment({ ...department, ...structuredClone(patch), id })
      else byRules(() => updateDepartment(company, id, patch, readings()))
      return structuredClone(company.departments.get(id) ?? department)
    },
    removeDepartment({ corpId, id, unchecked = false }) {
      const company = companyOf(corpId)
      if (unchecked) company.removeDepartment(id)
      else byRules(() => deleteDepartment(company, id))
    },
    churn: ({ corpId, percent, seed }) => churn(companyOf(corpId), percent, seed),
    changeTag({ corpId, tagid, tagname, add, remove }) {
      const company = companyOf(corpId)
      const tag = company.tags.get(tagid) ?? {
        tagid,
        tagname: `标签 ${tagid}`,
        userids: new Set(),
        departments: new Set(),
        agentId: 0,
      }
      const contents = ({ userids = [], departments = [] }: { userids?: string[]; departments?: number[] } = {}) => ({
        members: userids.map((userid) => memberOf(corpId, userid).member.userid),
        departments: departments.map((id) => departmentOf(company, id).id),
      })
      const [added, removed] = [contents(add), contents(remove)]
      if (tagname !== undefined) tag.tagname = tagname
      company.tags.set(tagid, tag)
      changeTag(company, tag, { add: added, remove: removed })
      return { tagid, tagname: tag.tagname, userids: [...tag.userids], departments: [...tag.departments] }
    },

    addApp({ corpId, kind, name, patch = {} }) {
      const company = companyOf(corpId)
      if (kind === 'contacts-sync')
        throw new ControlError('a company has one contacts-sync assistant, and has it already')
      const agentId = Math.max(1_000_001, ...company.apps.map((app) => app.agentId)) + 1
      const app = createApp({ agentId, kind, name, secret: world.random.hex(43), ...structuredClone(patch) })
      company.apps.push(app)
      return structuredClone(app)
    },
    patchApp({ patch, ...principal }) {
      const { app } = appOf(principal)
      Object.assign(app, structuredClone(patch))
      app.version++
      return structuredClone(app)
    },
    resetSecret(principal) {
      const { app } = appOf(principal)
      app.secret = world.random.hex(43)
      app.version++
      world.tokens.revoke({ app }, 40014)
      return { secret: app.secret }
    },
    mintToken(principal) {
      const { company, app } = appOf(principal)
      const { value, expiresAtMs } = world.tokens.issue(company, app, { rotate: false })
      return { accessToken: value, expiresInSeconds: Math.ceil((expiresAtMs - world.now()) / 1000) }
    },
    revokeTokens({ corpId, agentId, suiteId, as = 40014 }) {
      if (suiteId !== undefined) return { revoked: world.providers.revokeTokens(suiteId, as) }
      if (corpId === undefined) return { revoked: world.tokens.revoke({}, as) }
      if (agentId === undefined) return { revoked: world.tokens.revoke({ company: companyOf(corpId) }, as) }
      return { revoked: world.tokens.revoke({ app: appOf({ corpId, agentId }).app }, as) }
    },
    mintCode({ identity, source = 'web', redirectUri, privateFields, ...principal }) {
      const { company, app } = appOf(principal)
      const domain = redirectUri === undefined ? undefined : addressOf(redirectUri).host
      return { code: world.codes.mint({ company, app, identity, source, domain, privateFields }) }
    },
    setScanner({ who, corpId, consent, once = false }) {
      if (who === undefined && (once || consent !== undefined)) throw new ControlError('tell who scans')
      const choices = { ...(corpId === undefined ? {} : { corpId }), ...(consent === undefined ? {} : { consent }) }
      world.scanner.set(who && { who, ...choices }, once)
    },
    completeLogin({ url, ...scan }) {
      const { pathname, searchParams, hash } = addressOf(url)
      const door = Object.hasOwn(doors, pathname) ? doors[pathname] : undefined
      if (!door) throw new ControlError(`no sign-in page at ${pathname}; there are ${Object.keys(doors).join(', ')}`)
      if (door === 'client' && hash !== '#wechat_redirect') {
        throw new ControlError('the address must end in #wechat_redirect')
      }
      return byPages(() => {
        const decision = isForSuites(world, door, searchParams)
          ? decideForSuite(world, readSuiteRequest(world, door, searchParams), scan)
          : decide(world, readRequest(world, door, searchParams), scan)
        if (decision.kind === 'consent') {
          throw new ControlError('the page would ask which fields the app may see: tell by "consent"')
        }
        const { kind: _, ...outcome } = decision
        return outcome
      })
    },

    addFault: (spec) => world.faults.add(structuredClone(spec)),
    faults: () => world.faults.list(),
    removeFault: ({ id }) => ({ removed: world.faults.remove(id) }),
    clearFaults: () => world.faults.clear(),

    settings: () => structuredClone(world.settings),
    changeSettings({ limits, readings, ...rest }) {
      Object.assign(world.settings, rest)
      Object.assign(world.settings.limits, limits)
      Object.assign(world.settings.readings, readings)
      return control.settings()
    },
    advanceClock({ ms }) {
      world.advanceClock(ms)
      pushDueTickets(world)
      return { nowMs: world.now() }
    },

    calls: (filter = {}) => structuredClone(world.ledger.calls(filter)),
    countCalls: (filter = {}) => ({
      count: world.ledger.count(filter),
      inFlight: world.ledger.inFlight(),
      maxInFlight: world.ledger.maxInFlight(),
    }),
    clearCalls: () => world.ledger.clear(),

    reset() {
      world.tokens.revoke({}, 40014)
      world.faults.clear()
      world.meters.reset()
      world.scanner.set(undefined, false)
      world.ledger.clear()
      control.changeSettings(defaultSettings())
      world.callbacks.clear()
      world.sender.reset()
      world.companies.clear()
      world.providers.clear()
      for (const shape of initial) control.createCompany(shape)
      for (const shape of initialProviders) control.createProvider(shape)
      return control.companies()
    },
  }
  const announced = announcing(control)
  for (const shape of initial) announced.createCompany(shape)
  for (const shape of initialProviders) announced.createProvider(shape)
  return announced

  /** The same functions, each of them one operation: what it changed is told to the apps when it returns. */
  function announcing(functions: Control): Control {
    const wrapped = Object.entries(functions).map(([name, act]: [string, (argument: unknown) => unknown]) => [
      name,
      (argument: unknown) => {
        try {
          return act(argument)
        } finally {
          world.callbacks.flush()
        }
      },
    ])
    return Object.fromEntries(wrapped) as Control
  }

  function readings(): Readings {
    return world.settings.readings
  }

  function companyOf(corpId: string): Company {
    const company = world.companies.get(corpId)
    if (company) return company
    throw new ControlError(`no company ${corpId}; there are ${[...world.companies.keys()].join(', ') || 'none'}`)
  }

  function appOf({ corpId, agentId }: AppRef): { company: Company; app: App } {
    const company = companyOf(corpId)
    const app = company.apps.find((candidate) => candidate.agentId === agentId)
    if (app) return { company, app }
    throw new ControlError(`no app ${agentId}; there are ${company.apps.map((other) => other.agentId).join(', ')}`)
  }

  function departmentOf(company: Company, id: number): Department {
    const department = company.departments.get(id)
    if (department) return department
    throw new ControlError(`no department ${id}`)
  }

  function memberOf(corpId: string, userid: string): { company: Company; member: Member } {
    const company = companyOf(corpId)
    const member = company.findMember(userid)
    if (member) return { company, member }
    throw new ControlError(`no member ${userid} in ${corpId}`)
  }
}

function list(company: Company): CompanyListing {
  const { corpId, name, isAvailable, apps, members, departments } = company
  return {
    corpId,
    name,
    isAvailable,
    people: members.size,
    departments: departments.size,
    contactsSecret: apps.find(({ kind }) => kind === 'contacts-sync')?.secret ?? '',
    apps: structuredClone(apps),
  }
}

const blankMember: Member = {
  userid: '',
  name: '',
  department: [],
  order: [],
  is_leader_in_dept: [],
  main_department: 1,
  direct_leader: [],
  position: '',
  status: 1,
  alias: '',
  telephone: '',
  mobile: '',
  gender: '0',
  email: '',
  biz_mail: '',
  avatar: '',
  address: '',
  extattr: { attrs: [] },
  external_position: '',
}

function blankDepartment(company: Company): Department {
  return { id: Math.max(...company.departments.keys()) + 1, name: '', parentid: 1, order: 0, department_leader: [] }
}

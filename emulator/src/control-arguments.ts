/** What each control function accepts over HTTP. Typed so that it cannot drift from the functions themselves. */

import { principalKinds } from './apps.ts'
import type { Control } from './control.ts'
import { checkFault } from './faults.ts'
import { anything, either, flag, integer, listOf, mapOf, number, object, oneOf, optional, text } from './shape.ts'
import type { Check } from './shape.ts'

type Argument<F> = F extends (argument: infer A) => unknown ? A : undefined

const nothing: Check<undefined> = (value, path) => {
  object({})(value ?? {}, path)
  return undefined
}

const corp = { corpId: text }
const principal = { corpId: text, agentId: integer(0) }
const record = mapOf(anything)
const addresses = either(oneOf('any'), listOf(text))
const limit = either(oneOf(null), integer(0))

const appPatch = object({
  name: optional(text),
  isEnabled: optional(flag),
  range: optional(object({ departments: listOf(integer(0)), members: listOf(text), tags: listOf(integer(0)) })),
  trustedAddresses: optional(addresses),
  trustedDomains: optional(addresses),
  callbackDomains: optional(listOf(text)),
  knownAddresses: optional(addresses),
  canWrite: optional(flag),
  grantedFields: optional(listOf(text)),
  consents: optional(listOf(text)),
  seesStructure: optional(flag),
  canEditContacts: optional(flag),
  providerId: optional(text),
  permissions: optional(listOf(text)),
})

const settingsPatch = object({
  limits: optional(
    object({
      perMinute: optional(limit),
      perHour: optional(limit),
      perAddressPerMinute: optional(limit),
      perAddressPerHour: optional(limit),
      minutePenaltyMs: optional(integer(0)),
      hourPenaltyMs: optional(integer(0)),
      debugPerMinute: optional(limit),
      concurrency: optional(limit),
      replyBytesMax: optional(integer(0)),
      wrongSecretsPerHour: optional(integer(1)),
      failedLookupsPercent: optional(number(0, 100)),
      memberLimit: optional(limit),
      exportBlockMin: optional(integer(1)),
    }),
  ),
  readings: optional(
    object({
      repeatedGettoken: optional(oneOf('same', 'rotate')),
      gettokenChecksAddress: optional(flag),
      withheldGender: optional(oneOf('absent', 'zero')),
      enableForProviders: optional(flag),
      exportPrefix: optional(oneOf('none', 'callback')),
      memberOutOfRange: optional(oneOf(60011, 60111)),
      unknownDepartment: optional(oneOf('by-family', 60003, 60123)),
      directLeadersMax: optional(integer(0)),
      departmentNameMax: optional(integer(1)),
      listIdDefaultLimit: optional(integer(1, 10_000)),
      codeOfOtherApp: optional(oneOf(50001, 40029)),
      spentCode: optional(oneOf(40029, 'by-reason')),
      getuserinfoKeys: optional(oneOf('by-path', 'small', 'capitalised')),
      mobileCodes: optional(oneOf('both-paths', 'older-path')),
      privateinfoWithoutAgent: optional(oneOf('base', 'error')),
      refusalOnLogin: optional(oneOf('returns', 'stays')),
      panelChecksOrigin: optional(flag),
      authorizeChecksClient: optional(flag),
      tagWritesByApps: optional(oneOf('own', 'refused')),
    }),
  ),
  latencyMs: optional(number(0)),
  exportPendingMs: optional(number(0)),
  exportRunningMs: optional(number(0)),
  exportOutcome: optional(oneOf('done', 'failed')),
  callerAddress: optional(either(oneOf(null), text)),
})

const identity = either(object({ userid: text }), object({ openid: text, externalUserid: optional(text) }))
const who = either(oneOf('refuses'), identity)
const consent = either(oneOf('all', 'refuses'), listOf(text))

const callFilter = {
  endpoint: optional(text),
  corpId: optional(text),
  agentId: optional(integer(0)),
  errcode: optional(integer(-1)),
}

export const controlArguments: { [K in keyof Control]: Check<Argument<Control[K]>> } = {
  companies: nothing,
  createCompany: object({
    people: integer(1, 1_000_000),
    seed: text,
    departments: optional(integer(1, 100_000)),
    name: optional(text),
    levels: optional(integer(3, 15)),
  }),
  patchCompany: object({ ...corp, name: optional(text), isAvailable: optional(flag) }),
  removeCompany: object(corp),
  truth: object(corp),
  viewAs: object(principal),
  addMember: object({ ...corp, member: record, unchecked: optional(flag) }),
  patchMember: object({ ...corp, userid: text, patch: record, unchecked: optional(flag) }),
  renameMember: object({ ...corp, userid: text, newUserid: text }),
  removeMembers: object({ ...corp, userids: listOf(text) }),
  setSpelling: object({ ...corp, userid: text, spelling: either(oneOf(null), text) }),
  addDepartment: object({ ...corp, department: record, unchecked: optional(flag) }),
  patchDepartment: object({ ...corp, id: number(), patch: record, unchecked: optional(flag) }),
  removeDepartment: object({ ...corp, id: number(), unchecked: optional(flag) }),
  churn: object({ ...corp, percent: number(0, 100), seed: text }),
  addApp: object({ ...corp, kind: oneOf(...principalKinds), name: text, patch: optional(appPatch) }),
  patchApp: object({ ...principal, patch: appPatch }),
  resetSecret: object(principal),
  mintToken: object(principal),
  revokeTokens: object({ corpId: optional(text), agentId: optional(integer(0)), as: optional(oneOf(40014, 42001)) }),
  mintCode: object({
    ...principal,
    identity,
    source: optional(oneOf('web', 'client', 'mobile')),
    redirectUri: optional(text),
    privateFields: optional(listOf(text)),
  }),
  setScanner: object({ who: optional(who), consent: optional(consent), once: optional(flag) }),
  completeLogin: object({ url: text, who, consent: optional(consent) }),
  addFault: checkFault,
  faults: nothing,
  removeFault: object({ id: text }),
  clearFaults: nothing,
  settings: nothing,
  changeSettings: settingsPatch,
  advanceClock: object({ ms: number(0) }),
  calls: optional(object({ ...callFilter, last: optional(integer(0)), afterSeq: optional(integer(0)) })),
  countCalls: optional(object(callFilter)),
  clearCalls: nothing,
  reset: nothing,
}

/** What each control function accepts over HTTP. Typed so that it cannot drift from the functions themselves. */

import { principalKinds } from '../company/apps.ts'
import type { Control } from './control.ts'
import { hosts, visibleRange, type Argument } from './values.ts'
import { checkFault } from '../api/faults.ts'
import { providerControlArguments } from './provider-arguments.ts'
import {
  anything,
  either,
  flag,
  integer,
  listOf,
  mapOf,
  nothing,
  number,
  object,
  oneOf,
  optional,
  text,
} from '../shape.ts'
import type { Check } from '../shape.ts'
import { checkTampering } from '../callbacks/tampering.ts'

const corp = { corpId: text }
const principal = { corpId: text, agentId: integer(0) }
const record = mapOf(anything)
const limit = either(oneOf(null), integer(0))

const appPatch = object({
  name: optional(text),
  isEnabled: optional(flag),
  range: optional(visibleRange),
  trustedAddresses: optional(hosts),
  trustedDomains: optional(hosts),
  callbackDomains: optional(listOf(text)),
  knownAddresses: optional(hosts),
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
      corpIdsForProviders: optional(oneOf('encrypted', 'plain')),
      useridsForProviders: optional(oneOf('encrypted', 'plain')),
      serviceErrcode: optional(oneOf('always', 'on-failure')),
      hasServiceV2: optional(flag),
      preAuthOfTemplates: optional(oneOf('allowed', 'refused')),
      cancelledAuthorization: optional(oneOf(48004, 40084)),
      resetKillsSecret: optional(oneOf('at-once', 'on-exchange')),
      suiteVerificationReceiver: optional(oneOf('provider', 'suite')),
      suiteDataReceiver: optional(oneOf('company', 'suite')),
      eventsToSelfBuilt: optional(flag),
      namesInReducedEvents: optional(flag),
      movesAcrossRange: optional(oneOf('by-range', 'create-and-delete')),
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

const about = {
  corpId: optional(text),
  agentId: optional(integer(0)),
  event: optional(text),
  object: optional(text),
}

const contents = object({ userids: optional(listOf(text)), departments: optional(listOf(integer(0))) })

const callFilter = {
  endpoint: optional(text),
  corpId: optional(text),
  agentId: optional(integer(0)),
  suiteId: optional(text),
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
  changeTag: object({
    ...corp,
    tagid: integer(1),
    tagname: optional(text),
    add: optional(contents),
    remove: optional(contents),
  }),
  churn: object({ ...corp, percent: number(0, 100), seed: text }),
  addApp: object({ ...corp, kind: oneOf(...principalKinds), name: text, patch: optional(appPatch) }),
  patchApp: object({ ...principal, patch: appPatch }),
  resetSecret: object(principal),
  mintToken: object(principal),
  revokeTokens: object({
    corpId: optional(text),
    agentId: optional(integer(0)),
    suiteId: optional(text),
    as: optional(oneOf(40014, 42001)),
  }),
  mintCode: object({
    ...principal,
    identity,
    source: optional(oneOf('web', 'client', 'mobile')),
    redirectUri: optional(text),
    privateFields: optional(listOf(text)),
  }),
  setScanner: object({
    who: optional(who),
    corpId: optional(text),
    consent: optional(consent),
    once: optional(flag),
  }),
  completeLogin: object({ url: text, who, corpId: optional(text), consent: optional(consent) }),
  setCallback: object({
    ...principal,
    url: text,
    token: text,
    encodingAesKey: text,
    form: optional(oneOf('full', 'reduced')),
    envelope: optional(oneOf('xml', 'json')),
    unchecked: optional(flag),
  }),
  removeCallback: object(principal),
  callbacks: nothing,
  sendEvent: object({
    ...principal,
    message: either(text, record),
    tampering: optional(checkTampering),
    attempts: optional(integer(1, 100)),
  }),
  replayDelivery: object({ id: integer(1), shiftDigits: optional(integer(0)) }),
  deliveries: optional(
    object({
      ...about,
      kind: optional(oneOf('original', 'duplicate', 'forged', 'repeat')),
      outcome: optional(oneOf('waiting', 'delivered', 'failed', 'dropped', 'cancelled')),
      last: optional(integer(0)),
      afterId: optional(integer(0)),
    }),
  ),
  countDeliveries: nothing,
  clearDeliveries: nothing,
  pauseDeliveries: nothing,
  resumeDeliveries: optional(object({ order: optional(oneOf('as-made', 'reversed', 'shuffled')) })),
  deliveriesSettled: nothing,
  deliverySettings: nothing,
  changeDeliverySettings: object({
    attempts: optional(integer(1, 100)),
    deadlineMs: optional(integer(1)),
    verificationDeadlineMs: optional(integer(1)),
    retryPauseMs: optional(integer(0)),
    parallel: optional(integer(1, 1_000)),
    delayMs: optional(number(0)),
    reorderWindowMs: optional(number(0)),
    dropPercent: optional(number(0, 100)),
    duplicatePercent: optional(number(0, 100)),
    duplicates: optional(oneOf('same-bytes', 'encrypted-afresh')),
    forgedPercent: optional(number(0, 100)),
    timestamps: optional(oneOf('machine', 'emulated')),
    seed: optional(text),
  }),
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
  ...providerControlArguments,
}

/** What the control functions of providers.ts accept over HTTP. */

import { hosts, visibleRange, type Argument } from './values.ts'
import type { ProviderControl } from './providers.ts'
import { suiteKinds } from '../providers/providers.ts'
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

const suite = { suiteId: text }
const reference = { suiteId: text, corpId: text }
const suiteShape = {
  kind: oneOf(...suiteKinds),
  name: optional(text),
  suiteId: optional(text),
  secret: optional(text),
}
const terms = {
  range: optional(visibleRange),
  agentId: optional(integer(1)),
  authorizedBy: optional(text),
  seats: optional(integer(0)),
  expiresAtMs: optional(number(0)),
}

export const providerControlArguments: { [K in keyof ProviderControl]: Check<Argument<ProviderControl[K]>> } = {
  providers: nothing,
  createProvider: optional(
    object({
      seed: optional(text),
      name: optional(text),
      corpId: optional(text),
      secret: optional(text),
      suites: optional(listOf(object(suiteShape))),
    }),
  ),
  patchProvider: object({
    corpId: text,
    patch: object({
      name: optional(text),
      secret: optional(text),
      trustedAddresses: optional(hosts),
      loginDomains: optional(hosts),
    }),
  }),
  createSuite: object({ providerCorpId: text, ...suiteShape }),
  patchSuite: object({
    ...suite,
    patch: object({
      name: optional(text),
      secret: optional(text),
      isOnline: optional(flag),
      hasWebLogin: optional(flag),
      trustedDomains: optional(hosts),
      callbackDomains: optional(listOf(text)),
      grantedFields: optional(listOf(text)),
      seesStructure: optional(flag),
      canEditContacts: optional(flag),
      hasPrivateInfo: optional(flag),
    }),
  }),
  setSuiteCallback: object({
    ...suite,
    token: text,
    encodingAesKey: text,
    commandUrl: text,
    dataUrl: optional(text),
    envelope: optional(oneOf('xml', 'json')),
    firstTicket: optional(flag),
    unchecked: optional(flag),
  }),
  removeSuiteCallback: object(suite),
  pushTicket: object(suite),
  sendSuiteEvent: object({
    ...suite,
    message: either(text, mapOf(anything)),
    to: optional(oneOf('command', 'data')),
    tampering: optional(checkTampering),
    attempts: optional(integer(1, 100)),
  }),
  authorize: object({ ...reference, ...terms, from: oneOf('wecom', 'provider'), state: optional(text) }),
  changeAuthorization: object({
    ...reference,
    range: optional(visibleRange),
    isEnabled: optional(flag),
    admins: optional(listOf(object({ userid: text, canManage: flag }))),
    seats: optional(integer(0)),
    expiresAtMs: optional(number(0)),
  }),
  cancelAuthorization: object(reference),
  resetPermanentCode: object(reference),
  completeInstall: object({ url: text, corpId: text, ...terms }),
}

/** The public door of the package. What is not exported here is not promised. */

export { createWecom } from './client.ts'
export type { Principal, PrincipalOptions, Wecom, WecomOptions } from './client.ts'
export type { CallOptions, CallReport } from './request.ts'
export type { Wait } from './waiting.ts'

export { WecomError } from './errors.ts'
export type { Remedy, WecomErrorCode, WecomErrorKind } from './errors.ts'
export { errcodeMeanings, problems as wecomProblems } from './error-table.ts'

export { createMemoryTokenStore } from './tokens.ts'
export type { StoredToken, TokenStore } from './tokens.ts'
export { BULK_IN_FLIGHT_SHARE, BULK_MINUTE_SHARE, createBudget } from './budget.ts'
export type {
  Allot,
  Allotment,
  Budget,
  BudgetOptions,
  Place,
  PlaceRequest,
  Places,
  Priority,
  Standing,
} from './budget.ts'
export type { KnownPause, SharedPauses } from './pauses.ts'

export type { RejectedRow } from './wire.ts'
export type {
  EmailType,
  Member,
  MemberAttribute,
  MemberDepartment,
  MemberDepartmentId,
  MemberIdPage,
  MemberList,
  Members,
} from './members.ts'
export type { Department, DepartmentId, DepartmentIdList, DepartmentList, Departments } from './departments.ts'
export type { Agent, AgentInfo } from './agent.ts'
export type { Tag, TagContent, Tags } from './tags.ts'
export type { IdPair, IdTranslation, Ids } from './ids.ts'
export type { SignIn, SignInDetail, SignInIdentity } from './sign-in.ts'
export type { ProviderIdentity } from './provider-identity.ts'
export type { CustomizedAuthUrl, LoginInfo, LoginRole, Provider, ProviderOptions } from './provider.ts'
export type {
  AuthInfo,
  AuthorizedAgent,
  AuthorizedCorp,
  CorpAdmin,
  Edition,
  PermanentCode,
  PreAuthCode,
  ProviderSignInDetail,
  SessionOptions,
  Suite,
  SuiteOptions,
} from './suite.ts'

export { createExportKey } from './exports.ts'
export type {
  ExportFile,
  ExportKind,
  ExportPage,
  ExportResult,
  ExportRow,
  ExportRunOptions,
  Exports,
  ExportSubmission,
} from './exports.ts'

export { createCallbackCrypto, signCallback } from './callback-crypto.ts'
export type { CallbackCrypto, CallbackSettings, SignedCiphertext } from './callback-crypto.ts'
export { readEnvelope, readEvent } from './callback-events.ts'
export type {
  CallbackEnvelope,
  CallbackEvent,
  ContactChange,
  ContactEvent,
  OtherEvent,
  SuiteChange,
  SuiteEvent,
} from './callback-events.ts'

/**
 * What the form of a provider's credentials says: what would be saved, whether it is enough to ask WeCom, and which check of
 * the doctor is about which field. Pure; the form is suite-form.tsx.
 */
import type { Connection, Diagnosis } from '@muster/contracts'
import type { Patch } from '../credentials.ts'

export type SuiteKind = Exclude<Connection['kind'], 'self_built'>

export interface SuiteCredentials {
  readonly suiteId?: string | undefined
  /** Empty keeps what is stored. */
  readonly suiteSecret?: string | undefined
  readonly providerCorpId?: string | undefined
  readonly providerSecret?: string | undefined
}

export type SuiteField = keyof SuiteCredentials

/** In the order in which somebody comes by them. */
export const SUITE_FIELDS = {
  delegated: ['suiteId', 'suiteSecret', 'providerCorpId', 'providerSecret'],
  service_provider: ['providerCorpId', 'providerSecret', 'suiteId', 'suiteSecret'],
} as const satisfies Record<SuiteKind, readonly SuiteField[]>

export function isSuite(connection: Connection): connection is Connection & { kind: SuiteKind } {
  return connection.kind !== 'self_built'
}

type Stored = Pick<Connection, 'kind' | 'suiteId' | 'hasSuiteSecret' | 'providerCorpId' | 'hasProviderSecret' | 'suite'>

/** Only what differs from what is stored. */
export function suitePatch(stored: Stored, form: SuiteCredentials): Patch {
  const [suiteId, providerCorpId] = [textOf(form.suiteId), textOf(form.providerCorpId)]
  const [suiteSecret, providerSecret] = [textOf(form.suiteSecret), textOf(form.providerSecret)]
  return {
    ...(suiteId === stored.suiteId ? {} : { suiteId }),
    ...(suiteSecret === null ? {} : { suiteSecret }),
    ...(providerCorpId === stored.providerCorpId ? {} : { providerCorpId }),
    ...(providerSecret === null ? {} : { providerSecret }),
  }
}

/** A secret opens its own suite or provider only: with a new id it has to be entered again. */
export function suiteSecretsToRepeat(stored: Stored, form: SuiteCredentials): ('suiteSecret' | 'providerSecret')[] {
  const isOther = (id: string | null, typed: string | undefined) => id !== null && textOf(typed) !== id
  return [
    ...(stored.hasSuiteSecret && isOther(stored.suiteId, form.suiteId) && textOf(form.suiteSecret) === null
      ? (['suiteSecret'] as const)
      : []),
    ...(stored.hasProviderSecret &&
    isOther(stored.providerCorpId, form.providerCorpId) &&
    textOf(form.providerSecret) === null
      ? (['providerSecret'] as const)
      : []),
  ]
}

/** Everything that the kind needs is stored, so that WeCom can be asked. */
export function hasSuiteCredentials(stored: Stored): boolean {
  const hasProvider = stored.providerCorpId !== null && stored.hasProviderSecret
  return stored.suiteId !== null && stored.hasSuiteSecret && (stored.kind === 'delegated' || hasProvider)
}

type Check = Diagnosis['checks'][number]

/** errcodes of WeCom for a suite and a company that do not exist. */
const NO_SUCH_SUITE = 40083
const NO_SUCH_CORP = 40013

/** What the doctor found out about one field; undefined while nothing is known about it. */
export function suiteVerdictOf(field: SuiteField, checks: readonly Check[]): Check | undefined {
  switch (field) {
    case 'suiteId':
      return aboutId('suite-token', NO_SUCH_SUITE, checks)
    case 'suiteSecret':
      return aboutSecret('suite-token', NO_SUCH_SUITE, checks)
    case 'providerCorpId':
      return aboutId('provider-token', NO_SUCH_CORP, checks)
    case 'providerSecret':
      return aboutSecret('provider-token', NO_SUCH_CORP, checks)
    default:
      return field satisfies never
  }
}

/** A token proves the id; a refused secret says nothing about it. */
function aboutId(name: string, unknownId: number, checks: readonly Check[]): Check | undefined {
  const check = checks.find((one) => one.name === name)
  return check?.wecomCode === unknownId || check?.result === 'pass' ? check : undefined
}

function aboutSecret(name: string, unknownId: number, checks: readonly Check[]): Check | undefined {
  const check = checks.find((one) => one.name === name)
  return check?.wecomCode === unknownId ? undefined : check
}

function textOf(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}

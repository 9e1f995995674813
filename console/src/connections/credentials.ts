/**
 * What a form of credentials says: what would be saved, whether it is enough to be tried, and which checks of the doctor are
 * about which field. Pure; the form is credentials-form.tsx.
 */
import type { Connection, Diagnosis, Sent, updateConnection } from '@muster/contracts'

export type Patch = NonNullable<Sent<typeof updateConnection>['body']>

export interface Credentials {
  readonly corpId?: string | undefined
  readonly agentId?: number | null | undefined
  /** Empty keeps what is stored. */
  readonly secret?: string | undefined
  readonly contactsSecret?: string | undefined
}

export type CredentialField = keyof Credentials

type Stored = Pick<Connection, 'corpId' | 'agentId' | 'hasSecret' | 'hasContactsSecret' | 'managedByEnvironment'>

/** Only what differs from what is stored; nothing that the environment owns. */
export function credentialsPatch(stored: Stored, form: Credentials): Patch {
  const corpId = textOf(form.corpId)
  const agentId = form.agentId ?? null
  const [secret, contactsSecret] = [textOf(form.secret), textOf(form.contactsSecret)]
  const isOurs = !stored.managedByEnvironment
  return {
    ...(isOurs && corpId !== stored.corpId ? { corpId } : {}),
    ...(isOurs && agentId !== stored.agentId ? { agentId } : {}),
    ...(isOurs && secret !== null ? { secret } : {}),
    ...(contactsSecret === null ? {} : { contactsSecret }),
  }
}

/** Secrets of another company open nothing here: with a new CorpId they have to be entered again. */
export function secretsToRepeat(stored: Stored, form: Credentials): ('secret' | 'contactsSecret')[] {
  if (stored.corpId === null || textOf(form.corpId) === stored.corpId) return []
  return [
    ...(stored.hasSecret && textOf(form.secret) === null ? (['secret'] as const) : []),
    ...(stored.hasContactsSecret && textOf(form.contactsSecret) === null ? (['contactsSecret'] as const) : []),
  ]
}

/** Enough to ask WeCom for a token: a company, and an app or the secret of contacts sync. */
export function isComplete(stored: Stored, form: Credentials): boolean {
  if (textOf(form.corpId) === null || secretsToRepeat(stored, form).length > 0) return false
  const hasApp = (form.agentId ?? null) !== null && (stored.hasSecret || textOf(form.secret) !== null)
  return hasApp || stored.hasContactsSecret || textOf(form.contactsSecret) !== null
}

type Check = Diagnosis['checks'][number]

/** errcode of WeCom for a CorpId that does not exist. */
const NO_SUCH_CORP = 40013

/** What the doctor found out about one field; undefined while nothing is known about it. */
export function verdictOf(field: CredentialField, checks: readonly Check[]): Check | undefined {
  const named = (name: string) => checks.find((check) => check.name === name)
  const tokens = [named('token'), named('contacts-token')].filter((check) => check !== undefined)
  switch (field) {
    case 'corpId':
      return (
        tokens.find(({ wecomCode }) => wecomCode === NO_SUCH_CORP) ??
        // A token proves the company; a refused secret says nothing about it.
        tokens.find(({ result }) => result === 'pass')
      )
    case 'agentId':
      return named('app')
    case 'secret':
      return unlessOfCorp(named('token'))
    case 'contactsSecret':
      return unlessOfCorp(named('contacts-token'))
    default:
      return field satisfies never
  }
}

function unlessOfCorp(check: Check | undefined): Check | undefined {
  return check?.wecomCode === NO_SUCH_CORP ? undefined : check
}

function textOf(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' ? null : trimmed
}

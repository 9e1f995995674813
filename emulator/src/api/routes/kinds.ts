/** Groups of principals that several rows of the endpoint matrix (§2.1) share. */

import { principalKinds } from '../../company/apps.ts'
import type { PrincipalKind } from '../../company/apps.ts'

export const everyKind: readonly PrincipalKind[] = principalKinds
/** Everything with an agentid. */
export const everyApp: readonly PrincipalKind[] = principalKinds.filter((kind) => kind !== 'contacts-sync')
/** The matrix has a dash for contacts apps at exports and look-ups. */
export const allButContactsApps: readonly PrincipalKind[] = principalKinds.filter(
  (kind) => kind !== 'third-party-contacts',
)
/** Contacts may be written by the assistant and by third-party contacts apps only. */
export const writers: readonly PrincipalKind[] = ['contacts-sync', 'third-party-contacts']
export const selfBuiltApps: readonly PrincipalKind[] = ['self-built', 'self-built-before-2022']
export const providerApps: readonly PrincipalKind[] = ['delegated', 'third-party', 'third-party-contacts']

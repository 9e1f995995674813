/** The parts of a connection's page. Which one is open stands in the address. */
import type { Connection } from '@muster/contracts'

export const TABS = ['services', 'corps', 'sync', 'fields', 'signIn', 'credentials', 'doctor', 'general'] as const

export type Tab = (typeof TABS)[number]

/** A company's own app has no other companies, and an app for any company has no directory to follow. */
export function tabsOf(kind: Connection['kind']): readonly Tab[] {
  switch (kind) {
    case 'self_built':
      return TABS.filter((tab) => tab !== 'corps')
    case 'delegated':
      return TABS
    case 'service_provider':
      return TABS.filter((tab) => tab !== 'sync' && tab !== 'fields')
    default:
      return kind satisfies never
  }
}

/** The parts of a connection's page. Which one is open stands in the address. */
export const TABS = ['services', 'sync', 'fields', 'signIn', 'credentials', 'doctor', 'general'] as const

export type Tab = (typeof TABS)[number]

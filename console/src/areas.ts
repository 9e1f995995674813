/**
 * Every area with words, once. A new area gets a line here. Those of the frame around the pages come with the first load; the
 * others come with the pages that router.tsx lists them for.
 */
import { designTexts } from './design/texts.ts'
import { shellTexts } from './shell/texts.ts'
import { addWords, hasWords } from './texts.ts'

export const alwaysThere = { design: designTexts, shell: shellTexts } as const

const later = {
  applications: async () => (await import('./applications/texts.ts')).applicationsTexts,
  audit: async () => (await import('./audit/texts.ts')).auditTexts,
  connections: async () => (await import('./connections/texts.ts')).connectionsTexts,
  directory: async () => (await import('./directory/texts.ts')).directoryTexts,
  events: async () => (await import('./events/texts.ts')).eventsTexts,
  overview: async () => (await import('./overview/texts.ts')).overviewTexts,
  reviews: async () => (await import('./reviews/texts.ts')).reviewsTexts,
  runs: async () => (await import('./runs/texts.ts')).runsTexts,
  settings: async () => (await import('./settings/texts.ts')).settingsTexts,
  setup: async () => (await import('./setup/texts.ts')).setupTexts,
  signIns: async () => (await import('./sign-ins/texts.ts')).signInsTexts,
} as const

type Later = typeof later

/** For the loader of a page: resolves when its words are there. */
export function wordsOf(...names: (keyof Later)[]): () => Promise<void> {
  return async () => {
    await Promise.all(names.map(async (name) => hasWords(name) || addWords(name, await later[name]())))
  }
}

type AlwaysThere = typeof alwaysThere

/** A key that does not exist is a compile error wherever it is used. */
declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'shell'
    resources: { [Area in keyof AlwaysThere]: AlwaysThere[Area]['en'] } & {
      [Area in keyof Later]: Awaited<ReturnType<Later[Area]>>['en']
    }
  }
}

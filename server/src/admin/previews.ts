/** Answers to a form before it is saved: when a schedule would run, whether an identifier is free. Writes nothing. */
import { checkIdentifier, Identifier, previewSchedule, type IdentifierCheck } from '@muster/contracts'
import type { Connections } from '../connections/connections.ts'
import { nextRunsAfter } from '../connections/schedule.ts'
import type { Text } from '../errors.ts'
import { route, type Route } from './routes.ts'

export function previewRoutes({ connections, now }: { connections: Connections; now: () => number }): Route[] {
  return [
    route(previewSchedule, async ({ body }) => ({
      next: nextRunsAfter(body, now(), 3).map((at) => new Date(at).toISOString()),
      timeZone: body.timeZone,
    })),

    route(checkIdentifier, async ({ params: { identifier }, language }) => {
      const state = await stateOf(identifier)
      return { identifier, state, reason: REASONS[state]?.[language] ?? null }
    }),
  ]

  async function stateOf(identifier: string): Promise<IdentifierCheck['state']> {
    if (!Identifier.safeParse(identifier).success) return 'invalid'
    return (await connections.isIdentifierTaken(identifier)) ? 'taken' : 'free'
  }
}

const REASONS: Readonly<Record<IdentifierCheck['state'], Text | null>> = {
  free: null,
  taken: { en: 'Another connection has this identifier.', zh: '该标识已被另一个连接使用。' },
  invalid: {
    en: 'Lower-case letters, digits and "-", shorter than 32, starting with a letter or digit.',
    zh: '只能使用小写字母、数字和“-”，少于 32 个字符，并以字母或数字开头。',
  },
}

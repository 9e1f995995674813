/**
 * Every page of the console, with its tabs and steps, for what has to look at all of them. The routes are read from
 * console/src/router.tsx, so a page that is added there and forgotten here fails whatever looks.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tabsOf } from '../../console/src/connections/tabs.ts'
import { stepsOf } from '../../console/src/connections/wizard/wizard-steps.ts'

export interface Place {
  /** Short, for files and messages. */
  readonly name: string
  /** Below /console. */
  readonly path: string
}

/** Of what there is more than one, by its id. The first of each comes first. */
export interface Subjects {
  /** A company's own app. */
  readonly connection: string
  /** A template and a login suite. */
  readonly suites?: { readonly delegated: string; readonly service_provider: string }
  readonly runs: Readonly<Record<string, string>>
  readonly people: Readonly<Record<string, string>>
  readonly applications: Readonly<Record<string, string>>
  readonly departments: Readonly<Record<string, string>>
  readonly reviews: Readonly<Record<string, string>>
  readonly events?: Readonly<Record<string, string>>
}

export function placesOf(subjects: Subjects): readonly Place[] {
  const { delegated, service_provider } = subjects.suites ?? {}
  const connections = [
    { kind: 'self_built' as const, prefix: '', identifier: subjects.connection },
    ...(delegated === undefined ? [] : [{ kind: 'delegated' as const, prefix: 'template-', identifier: delegated }]),
    ...(service_provider === undefined
      ? []
      : [{ kind: 'service_provider' as const, prefix: 'suite-', identifier: service_provider }]),
  ]
  const routes: Readonly<Record<string, readonly Place[]>> = {
    '/setup': [{ name: 'setup', path: '/setup#token=none' }],
    '/': [{ name: 'overview', path: '/' }],
    '/connections': [{ name: 'connections', path: '/connections' }],
    '/connections/new': connections.flatMap(({ kind, prefix, identifier }) =>
      stepsOf(kind)
        .filter(isOwn(kind, stepsOf('self_built'), ['domain']))
        .map((step) => ({
          name: `${prefix}wizard-${step}`,
          path:
            step === 'kind' ? '/connections/new?step=kind' : `/connections/new?step=${step}&connection=${identifier}`,
        })),
    ),
    '/connections/$id': connections.flatMap(({ kind, prefix, identifier }) =>
      tabs(
        `${prefix}connection`,
        `/connections/${identifier}`,
        tabsOf(kind).filter(isOwn(kind, tabsOf('self_built'), ['services', 'credentials'])),
      ),
    ),
    '/events': [
      { name: 'events', path: '/events' },
      ...each(subjects.events ?? {}, (name, id) => [{ name: `event-${name}`, path: `/events?event=${id}` }]),
    ],
    '/runs': [{ name: 'runs', path: '/runs' }],
    '/runs/$id': each(subjects.runs, (name, id) => [{ name: `run-${name}`, path: `/runs/${id}` }]),
    '/people': [
      { name: 'people', path: '/people' },
      ...each(subjects.departments, (name, id) => [{ name: `people-${name}`, path: `/people?department=${id}` }]),
    ],
    '/people/$id': each(subjects.people, (name, id) =>
      tabs(`person-${name}`, `/people/${id}`, ['', ...tabsIn('/people/$id')]),
    ),
    '/reviews': [
      { name: 'reviews', path: '/reviews?state=all' },
      ...each(subjects.reviews, (name, id) => [{ name: `review-${name}`, path: `/reviews?state=all&review=${id}` }]),
    ],
    '/sign-ins': [{ name: 'sign-ins', path: '/sign-ins' }],
    '/applications': [{ name: 'applications', path: '/applications' }],
    '/applications/$id': each(subjects.applications, (name, id) => [
      { name: `application-${name}`, path: `/applications/${id}` },
    ]),
    '/audit': [{ name: 'audit', path: '/audit' }],
    '/settings': tabs('settings', '/settings', tabsIn('/settings')),
  }
  assert.deepEqual(Object.keys(routes).toSorted(), routePaths().toSorted(), 'the pages that are known here')
  return Object.values(routes).flat()
}

/** Of the other kinds only what differs: the rest is the same page once more. */
function isOwn(kind: string, usual: readonly string[], differing: readonly string[]): (word: string) => boolean {
  return (word) => kind === 'self_built' || !usual.includes(word) || differing.includes(word)
}

function each(subjects: Readonly<Record<string, string>>, write: (name: string, id: string) => Place[]): Place[] {
  return Object.entries(subjects).flatMap(([name, id]) => write(name, id))
}

function tabs(name: string, path: string, words: readonly string[]): Place[] {
  return words.map((tab) =>
    tab === '' ? { name, path } : { name: `${name}-${tab}`, path: `${path}?tab=${encodeURIComponent(tab)}` },
  )
}

const router = readFileSync(join(import.meta.dirname, '../../console/src/router.tsx'), 'utf8')

function routePaths(): string[] {
  return [...router.matchAll(/^ +path: '([^']+)'/gm)].map(([, path]) => path!)
}

/** The tabs that the search of a route names. */
function tabsIn(route: string): string[] {
  const from = router.slice(router.indexOf(`path: '${route}'`))
  const [, list] = /\btab: z\.enum\(\[([^\]]+)\]\)/.exec(from)!
  return [...list!.matchAll(/'([^']+)'/g)].map(([, tab]) => tab!)
}

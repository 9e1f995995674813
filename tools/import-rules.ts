/**
 * The direction of the arrows in ARCHITECTURE.md, as a check: which file may import what. Pure: texts in, violations
 * out; import-rules.test.ts runs it over the repository and over planted violations. The tables below are the rules;
 * a new folder of the server gets its layer here and in ARCHITECTURE.md in the same commit.
 */
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, join, posix } from 'node:path'

import { findImports } from './imports.ts'
import type { Import } from './imports.ts'

export type Violation = { readonly file: string; readonly line: number; readonly rule: Rule; readonly detail: string }

export type Rule =
  | 'package' // a package imports one that it may not know
  | 'layer' // base, core, features, root: an arrow that points up, or from feature to feature
  | 'door' // past the file with the folder's name
  | 'owner' // a heavy dependency outside the folder that owns it
  | 'pure' // a folder of pure decisions that imports a value it cannot need
  | 'place' // a file or folder whose name says nothing, or that has no layer
  | 'barrel'
  | 'cycle'
  | 'extension'

/** Which of our packages each may import: values and types, or types only. Tools and flow tests may import all of them. */
const PACKAGES: Readonly<Record<string, { readonly values: readonly string[]; readonly types: readonly string[] }>> = {
  wecom: { values: [], types: [] },
  emulator: { values: [], types: ['wecom'] },
  contracts: { values: [], types: [] },
  server: { values: ['wecom', 'contracts'], types: [] },
  console: { values: ['contracts'], types: [] },
  examples: { values: [], types: [] },
}

const OUTSIDE = ['tools', 'test']

const SCOPE = '@muster/'

type Layer = 'base' | 'core' | 'feature' | 'root'

/** By file or folder directly below server/src. */
const LAYERS: Readonly<Record<string, Layer>> = {
  config: 'base',
  settings: 'base',
  errors: 'base',
  secret: 'base',
  vault: 'base',
  ids: 'base',
  'parsed-once': 'base',
  clock: 'base',
  background: 'base',
  version: 'base',
  html: 'base',
  log: 'base',
  metrics: 'base',
  database: 'base',
  connections: 'core',
  directory: 'core',
  applications: 'core',
  sessions: 'core',
  audit: 'core',
  sync: 'feature',
  events: 'feature',
  signin: 'feature',
  oidc: 'feature',
  admin: 'feature',
  app: 'root',
  console: 'root',
  favicon: 'root',
  http: 'root',
  'local-door': 'root',
  main: 'root',
  cli: 'root',
}

const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  base: ['base'],
  core: ['base', 'core'],
  feature: ['base', 'core'],
  root: ['base', 'core', 'feature', 'root'],
}

/** A folder is entered by the file with its name, and by these: they are meant for others as they are, and adding one is a decision. */
const FURTHER_DOORS: Readonly<Record<string, readonly string[]>> = {
  admin: ['access', 'installed', 'setup'],
  audit: ['tallies'],
  connections: [
    'doctor/doctor',
    'due-runs',
    'environment',
    'requirements',
    'schedule',
    'suites/authorisations',
    'suites/corps',
    'suites/installations',
    'suites/tickets',
    'verification-files',
    'wecom',
    'wecom-problem',
  ],
  database: ['backup'],
  directory: [
    'comparison',
    'departments',
    'guesses',
    'link-aliases',
    'links',
    'names',
    'organizations',
    'owners',
    'password-proof',
    'pinyin',
    'population',
    'protection',
    'purge',
    'search',
    'search-texts',
    'sign-out',
    'subjects',
    'users',
    'writes',
  ],
  oidc: ['claim-previews'],
  signin: ['account', 'sign-ins'],
  sync: [
    'admission',
    'decisions',
    'explain',
    'forgetting',
    'history',
    'retention',
    'reviews',
    'runs',
    'sample',
    'timeline',
  ],
}

/** In which places below server/src the WeCom client may be used. */
const MAY_USE_WECOM = (place: string): boolean =>
  place === 'connections' || LAYERS[place] === 'feature' || LAYERS[place] === 'root'

/** Where heavy dependencies live: path prefixes (folders end in a slash). `types`: where their types may be used besides. */
const OWNERS: readonly { module: RegExp; values: readonly string[]; types?: readonly Layer[] }[] = [
  { module: /^oidc-provider(?:\/|$)/, values: ['server/src/oidc/'] },
  { module: /^(?:pg|pg-.*|node:sqlite)$/, values: ['server/src/database/'] },
  {
    module: /^(?:fastify-type-provider-zod|@fastify\/swagger)$/,
    values: ['server/src/http.ts', 'server/src/admin/admin.ts'],
  },
  {
    module: /^(?:fastify|fastify-.*|@fastify\/.*|helmet)$/,
    values: ['server/src/http.ts', 'server/src/app.ts'],
    types: ['feature', 'root'],
  },
  { module: /^croner$/, values: ['server/src/connections/'] },
  { module: /^pinyin-pro(?:\/|$)/, values: ['server/src/directory/pinyin.ts'] },
  { module: /^fast-xml-parser(?:\/|$)/, values: ['wecom/src/'] },
  { module: /^undici(?:\/|$)/, values: ['wecom/src/', 'server/src/cli/'] },
]

/** Folders and files whose functions do no I/O and read no clock, and what they may import as values. Types are free. */
const PURE: Readonly<Record<string, readonly string[]>> = {
  'server/src/admin/days.ts': [],
  'server/src/connections/doctor/diagnosis/': ['server/src/errors.ts'],
  'server/src/connections/requirements.ts': [
    'server/src/connections/connection-records.ts',
    'server/src/errors.ts',
    '@muster/contracts',
  ],
  'server/src/connections/schedule.ts': ['croner'],
  'server/src/events/meaning.ts': [
    'server/src/directory/names.ts',
    'server/src/errors.ts',
    'server/src/events/reception.ts',
  ],
  'server/src/events/reception.ts': ['node:crypto', '@muster/wecom'],
  'server/src/html.ts': [],
  'server/src/signin/pages/': ['server/src/errors.ts', 'server/src/html.ts'],
  'server/src/signin/decision.ts': ['server/src/errors.ts'],
  'server/src/signin/doors.ts': ['server/src/errors.ts'],
  'server/src/signin/return-to.ts': [],
  'server/src/oidc/claims.ts': [],
  'server/src/sync/plan/': [
    'server/src/directory/names.ts',
    'server/src/directory/protection.ts',
    'server/src/errors.ts',
    'node:crypto',
    '@muster/contracts',
  ],
}

const MEANINGLESS = /^(?:utils?|helpers?|common|lib|shared|misc)$/

/** The one index of a package that others install. */
const PUBLIC_DOORS = ['wecom/src/index.ts', 'emulator/src/index.ts', 'contracts/src/index.ts']

/** @param files text by path, relative to the repository, with forward slashes */
export function findViolations(files: ReadonlyMap<string, string>): Violation[] {
  const sources = Array.from(files, ([path, text]) => ({ path, imports: findImports(text) }))
  return [
    ...sources.flatMap(({ path, imports }) => [...judgePlace(path), ...judgeImports(path, imports)]),
    ...findCycles(sources),
  ]
}

/** Every TypeScript file of the workspaces and the flow tests. */
export function readSources(root: string): Map<string, string> {
  const folders = [...Object.keys(PACKAGES), ...OUTSIDE].join(',')
  const paths = globSync(`{${folders}}/**/*.{ts,tsx,mts}`, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] })
  return new Map(paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(root, path), 'utf8')]))
}

// ---- One file at a time ---------------------------------------------------------------------------------------------

function judgePlace(path: string): Violation[] {
  const found: Violation[] = []
  const report = (rule: Rule, detail: string): void => void found.push({ file: path, line: 1, rule, detail })
  const segments = path.split('/')

  for (const segment of segments) {
    const name = segment.replace(/\.[a-z.]+$/, '')
    if (MEANINGLESS.test(name)) report('place', `"${name}" says nothing: name what it is, or put it beside its caller`)
  }
  if (/^index\.\w+$/.test(basename(path)) && !PUBLIC_DOORS.includes(path)) {
    report('barrel', 'only a published package has an index; import the file itself')
  }
  const place = placeInServer(path)
  if (place !== undefined && LAYERS[place] === undefined && !isTest(path)) {
    report('place', `"${place}" has no layer; give it one in tools/import-rules.ts and ARCHITECTURE.md`)
  }
  return found
}

function judgeImports(path: string, imports: readonly Import[]): Violation[] {
  return imports.flatMap((imported) => {
    const reasons = judgeTarget(path, imported)
    if (!isDevelopment(path)) {
      reasons.push(...judgePackages(path, imported), ...judgeOwner(path, imported))
      reasons.push(...judgeServer(path, imported), ...judgePurity(path, imported))
    }
    return reasons.map(([rule, detail]) => ({ file: path, line: imported.line, rule, detail }))
  })
}

type Reason = [rule: Rule, detail: string]

function judgeTarget(path: string, { specifier }: Import): Reason[] {
  if (isRelative(specifier)) {
    if (!/\.(?:ts|tsx|mts|css|json|svg)$/.test(specifier)) return [['extension', `${specifier} has to end in .ts`]]
    const target = resolve(path, specifier)
    if (isTest(target) && !isDevelopment(path)) return [['place', `${specifier} is for tests only`]]
    const [from, to] = [packageOf(path), packageOf(target)]
    if (from !== to && !OUTSIDE.includes(from))
      return [['package', `${specifier} leaves the package; import ${SCOPE}${to}`]]
    return []
  }
  if (specifier.startsWith(SCOPE) && specifier.slice(SCOPE.length).includes('/')) {
    return [['door', `${specifier}: a package is entered by its name only`]]
  }
  // Without the prefix an installed package of the same name would win or lose by accident.
  if (!specifier.startsWith('node:') && builtinModules.includes(specifier))
    return [['extension', `write node:${specifier}`]]
  return []
}

function judgePackages(path: string, { specifier, kind }: Import): Reason[] {
  if (!specifier.startsWith(SCOPE)) return []
  const from = packageOf(path)
  const to = specifier.slice(SCOPE.length).split('/')[0] ?? ''
  const allowed = PACKAGES[from]
  if (allowed?.values.includes(to) || (kind === 'type' && allowed?.types.includes(to))) return []
  return [['package', `${from} may not import ${kind === 'type' ? 'types' : 'values'} of ${to}`]]
}

function judgeOwner(path: string, { specifier, kind }: Import): Reason[] {
  const owner = OWNERS.find(({ module }) => module.test(specifier))
  if (owner === undefined || owner.values.some((prefix) => path.startsWith(prefix))) return []
  const layer = LAYERS[placeInServer(path) ?? '']
  if (kind === 'type' && layer !== undefined && owner.types?.includes(layer)) return []
  return [['owner', `${specifier} belongs to ${owner.values.join(' and ')}`]]
}

function judgePurity(path: string, { specifier, kind }: Import): Reason[] {
  const folder = Object.keys(PURE).find((prefix) => path.startsWith(prefix))
  if (folder === undefined || kind === 'type') return []
  const target = isRelative(specifier) ? resolve(path, specifier) : specifier
  if (target.startsWith(folder) || PURE[folder]?.includes(target)) return []
  return [['pure', `${specifier}: ${folder} decides and does no I/O; pass it in`]]
}

function judgeServer(path: string, { specifier, kind }: Import): Reason[] {
  const place = placeInServer(path)
  const layer = LAYERS[place ?? '']
  if (place === undefined || layer === undefined) return []
  if (specifier === `${SCOPE}wecom` && !MAY_USE_WECOM(place)) {
    return [['layer', `${place} may not know WeCom; connections/ and the features do`]]
  }

  const target = isRelative(specifier) ? resolve(path, specifier) : ''
  const targetPlace = placeInServer(target)
  if (targetPlace === undefined || targetPlace === place) return []
  const reasons: Reason[] = []

  const targetLayer = LAYERS[targetPlace]
  const isTypeAmongFeatures = kind === 'type' && layer === 'feature' && targetLayer === 'feature'
  if (targetLayer !== undefined && !MAY_IMPORT[layer].includes(targetLayer) && !isTypeAmongFeatures) {
    reasons.push(['layer', `${place} (${layer}) may not import ${targetPlace} (${targetLayer})`])
  }
  const inside = /^server\/src\/[^/]+\/(.+)\.ts$/.exec(target)?.[1]
  const doors = [targetPlace, ...(FURTHER_DOORS[targetPlace] ?? [])]
  if (inside !== undefined && !doors.includes(inside) && targetLayer !== 'root') {
    reasons.push(['door', `${specifier}: enter ${targetPlace}/ by ${doors.map((name) => `${name}.ts`).join(' or ')}`])
  }
  return reasons
}

// ---- All files together ---------------------------------------------------------------------------------------------

/** Among value imports: types are gone when the code runs, and features may know each other's types both ways. */
function findCycles(sources: readonly { path: string; imports: readonly Import[] }[]): Violation[] {
  const targets = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports
        .filter(({ kind, specifier }) => kind === 'value' && isRelative(specifier))
        .map(({ specifier }) => resolve(path, specifier)),
    ]),
  )
  const found: Violation[] = []
  const done = new Set<string>()

  function visit(path: string, trail: readonly string[]): void {
    const start = trail.indexOf(path)
    if (start !== -1) {
      found.push({ file: path, line: 1, rule: 'cycle', detail: [...trail.slice(start), path].join(' → ') })
      return
    }
    if (done.has(path)) return
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) visit(path, [])
  return found
}

// ---- Paths ----------------------------------------------------------------------------------------------------------

function packageOf(path: string): string {
  return path.split('/')[0] ?? ''
}

/** What may look into everything, and what the product may not import. */
function isDevelopment(path: string): boolean {
  return isTest(path) || OUTSIDE.includes(packageOf(path))
}

/** `sync` for server/src/sync/plan.ts, `http` for server/src/http.ts, undefined outside server/src. */
function placeInServer(path: string): string | undefined {
  return /^server\/src\/([^/.]+)/.exec(path)?.[1]
}

/** Tests, and the folders of what only tests use. */
function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path) || path.includes('/test-support/')
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.')
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier)
}

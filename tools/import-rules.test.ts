import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'

import { findViolations, readSources } from './import-rules.ts'
import type { Rule } from './import-rules.ts'
import { findImports } from './imports.ts'

test('the repository keeps its own rules', () => {
  const violations = findViolations(readSources(join(import.meta.dirname, '..')))

  const report = violations.map(({ file, line, rule, detail }) => `${file}:${line} [${rule}] ${detail}`).join('\n')
  assert.equal(report, '')
})

test('each rule bites', () => {
  const planted: [rule: Rule, path: string, source: string][] = [
    ['package', 'wecom/src/client.ts', "import { app } from '@muster/server'"],
    ['package', 'wecom/src/client.ts', "import type { Run } from '@muster/contracts'"],
    ['package', 'emulator/src/callbacks.ts', "import { sign } from '@muster/wecom'"],
    ['package', 'emulator/src/callbacks.ts', "import { type Member } from '@muster/wecom'"],
    ['package', 'emulator/src/callbacks.ts', "import { sign } from '../../wecom/src/sign.ts'"],
    ['package', 'contracts/src/runs.ts', "export * from '@muster/wecom'"],
    ['package', 'console/src/page.tsx', "import { plan } from '@muster/server'"],
    ['package', 'server/src/app.ts', "const emulator = await import('@muster/emulator')"],
    ['package', 'server/src/app.ts', "import { bench } from '../../tools/bench.ts'"],
    ['door', 'server/src/app.ts', "import { createClient } from '@muster/wecom/src/client.ts'"],

    ['layer', 'server/src/vault.ts', "import { audit } from './audit/audit.ts'"],
    ['layer', 'server/src/database/database.ts', "import type { User } from '../directory/directory.ts'"],
    ['layer', 'server/src/ids.ts', "import type { Member } from '@muster/wecom'"],
    ['layer', 'server/src/directory/directory.ts', "import type { Member } from '@muster/wecom'"],
    ['layer', 'server/src/directory/directory.ts', "import { plan } from '../sync/sync.ts'"],
    ['layer', 'server/src/sync/sync.ts', "import { signIn } from '../signin/signin.ts'"],
    ['layer', 'server/src/sync/sync.ts', "export { signIn } from '../signin/signin.ts'"],
    ['layer', 'server/src/admin/admin.ts', "import type { Server } from '../http.ts'"],
    ['layer', 'server/src/oidc/oidc.ts', "import { app } from '../app.ts'"],
    ['door', 'server/src/app.ts', "import { plan } from './sync/plan.ts'"],
    ['door', 'server/src/sync/sync.ts', "import type { Row } from '../directory/rows.ts'"],
    ['door', 'server/src/events/events.ts', "import type { Plan } from '../sync/plan.ts'"],

    ['owner', 'server/src/signin/signin.ts', "import Provider from 'oidc-provider'"],
    ['owner', 'server/src/signin/signin.ts', "import type Provider from 'oidc-provider'"],
    ['owner', 'server/src/audit/audit.ts', "import pg from 'pg'"],
    ['owner', 'server/src/cli/backup.ts', "import { DatabaseSync } from 'node:sqlite'"],
    ['owner', 'server/src/admin/admin.ts', "import fastify from 'fastify'"],
    ['owner', 'server/src/admin/admin.ts', "import helmet from 'helmet'"],
    ['owner', 'server/src/directory/directory.ts', "import type { FastifyInstance } from 'fastify'"],
    ['owner', 'emulator/src/server.ts', "import fastify from 'fastify'"],
    ['owner', 'server/src/connections/connections.ts', "import { request } from 'undici'"],
    ['owner', 'emulator/src/callbacks.ts', "import { request } from 'undici'"],

    ['pure', 'server/src/sync/plan/people.ts', "import { isOneOf } from '../../database/database.ts'"],
    ['pure', 'server/src/sync/plan/people.ts', "import { readFileSync } from 'node:fs'"],
    ['pure', 'server/src/sync/plan/people.ts', "import { readAddressBook } from '../read/reader.ts'"],

    ['place', 'server/src/sync/helpers/dates.ts', ''],
    ['place', 'wecom/src/utils.ts', ''],
    ['place', 'console/src/lib/dates.ts', ''],
    ['place', 'test/shared/stack.ts', ''],
    ['place', 'emulator/src/common.test.ts', ''],
    ['place', 'server/src/webhooks/webhooks.ts', ''],
    ['place', 'server/src/sync/sync.ts', "import { seed } from './plan.test.ts'"],
    ['place', 'server/src/sync/sync.ts', "import { onBoth } from '../../test-support/databases.ts'"],
    ['barrel', 'server/src/sync/index.ts', ''],
    ['barrel', 'wecom/src/contacts/index.ts', ''],
    ['barrel', 'console/src/index.tsx', ''],
    ['extension', 'server/src/sync/sync.ts', "import { plan } from './plan'"],
    ['extension', 'server/src/sync/sync.ts', "import { plan } from './plan.js'"],
    ['extension', 'server/src/sync/plan.test.ts', "import { plan } from './plan'"],
    ['extension', 'server/src/sync/sync.ts', "import { join } from 'path'"],
    ['cycle', 'server/src/sync/plan.ts', "import { plan } from './plan.ts'"],
  ]

  for (const [rule, path, source] of planted) {
    const rules = findViolations(new Map([[path, source]])).map((violation) => violation.rule)
    assert.deepEqual(rules, [rule], `${path}: ${source}`)
  }
})

test('what is allowed stays allowed', () => {
  const allowed: [path: string, source: string][] = [
    ['emulator/src/world.ts', "import type { Member } from '@muster/wecom'"],
    ['server/src/admin/admin.ts', "import { endpoints } from '@muster/contracts'"],
    ['server/src/connections/connections.ts', "import { createClient } from '@muster/wecom'"],
    ['server/src/sync/read/reader.ts', "import type { Member } from '@muster/wecom'"],
    [
      'server/src/sync/sync.ts',
      "import { applyChanges } from '../directory/directory.ts'\nimport { Secret } from '../secret.ts'",
    ],
    ['server/src/sync/sync.ts', "import type { SignIn } from '../signin/signin.ts'"],
    ['server/src/sync/sync.ts', "import { plan } from './plan.ts'"],
    [
      'server/src/sync/plan/people.ts',
      "import type { Row } from '../../database/database.ts'\nimport { guard } from './guard.ts'\nimport { hash } from 'node:crypto'",
    ],
    ['server/src/audit/audit.ts', "import type { Tx } from '../database/database.ts'"],
    ['server/src/admin/admin.ts', "import type { FastifyInstance } from 'fastify'"],
    ['server/src/http.ts', "import fastify from 'fastify'\nimport helmet from 'helmet'"],
    ['server/src/database/sqlite.ts', "import { DatabaseSync } from 'node:sqlite'"],
    ['server/src/main.ts', "const { demo } = await import('./cli/demo.ts')"],
    ['wecom/src/request.ts', "import { request } from 'undici'"],
    ['wecom/src/index.ts', "export { createClient } from './client.ts'"],
    [
      'server/src/sync/plan.test.ts',
      "import { startEmulator } from '@muster/emulator'\nimport { x } from '../signin/page.ts'",
    ],
    ['server/test-support/databases.ts', "import pg from 'pg'\nimport { test } from 'node:test'"],
    ['test/sync.test.ts', "import { createApp } from '../server/src/app.ts'\nimport pg from 'pg'"],
  ]

  for (const [path, source] of allowed)
    assert.deepEqual(findViolations(new Map([[path, source]])), [], `${path}: ${source}`)
})

test('a cycle over several files is reported once, with the way around', () => {
  const files = new Map([
    ['server/src/sync/a.ts', "import { b } from './b.ts'"],
    ['server/src/sync/b.ts', "import { c } from './c.ts'"],
    ['server/src/sync/c.ts', "import { a } from './a.ts'\nimport type { d } from './d.ts'"],
    ['server/src/sync/d.ts', "import type { c } from './c.ts'"],
  ])

  const violations = findViolations(files)

  assert.deepEqual(
    violations.map(({ rule, detail }) => [rule, detail]),
    [['cycle', 'server/src/sync/a.ts → server/src/sync/b.ts → server/src/sync/c.ts → server/src/sync/a.ts']],
  )
})

test('every way to import is found, with its line', () => {
  const source = `
    import 'side-effect'
    import whole, { part as other, type Kind } from "double"
    import * as all from 'star'
    import type { A } from 'type-names'
    import type B from 'type-default'
    import type from 'named-type'
    import type, { c } from 'named-type-and-more'
    import {
      d,
      e,
    } from 'many-lines'
    export { f } from 'again'
    export * from 'again-all'
    export * as g from 'again-named'
    export type { H } from 'again-type'
    const i = await import('dynamic')
    const j = require('required')
    import data from './data.json' with { type: 'json' }
  `

  const found = findImports(source).map(({ specifier, kind, line }) => `${line} ${kind} ${specifier}`)

  assert.deepEqual(found, [
    '2 value side-effect',
    '3 value double',
    '4 value star',
    '5 type type-names',
    '6 type type-default',
    '7 value named-type',
    '8 value named-type-and-more',
    '12 value many-lines',
    '13 value again',
    '14 value again-all',
    '15 value again-named',
    '16 type again-type',
    '17 value dynamic',
    '18 value required',
    '19 value ./data.json',
  ])
})

test('what only looks like an import is not found', () => {
  const sources = [
    "// import a from 'comment'",
    "/* import a from 'comment'\n import b from 'comment' */",
    `const text = "import a from 'text'"`,
    "const text = 'it\\'s: import a from \"text\"'",
    "const page = `import a from 'template' ${`nested ${1} import('x')`} import b from 'template'`",
    'const pattern = /import \'x\' from "y"/',
    'const pattern = /[/\'"`]/',
    'const address = import.meta.url',
    "object.import('x')\nobject.require('x')",
    'export { a }',
    "export { a }\nconst from = 'x'",
    "export type A = { from: 'x' }",
    "export type A = 'x'",
    'export default function () {}',
    'const half = total / 2 / 3',
  ]

  for (const source of sources) assert.deepEqual(findImports(source), [], source)
})

test('an import behind something confusing is still found', () => {
  const confusing = [
    'const pattern = /[/\'"`]/g',
    'const half = (total) / 2',
    'const half = list[0] / 2 / 3',
    'const page = `a ${b({ c: `d` })} e`',
    'const price = `$${amount} $`',
    "const text = 'an unfinished string",
    "return <p>don't</p>",
    "const name = '企业微信 \\\\'",
  ]

  for (const line of confusing) {
    const found = findImports(`${line}\nimport { a } from 'behind'\n`).map(({ specifier }) => specifier)
    assert.deepEqual(found, ['behind'], line)
  }
})

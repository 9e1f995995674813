import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { doors } from './sign-in/authorization.ts'
import { coverage, coveragePage } from './coverage.ts'
import type { CoveredEndpoint } from './coverage.ts'
import { routes } from './api/routes/table.ts'
import { fetchText, parse, stage } from './test-client.ts'

test('every route is in the table, every endpoint once', () => {
  const listed = coverage.map(({ path }) => path)

  assert.equal(new Set(listed).size, listed.length)
  for (const { path } of routes) {
    const entry = coverage.find((candidate) => candidate.path === path)
    assert.ok(entry, `${path} is served but not in coverage.ts`)
    assert.notEqual(entry.status, 'not yet', `${path} is served and said to be missing`)
  }
})

test('what is supported answers, what is missing is 404', async (t) => {
  const { emulator } = await stage(t)

  const isCalled = ({ method }: CoveredEndpoint) => method !== 'browser' && method !== 'callback'
  for (const { path, method, status } of coverage.filter(isCalled)) {
    const verbs = method === 'GET or POST' ? ['GET', 'POST'] : [method]
    for (const verb of verbs) {
      const reply = await fetchText(`${emulator.apiUrl}/cgi-bin/${path}`, { method: verb })
      assert.equal(reply.status, status === 'not yet' ? 404 : 200, `${verb} ${path}`)
      if (status !== 'not yet') assert.match(String(parse(reply.body)['errcode']), /^410(01|02|04|21|22)$/)
    }
  }
})

test('pages are served where the table says so', async (t) => {
  const { emulator } = await stage(t)
  const pages = coverage.filter((endpoint) => endpoint.method === 'browser')

  for (const { path, status } of pages) {
    const reply = await fetchText(`${emulator.loginUrl}${new URL(path).pathname}`)
    assert.equal(reply.status === 404, status === 'not yet', `${path}: ${reply.status}`)
  }
  assert.deepEqual(
    Object.keys(doors).filter((door) => !pages.some(({ path }) => new URL(path).pathname === door)),
    [],
  )
})

test('COVERAGE.md is current', () => {
  const page = readFileSync(new URL('../COVERAGE.md', import.meta.url), 'utf8')

  assert.equal(page, coveragePage(), 'run: node emulator/src/coverage-page.ts')
})

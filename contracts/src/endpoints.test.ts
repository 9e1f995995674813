import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { z } from 'zod'
import type { Endpoint } from './endpoint.ts'
import { endpoints, plannedEndpoints } from './endpoints.ts'
import * as contracts from './index.ts'

const all: readonly Endpoint[] = [...endpoints, ...plannedEndpoints]

test('every endpoint of every file is in exactly one of the two lists', async () => {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const modules = await Promise.all(files.map((file) => import(`./${file}`) as Promise<object>))
  const exported = new Set(modules.flatMap((module) => Object.values(module)).filter(isEndpoint))

  assert.ok(exported.size > 40)
  assert.deepEqual(exported, new Set(all))
  assert.equal(all.length, exported.size)
})

test('operation ids and addresses are unique', () => {
  assert.equal(new Set(all.map(({ operationId }) => operationId)).size, all.length)
  assert.equal(new Set(all.map(({ method, path }) => `${method} ${path}`)).size, all.length)
})

for (const endpoint of all) {
  const { method, path } = endpoint

  test(`${method} ${path} has a name, a summary of one line, a tag and a role`, () => {
    assert.match(endpoint.operationId, /^[a-z][A-Za-z]+$/)
    assert.match(endpoint.summary, /^[A-Z][^\n]{5,70}[^.\n]$/)
    assert.match(endpoint.tag, /^[A-Z]/)
    assert.ok(endpoint.role === null || endpoint.role === 'any' || contracts.Role.safeParse(endpoint.role).success)
    if (endpoint.description !== undefined) assert.match(endpoint.description, /\.$/)
  })

  test(`${method} ${path} is open to an auditor exactly if it only reads`, () => {
    // A preview reads; it is a POST because its question does not fit an address, or does not belong in one.
    const isPreview = path.endsWith('-previews')
    assert.equal(endpoint.role === 'auditor', method === 'GET' || isPreview)
  })

  test(`${method} ${path} asks for a confirmation only where a role changes something`, () => {
    assert.ok(endpoint.confirm === undefined || ['operator', 'owner'].includes(endpoint.role ?? ''))
  })

  test(`${method} ${path} declares the parameters of its path`, () => {
    const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name)
    const declared =
      endpoint.params === undefined
        ? []
        : Object.keys(z.toJSONSchema(endpoint.params, { io: 'input' }).properties ?? {})

    assert.deepEqual(declared, inPath)
  })

  test(`${method} ${path} refuses unknown members of query and body`, () => {
    for (const part of [endpoint.query, endpoint.body]) {
      if (part === undefined || part instanceof z.ZodString) continue
      const issues = part.safeParse({ surprise: 1 }).error?.issues ?? []

      assert.ok(issues.some((issue) => issue.code === 'unrecognized_keys' && issue.keys.includes('surprise')))
    }
  })

  test(`${method} ${path} has one success, with the status of its kind`, () => {
    const statuses = Object.keys(endpoint.responses).map(Number)
    const expected = { GET: [200], PATCH: [200], PUT: [200], DELETE: [204], POST: [200, 201, 202, 204] }[method]

    assert.equal(statuses.length, 1)
    assert.ok(expected.includes(statuses[0]!))
  })

  for (const target of ['openapi-3.0', 'draft-2020-12'] as const) {
    test(`${method} ${path} can be written down as ${target}`, () => {
      for (const part of [endpoint.params, endpoint.query, endpoint.body]) {
        if (part) assert.ok(z.toJSONSchema(part, { io: 'input', target }))
      }
      for (const schema of answersOf(endpoint)) {
        const written = JSON.stringify(z.toJSONSchema(schema, { io: 'output', target, unrepresentable: 'any' }))

        assert.doesNotMatch(written, /writeOnly/, 'an answer contains something that may only be sent')
      }
    })
  }
}

for (const [name, schema] of Object.entries<unknown>(contracts)) {
  if (!(schema instanceof z.ZodType)) continue

  for (const [index, example] of ((schema.meta()?.examples ?? []) as unknown[]).entries()) {
    test(`${name} accepts its example ${index + 1} and keeps every member of it`, () => {
      const parsed: unknown = schema.parse(example)

      assert.partialDeepStrictEqual(Object(parsed), Object(example))
    })
  }
}

test('answers allow further members, because adding fields is always allowed', () => {
  for (const endpoint of all) {
    for (const schema of answersOf(endpoint)) {
      const written = JSON.stringify(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }))

      assert.doesNotMatch(written, /"additionalProperties":false/, endpoint.operationId)
    }
  }
})

const limits: [limit: string | undefined, result: number | 'refused'][] = [
  [undefined, 50],
  ['1', 1],
  ['500', 500],
  ['0', 'refused'],
  ['501', 'refused'],
  ['1.5', 'refused'],
  ['many', 'refused'],
  ['', 'refused'],
  ['1e999', 'refused'],
]

for (const [limit, result] of limits) {
  test(`a list with the limit ${limit ?? 'left out'} is ${result === 'refused' ? 'refused' : `of ${result} at most`}`, () => {
    const parsed = contracts.listUsers.query.safeParse({ limit })

    assert.equal(parsed.success ? parsed.data.limit : 'refused', result)
  })
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'operationId' in value
}

function answersOf({ responses }: Endpoint): z.ZodType[] {
  return Object.values(responses).flatMap((response) =>
    'content' in response ? Object.values(response.content).map(({ schema }) => schema) : [response],
  )
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { Change, DepartmentPatch, NewRun, NewUser, Run, User, UserPatch } from './index.ts'

const ULID = '01jd3v0w6k9m2q4r8t0x5y7z1a'

test('a failed, a held and a running run can be told', () => {
  const finished = exampleOf(Run)
  const problem = { code: 'wecom/address', title: 'Not trusted', detail: null, remedy: 'Add the address.' }
  const removals = { planHash: 'c0ffee', reasons: [{ code: 'guard/share', detail: '4 of 12' }], counts: { disable: 4 } }

  const failed = Run.parse({ ...finished, state: 'failed', error: problem, strategy: null })
  const held = Run.parse({ ...finished, state: 'held', held: removals })
  const running = Run.parse({ ...finished, state: 'running', finishedAt: null })

  assert.deepEqual(failed.error, problem)
  assert.deepEqual(held.held, removals)
  assert.equal(running.finishedAt, null)
})

test('a run is never started without saying whether it may write', () => {
  assert.equal(NewRun.safeParse({}).success, false)
  assert.deepEqual(NewRun.parse({ mode: 'preview' }), { mode: 'preview', force: false })
})

test('a change names a user or a department', () => {
  const change = exampleOf(Change)
  const { userId: _, ...rest } = change

  const parsed = Change.parse({ ...rest, entity: 'department', departmentId: `dep_${ULID}` })

  assert.equal(parsed.departmentId, `dep_${ULID}`)
  assert.equal(parsed.userId, undefined)
})

test('a user as http-api.md documents one can be read', () => {
  const link = {
    id: `lnk_${ULID}`,
    connectionId: `con_${ULID}`,
    corpId: 'ww0123456789abcdef',
    userid: 'ZhangSan',
    userId: `usr_${ULID}`,
    createdBy: 'bind',
    createdAt: '2026-11-20T03:00:00Z',
    lastSignInAt: null,
  }
  const user = {
    ...exampleOf(User),
    email: null,
    emailSource: null,
    gender: null,
    status: 'disabled',
    disabledBy: 'source',
    role: 'owner',
    links: [link],
  }

  assert.deepEqual(User.parse(user), user)
})

test('a patch of a user clears with null what may be empty, and only that', () => {
  const cleared = { password: null, email: null, phone: null, title: null, locale: null }

  assert.deepEqual(UserPatch.parse(cleared), cleared)
  for (const name of ['username', 'displayName', 'status', 'departments']) {
    assert.equal(UserPatch.safeParse({ [name]: null }).success, false, name)
  }
})

for (const key of [
  'role',
  'id',
  'origin',
  'links',
  'hasPassword',
  'passwordHash',
  'attributes',
  '__proto__',
  'constructor',
]) {
  test(`nobody becomes more by sending ${key}`, () => {
    const body = JSON.parse(`{"${key}":"owner"}`) as object

    const created = NewUser.safeParse({ username: 'zhangsan', displayName: '张三', ...body })
    const patched = UserPatch.safeParse(body)

    assert.deepEqual(
      created.error?.issues.map(({ code }) => code),
      ['unrecognized_keys'],
    )
    assert.deepEqual(
      patched.error?.issues.map(({ code }) => code),
      ['unrecognized_keys'],
    )
  })
}

test('a department becomes a root by a parent that is null', () => {
  assert.deepEqual(DepartmentPatch.parse({ parentId: null, nameEn: null }), { parentId: null, nameEn: null })
  assert.equal(DepartmentPatch.safeParse({ name: null }).success, false)
})

function exampleOf(schema: z.ZodType): Record<string, unknown> {
  const [example] = (schema.meta()?.examples ?? []) as Record<string, unknown>[]
  assert.ok(example)
  return example
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { Application, ApplicationClaims, ApplicationPatch, ApplicationSecret, NewApplication } from './applications.ts'
import { mergePatch } from './merge-patch.ts'

/** The document of http-api.md §4.6, without what only answers have. */
const documented = {
  name: 'GitLab',
  public: false,
  redirectUris: ['https://gitlab.example.com/callback'],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: null,
  connections: ['hq'],
  skipSignInPage: false,
  passwordSignIn: true,
  mobile: false,
  claims: { groups: { form: 'name', prefix: '', include: [] } },
  logoUrl: null,
  enabled: true,
}

test('every member that is documented may be sent, when creating and when changing', () => {
  const { public: _, ...changeable } = documented

  assert.deepEqual(NewApplication.parse(documented), documented)
  assert.deepEqual(ApplicationPatch.parse(changeable), changeable)
})

test('an application needs nothing but its name; the rest is the documented default', () => {
  const { redirectUris: _, connections: __, claims, backchannelLogoutUri: ___, logoUrl: ____, ...rest } = documented

  assert.deepEqual(NewApplication.parse({ name: 'GitLab' }), { ...rest, redirectUris: [], connections: [] })
  assert.deepEqual(ApplicationClaims.parse({}), { scopes: ['profile', 'email', 'phone', 'groups', 'wecom'], ...claims })
})

test('a patch of one setting of the groups keeps the others, and null is the default again', () => {
  const current = ApplicationClaims.parse({ scopes: ['email'], groups: { form: 'path', prefix: 'wecom:' } })

  const { claims } = ApplicationPatch.parse({ claims: { groups: { prefix: null } } })

  assert.deepEqual(ApplicationClaims.parse(mergePatch(current, claims)), {
    scopes: ['email'],
    groups: { form: 'path', prefix: '', include: [] },
  })
})

const department = 'dep_01jd3v0w6k9m2q4r8t0x5y7z1a'
const refusals: [name: string, body: object, path: string][] = [
  ['an unknown member', { clientSecret: 'mine' }, 'clientSecret'],
  ['an unknown member called __proto__', JSON.parse('{"__proto__":{}}') as object, '__proto__'],
  ['a client id of ones own', { clientId: 'gitlab' }, 'clientId'],
  ['an unknown member in depth', { claims: { groups: { regex: '.*' } } }, 'claims.groups.regex'],
  ['a scope that does not exist', { claims: { scopes: ['address'] } }, 'claims.scopes.0'],
  ['a form that does not exist', { claims: { groups: { form: 'tree' } } }, 'claims.groups.form'],
  ['a prefix of two lines', { claims: { groups: { prefix: 'a\nb' } } }, 'claims.groups.prefix'],
  ['a filter by name', { claims: { groups: { include: ['研发'] } } }, 'claims.groups.include.0'],
  ['a filter without end', { claims: { groups: { include: Array(501).fill(department) } } }, 'claims.groups.include'],
  ['a blank name', { name: ' ' }, 'name'],
  ['a name with a line break', { name: 'Git\nLab' }, 'name'],
  ['a name without end', { name: 'a'.repeat(129) }, 'name'],
  ['a redirect URI with a fragment', { redirectUris: ['https://a.example/#x'] }, 'redirectUris.0'],
  ['a redirect URI that is a script', { redirectUris: ['javascript:alert(1)'] }, 'redirectUris.0'],
  ['a redirect URI that is too long', { redirectUris: [`https://a.example/${'a'.repeat(2_000)}`] }, 'redirectUris.0'],
  ['too many redirect URIs', { redirectUris: Array(51).fill('https://a.example/') }, 'redirectUris'],
  ['a way back that is a script', { postLogoutRedirectUris: ['data:text/html,x'] }, 'postLogoutRedirectUris.0'],
  ['a back channel that is an app', { backchannelLogoutUri: 'com.example.app:/x' }, 'backchannelLogoutUri'],
  ['a back channel in the clear', { backchannelLogoutUri: 'http://10.0.0.1/x' }, 'backchannelLogoutUri'],
  ['a logo in the clear', { logoUrl: 'http://localhost/logo.png' }, 'logoUrl'],
  ['a logo that is a script', { logoUrl: 'javascript:alert(1)' }, 'logoUrl'],
  ['too many connections', { connections: Array(51).fill('hq') }, 'connections'],
]

for (const [name, body, path] of refusals) {
  test(`${name} is refused by name, when creating and when changing`, () => {
    assert.deepEqual(problems(NewApplication, { name: 'GitLab', ...body }), [path])
    assert.deepEqual(problems(ApplicationPatch, body), [path])
  })
}

test('whether an application is public is decided once', () => {
  assert.deepEqual(problems(ApplicationPatch, { public: true }), ['public'])
})

test('answers have no place for a secret or its digest', () => {
  const [example] = Application.meta()!.examples as [object]
  const leaky = { clientSecret: 'leaked', secretHash: 'leaked', secret: 'leaked' }

  const answers = [
    Application.parse({ ...example, ...leaky }),
    ApplicationSecret.parse({ id: 'sec_1', createdAt: '2026-11-01T08:00:00.000Z', lastUsedAt: null, ...leaky }),
  ]

  assert.doesNotMatch(JSON.stringify(answers), /leaked/)
})

/** Dotted paths of what is wrong, an unknown key by its own name. */
function problems(schema: z.ZodType, value: unknown): string[] {
  const issues = schema.safeParse(value).error?.issues ?? []
  return issues.flatMap((issue) => {
    const names = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
    return names.map((name) => [...issue.path, ...(name === undefined ? [] : [name])].join('.'))
  })
}

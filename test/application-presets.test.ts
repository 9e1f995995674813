/**
 * The recipes of docs/applications, done as they say: each application is created with the JSON of its page, somebody
 * signs in with the scopes of the page, and what the product is told to read is there. The products do not run here.
 * The presets that the console offers say the same as the pages.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  applicationOf,
  applicationPresets,
  createApplication,
  listDepartments,
  listUsers,
  settingsFor,
  type NewApplication,
} from '@muster/contracts'
import * as client from 'openid-client'
import type { z } from 'zod'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { startProviderStack } from './provider-stack.ts'
import { createVisitor } from './visitor.ts'

const FOLDER = join(import.meta.dirname, '../docs/applications')
const OURS = 'https://muster.example.com'

const recipes = readdirSync(FOLDER)
  .filter((file) => file !== 'README.md')
  .map(readRecipe)

test('every page has a preset, and every preset a page', () => {
  assert.deepEqual(applicationPresets.map(({ id }) => id).toSorted(), recipes.map(({ name }) => name).toSorted())
})

for (const preset of applicationPresets) {
  test(`the preset of ${preset.name} says what its page says`, () => {
    const recipe = recipes.find(({ name }) => name === preset.id)!
    const text = readFileSync(join(FOLDER, `${preset.id}.md`), 'utf8')
    const origin = preset.exampleOrigin
    const settings = settingsFor(preset, {
      origin,
      issuer: `${OURS}/oidc`,
      clientId: '<clientId>',
      clientSecret: '<clientSecret>',
    })

    assert.deepEqual({ ...applicationOf(preset, origin), connections: ['hq'] }, recipe.application)
    assert.deepEqual(preset.scopes, recipe.scopes)
    const claims = preset.reads.map(({ claim }) => claim)
    assert.deepEqual(
      recipe.claims.filter((claim) => !claims.includes(claim)),
      [],
    )
    if (settings.kind === 'text') {
      // Where the page shows one that stands for it, a secret is there, or comes from the environment of the product.
      assert.ok(text.includes(settings.text), settings.text)
    } else {
      for (const { name, value } of settings.fields) {
        const row = text.split('\n').find((line) => line.split('|')[1]?.includes(name))
        assert.ok(row !== undefined, name)
        assert.ok(value.startsWith('<') || row.includes(value), `${name}: ${value}`)
      }
    }
    assert.doesNotMatch(JSON.stringify(settings), /\{\{|undefined/)
    for (const words of [settings.where, ...preset.notes, ...preset.reads.map(({ what }) => what)]) {
      assert.ok(words.en !== '')
      assert.match(words.zh, /\p{Script=Han}/u)
    }
  })
}

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('every application of docs/applications learns what its page says', async (url, t) => {
    assert.ok(recipes.length >= 5)
    await using stack = await startProviderStack(url)
    await stack.syncOnce()
    const member = stack.someone()
    const [user] = (await stack.ask(listUsers, { query: { q: member.userid } })).items
    const departments = await pathsById(stack)

    for (const { name, application, scopes, claims, addresses } of recipes) {
      await t.test(name, async () => {
        const { clientId, clientSecret } = await stack.ask(createApplication, { body: application })
        const config = await client.discovery(
          new URL(stack.issuer),
          clientId,
          { client_secret: clientSecret! },
          name === 'gitlab' ? client.ClientSecretBasic(clientSecret!) : undefined,
          { execute: [client.allowInsecureRequests] },
        )
        await using visitor = createVisitor({ onAddress: stack.scansAs(member.userid) })
        const codeVerifier = client.randomPKCECodeVerifier()
        const state = client.randomState()
        const [redirectUri] = application.redirectUris!
        const address = client.buildAuthorizationUrl(config, {
          redirect_uri: redirectUri!,
          scope: scopes.join(' '),
          state,
          code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
        })

        const choice = await visitor.follow(address)
        const back = await visitor.follow(stack.hrefIn(choice, '/go?connection=hq'), redirectUri)
        const tokens = await client.authorizationCodeGrant(config, back.location!, {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
          idTokenExpected: true,
        })
        const idToken = tokens.claims()!
        const userinfo = await client.fetchUserInfo(config, tokens.access_token, idToken.sub)

        const paths = user!.departments.map(({ departmentId }) => departments.get(departmentId)!)
        const expected: Record<string, unknown> = {
          sub: user!.id,
          name: member.name,
          preferred_username: user!.username,
          email: user!.email,
          groups: paths.map((path) => `${application.claims?.groups?.prefix ?? ''}${path}`).toSorted(),
        }
        assert.ok(paths.length > 0)
        assert.ok(claims.length >= 2)
        for (const claim of claims) {
          assert.ok(claim in expected, `${claim} is not one that this test knows`)
          for (const told of [idToken, userinfo]) {
            const value = told[claim]
            assert.deepEqual(Array.isArray(value) ? value.toSorted() : value, expected[claim], claim)
          }
        }
        if (claims.includes('email')) assert.equal(userinfo.email_verified, false)

        assert.equal(tokens.refresh_token !== undefined, scopes.includes('offline_access'))
        if (tokens.refresh_token !== undefined) {
          const next = await client.refreshTokenGrant(config, tokens.refresh_token)
          assert.notEqual(next.refresh_token, tokens.refresh_token)
          assert.equal((await client.fetchUserInfo(config, next.access_token, idToken.sub)).sub, user!.id)
        }
        const known = Object.values(config.serverMetadata()).filter((value) => typeof value === 'string')
        const discovery = `${stack.issuer}/.well-known/openid-configuration`
        for (const written of addresses) {
          const here = written.replace(OURS, new URL(stack.issuer).origin)
          assert.ok([...known, discovery].includes(here), `${written} is none of our addresses`)
        }
      })
    }
  })
})

interface Recipe {
  readonly name: string
  readonly application: z.input<typeof NewApplication>
  readonly scopes: readonly string[]
  /** What the product is told to read. */
  readonly claims: readonly string[]
  /** Of ours, as the page has them. */
  readonly addresses: readonly string[]
}

function readRecipe(file: string): Recipe {
  const text = readFileSync(join(FOLDER, file), 'utf8')
  const [, json] = /```json\n([\s\S]*?)```/.exec(text) ?? []
  const [scope] = /\bopenid\b['",\s]+profile\b[^\]`\n]*/.exec(text) ?? []
  assert.ok(json !== undefined && scope !== undefined, `${file} has no JSON or no scopes`)
  const inTables = [...text.matchAll(/^\|[^|]+\| `([a-z_]+)` \|/gm)]
  const inSettings = [
    ...text.matchAll(/(?:_attribute_path = |Field(?:Name)?: "|--mapping-[a-z-]+=|uid_field: ')([a-z_]+)/g),
  ]
  const named = [...inTables, ...inSettings].map(([, claim]) => claim!)
  return {
    name: file.replace(/\.md$/, ''),
    application: JSON.parse(json) as z.input<typeof NewApplication>,
    scopes: scope.match(/[a-z_]+/g)!,
    claims: [...new Set(named)].filter((claim) => claim !== 'contains'),
    addresses: [...text.matchAll(/https:\/\/muster\.example\.com\/[^\s'"`?]*/g)].map(([address]) => address),
  }
}

/** Of each department, from the highest one: `/总部/研发中心`. */
async function pathsById(stack: Awaited<ReturnType<typeof startProviderStack>>): Promise<Map<string, string>> {
  const { items } = await stack.ask(listDepartments, { query: { limit: 500 } })
  const byId = new Map<string, (typeof items)[number]>(items.map((item) => [item.id, item]))
  const pathOf = (id: string | null): string => {
    const department = id === null ? undefined : byId.get(id)
    return department === undefined ? '' : `${pathOf(department.parentId)}/${department.name}`
  }
  return new Map(items.map(({ id }) => [id, pathOf(id)]))
}

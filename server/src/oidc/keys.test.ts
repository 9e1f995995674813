/** Signing keys: sealed, published before they sign and after, and rotated without anybody noticing (threats.md O-23). */
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { onEachDatabase } from '../../test-support/databases.ts'
import {
  authorizationRequest,
  createOidcWorld,
  ISSUER,
  type OidcWorld,
  type RelyingParty,
} from '../../test-support/oidc-world.ts'
import { createAudit, SYSTEM } from '../audit/audit.ts'
import { createIds } from '../ids.ts'
import { Secret } from '../secret.ts'
import { createVault } from '../vault.ts'
import { createSigningKeys } from './keys.ts'

const DAY = 86_400_000
const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })

onEachDatabase(({ dialect, test }) => {
  test('one key signs, the next is published already, and the last ones still are', async (database) => {
    const clock = { at: Date.UTC(2026, 0, 1) }
    const audit = createAudit({
      database,
      newId: createIds({ now: () => clock.at, random: (bytes) => crypto.getRandomValues(bytes) }),
      now: () => clock.at,
    })
    const keys = createSigningKeys({ database, vault, audit, now: () => clock.at })
    // On SQLite there is one process.
    const others = dialect === 'sqlite' ? keys : createSigningKeys({ database, vault, audit, now: () => clock.at })
    assert.equal(await keys.version(), '')
    await keys.maintain()
    assert.equal(await keys.version(), '')
    await assert.rejects(keys.rotate(SYSTEM), { code: 'oidc/no-keys' })

    // Two processes at their first start agree.
    const [first, same] = await Promise.all([keys.load(), others.load()])
    assert.deepEqual(first, same)
    assert.equal(first.keys.length, 2)
    const stored = JSON.stringify(await database.kysely.selectFrom('signing_keys').selectAll().execute())
    assert.ok(!stored.includes(String(first.keys[0]!['d'])))

    await assert.rejects(keys.rotate(SYSTEM), { code: 'oidc/rotation-too-soon' })
    clock.at += DAY
    await keys.rotate(SYSTEM)
    const second = await keys.load()
    assert.deepEqual(second.keys.map(({ kid }) => kid).slice(0, 1), [first.keys[1]!.kid])
    assert.equal(second.keys.at(-1)!.kid, first.keys[0]!.kid)
    assert.notEqual(second.version, first.version)
    await assert.rejects(keys.rotate(SYSTEM), { code: 'oidc/rotation-too-soon' })
    await keys.rotate(SYSTEM, { isUrgent: true })
    assert.equal((await keys.load()).keys.length, 4)

    // On schedule, and no earlier; the retired are published for thirty days.
    const before = (await keys.load()).version
    clock.at += 29 * DAY
    await keys.maintain()
    assert.equal((await keys.load()).version, before)
    clock.at += DAY
    await keys.maintain()
    assert.equal((await keys.load()).keys.length, 2)
    clock.at += 60 * DAY
    await Promise.all([keys.maintain(), others.maintain()])
    const rotated = await keys.load()
    assert.equal(rotated.keys.length, 3)
    assert.notEqual(rotated.version, before)

    const wrong = createVault({ key: new Secret(Buffer.alloc(32, 8).toString('base64')) })
    await assert.rejects(createSigningKeys({ database, vault: wrong, audit, now: () => clock.at }).load(), {
      code: 'vault/wrong-key',
    })
    assert.equal((await keys.cookieKey()).reveal(), (await others.cookieKey()).reveal())

    // Whoever has seen a key has seen none that counts.
    const known = new Set((await keys.load()).keys.map(({ kid }) => kid))
    await keys.rotate(SYSTEM, { isWithdrawal: true })
    const fresh = (await keys.load()).keys
    assert.equal(fresh.length, 2)
    assert.ok(fresh.every(({ kid }) => !known.has(kid)))
    await assert.rejects(keys.rotate(SYSTEM), { code: 'oidc/rotation-too-soon' })
  })

  test('O-23: keys are rotated under load, and no application with cached keys fails', async (database) => {
    const world = await createOidcWorld(database)
    try {
      world.signingIn.as = await world.addUser('li')
      const app = await world.addApplication('GitLab')
      const second = dialect === 'postgres' ? await world.startProcess() : undefined
      const kids = new Set<string>()

      for (let rotation = 0; rotation < 2; rotation++) {
        // They know the keys of this moment and, as a day passes below without passing, ask for them no more.
        const [byOpenidClient, byOauth4webapi] = [
          await relyOnOpenidClient(world, app),
          await relyOnOauth4webapi(world, app),
        ]
        for (const kid of await Promise.all([byOpenidClient(), byOauth4webapi()])) kids.add(kid)
        let isOver = false
        const load = [byOpenidClient, byOauth4webapi, byOpenidClient, byOauth4webapi].map(async (signIn) => {
          let isLast = false
          do {
            isLast = isOver
            kids.add(await signIn())
          } while (!isLast)
        })

        await assert.rejects(world.oidc.rotateKeys(SYSTEM, { isUrgent: false }), { code: 'oidc/rotation-too-soon' })
        await database.kysely
          .updateTable('signing_keys')
          .set(({ eb }) => ({ created_at: eb('created_at', '-', DAY) }))
          .execute()
        await world.oidc.rotateKeys(SYSTEM, { isUrgent: false })
        isOver = true

        await Promise.all(load)
        assert.equal(kids.size, rotation + 2)
      }
      if (second !== undefined) {
        const published = async (origin: string) =>
          (await (await world.send(`${ISSUER}/jwks`, {}, origin)).json()) as object
        // Not yet used, so it begins with the new keys; then it follows.
        await published(second.origin)
        await world.oidc.rotateKeys(SYSTEM, { isUrgent: true })
        assert.notDeepEqual(await published(second.origin), await published(world.origin))
        await second.oidc.followKeys()
        assert.deepEqual(await published(second.origin), await published(world.origin))
      }
    } finally {
      await world.close()
    }
  })
})

/** @returns a whole sign-in, which says the key that signed */
async function relyOnOpenidClient(world: OidcWorld, app: RelyingParty): Promise<() => Promise<string>> {
  const config = await client.discovery(new URL(ISSUER), app.clientId, app.clientSecret!, undefined, {
    [client.customFetch]: (url, options) => world.send(url, options),
  })
  client.enableNonRepudiationChecks(config)
  return async () => {
    const { url, verifier, state } = authorizationRequest(app, { nonce: 'n' })
    const { location } = await world.browser().open(url)
    const tokens = await client.authorizationCodeGrant(config, location!, {
      pkceCodeVerifier: verifier,
      expectedState: state!,
      expectedNonce: 'n',
    })
    const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()!.sub)
    assert.equal(person.preferred_username, 'li')
    return kidOf(tokens.id_token!)
  }
}

async function relyOnOauth4webapi(world: OidcWorld, app: RelyingParty): Promise<() => Promise<string>> {
  const options = { [oauth.customFetch]: (url: string, init: object) => world.send(url, init) } as object
  const issuer = new URL(ISSUER)
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  const own: oauth.Client = { client_id: app.clientId }
  const cached: oauth.JWKSCacheInput = {}
  return async () => {
    const { url, verifier, state } = authorizationRequest(app, { nonce: 'n' })
    const { location } = await world.browser().open(url)
    const parameters = oauth.validateAuthResponse(server, own, location!, state)
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      own,
      oauth.ClientSecretBasic(app.clientSecret!),
      parameters,
      app.redirectUri,
      verifier,
      options,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, own, answer, {
      expectedNonce: 'n',
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(server, answer, { ...options, [oauth.jwksCache]: cached })
    return kidOf(tokens.id_token!)
  }
}

function kidOf(idToken: string): string {
  return (JSON.parse(Buffer.from(idToken.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid
}

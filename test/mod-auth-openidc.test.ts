/** Apache's mod_auth_openidc as a relying party: discovery, sign-in, refresh, userinfo, a change of keys, signing out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApplication, listUsers, rotateSigningKeys } from '@muster/contracts'
import { freePort } from '../tools/free-port.ts'
import { missingApache, redirectUriOn, startApache } from './apache.ts'
import { startProviderStack } from './provider-stack.ts'
import { temporaryFolder } from './server.ts'
import { createVisitor, type Visitor } from './visitor.ts'

void test(
  'mod_auth_openidc signs people in, refreshes, follows new keys and signs out',
  { skip: missingApache() },
  async () => {
    const folder = temporaryFolder()
    await using stack = await startProviderStack(`sqlite:${folder.path}/muster.db`)
    await stack.syncOnce()
    const member = stack.someone()
    const [user] = (await stack.ask(listUsers, { query: { q: member.userid } })).items
    const port = await freePort()
    const { clientId, clientSecret } = await stack.ask(createApplication, {
      body: {
        name: 'Apache',
        connections: ['hq'],
        redirectUris: [redirectUriOn(port)],
        postLogoutRedirectUris: [`http://localhost:${port}/`],
      },
    })
    const apache = await startApache(port, { issuer: stack.issuer, clientId, clientSecret: clientSecret! })
    try {
      await using visitor = createVisitor({ onAddress: stack.scansAs(member.userid) })
      const page = await signIn(visitor)
      assert.deepEqual(
        [page.url.href, page.status, page.headers['x-remote-user']],
        [`${apache.origin}/`, 200, user!.id],
      )

      const before = await information(visitor)
      assert.equal(before.userinfo.name, member.name)
      assert.equal(before.id_token.iss, stack.issuer)
      const refresh = `${apache.redirectUri}?refresh=${encodeURIComponent(`${apache.origin}/`)}&access_token=${before.access_token}`
      const refreshed = await visitor.follow(refresh)
      assert.deepEqual([refreshed.url.href, refreshed.status], [`${apache.origin}/`, 200])
      const after = await information(visitor)
      assert.notEqual(after.access_token, before.access_token)
      assert.notEqual(after.refresh_token, before.refresh_token)

      // Apache has the keys of before; whoever signs in with a token of the new one makes it look again.
      await stack.ask(rotateSigningKeys, { body: { urgent: true } })
      await using other = createVisitor({ onAddress: stack.scansAs(member.userid) })
      assert.equal((await signIn(other)).headers['x-remote-user'], user!.id)
      assert.equal((await visitor.open(apache.origin)).status, 200)

      const logout = `${apache.redirectUri}?logout=${encodeURIComponent(`${apache.origin}/`)}`
      const asked = await visitor.follow(logout)
      assert.ok(asked.url.href.startsWith(`${stack.issuer}/session/end`), asked.url.href)
      const left = await visitor.submit(asked, '/oidc/session/end/confirm', { logout: 'yes' })
      assert.equal(left.location?.href, `${apache.origin}/`)
      const again = await visitor.follow(left.location)
      assert.ok(again.url.pathname.startsWith('/signin/'), 'both ends have forgotten the person')
    } finally {
      await apache.stop()
      folder.remove()
    }

    async function signIn(visitor: Visitor) {
      const choice = await visitor.follow(`${apache.origin}/`)
      return visitor.follow(stack.hrefIn(choice, '/go?connection=hq'))
    }

    async function information(visitor: Visitor) {
      const page = await visitor.open(`${apache.redirectUri}?info=json`)
      return JSON.parse(page.text) as {
        access_token: string
        refresh_token: string
        userinfo: { name: string }
        id_token: { iss: string }
      }
    }
  },
)

/** The sample application from end to end: somebody scans, it knows them; they sign out, or are signed out of it. */
import assert from 'node:assert/strict'
import { createApplication, listUsers, updateApplication, updateUser } from '@muster/contracts'
import { createSampleApp } from '../examples/sample-app/src/sample-app.ts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { startProviderStack } from './provider-stack.ts'
import { createVisitor, IN_WECOM } from './visitor.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('the sample application knows who scanned, and forgets them when they sign out', async (url) => {
    await using stack = await startProviderStack(url)
    await using app = await startApp(stack)
    await stack.syncOnce()
    const member = stack.someone()
    await using visitor = createVisitor({ onAddress: stack.scansAs(member.userid) })

    const page = await visitor.follow(`${app.url}/login`)
    const home = await visitor.follow(stack.hrefIn(page, '/go?connection=hq'))
    assert.equal(home.url.href, `${app.url}/`)
    assert.ok(home.text.includes(member.name), home.text)
    const [user] = (await stack.ask(listUsers, { query: { q: member.userid } })).items
    assert.ok(home.text.includes(user!.id))
    assert.ok(home.text.includes('not verified'))

    const out = await visitor.submit(home, '/logout')
    assert.ok(out.location?.href.startsWith(`${stack.issuer}/session/end`))
    const asked = await visitor.follow(out.location!)
    const gone = await visitor.submit(asked, '/oidc/session/end/confirm', { logout: 'yes' })
    const back = await visitor.follow(gone.location!)
    assert.equal(back.url.href, `${app.url}/`)
    assert.ok(!back.text.includes(member.name))
    const again = await visitor.follow(`${app.url}/login`)
    assert.ok(again.url.pathname.startsWith('/signin/'), 'the provider asks again')
  })

  testWithUrl('inside WeCom there is no page, and whoever is disabled is out at once', async (url) => {
    await using stack = await startProviderStack(url)
    await using app = await startApp(stack, { skipSignInPage: true })
    await stack.syncOnce()
    const member = stack.someone()
    await using visitor = createVisitor({ userAgent: IN_WECOM, onAddress: stack.scansAs(member.userid) })

    const home = await visitor.follow(`${app.url}/login`)
    assert.ok(home.text.includes(member.name), home.text)

    const [user] = (await stack.ask(listUsers, { query: { q: member.userid } })).items
    await stack.ask(updateUser, { params: { id: user!.id }, body: { status: 'disabled' } })
    await eventually('the application was told', async () => !(await visitor.open(app.url)).text.includes(member.name))
    const refused = await visitor.follow(`${app.url}/login`)
    assert.equal(refused.status, 403)
  })
})

async function startApp(
  stack: Awaited<ReturnType<typeof startProviderStack>>,
  further: { skipSignInPage?: boolean } = {},
) {
  const body = { name: 'Sample', connections: ['hq'], ...further }
  const { id, clientId, clientSecret } = await stack.ask(createApplication, { body })
  const app = createSampleApp({ issuer: new URL(stack.issuer), clientId, clientSecret: clientSecret! })
  const { url, close } = await app.listen(0)
  const addresses = {
    redirectUris: [`${url}/callback`],
    postLogoutRedirectUris: [`${url}/`],
    backchannelLogoutUri: `${url}/backchannel-logout`,
  }
  await stack.ask(updateApplication, { params: { id }, body: addresses })
  return { url, [Symbol.asyncDispose]: close }
}

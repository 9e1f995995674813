/**
 * What an administrator changes counts from the next request on, at every server: nothing that a server keeps of
 * applications and connections outlives the change.
 */
import assert from 'node:assert/strict'
import { createApplication, updateApplication, updateConnection } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { serveHere, temporaryFolder } from './server.ts'
import { PUBLIC_URL } from './sign-in-browser.ts'
import { addPerson, connect, open, startSignInStack } from './sign-in-stack.ts'

const CALLBACK = 'https://app.corp.example/callback'
/** Of RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

onEitherDatabase(({ dialect, testWithUrl }) => {
  testWithUrl('what is switched off lets nobody in from the next request on, wherever that arrives', async (url) => {
    await using stack = await startSignInStack(url)
    addPerson(stack, 'LiSi', '李四')
    const application = await stack.ask(createApplication, {
      body: {
        name: 'GitLab',
        redirectUris: [CALLBACK],
        connections: ['hq'],
        skipSignInPage: true,
        passwordSignIn: false,
      },
    })
    const { id, clientId, clientSecret } = application
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
    })
    // On PostgreSQL everything is changed at one server and asked at the other.
    const folder = temporaryFolder()
    const other =
      dialect === 'postgres' ? await serveHere({ ...stack.settings, MUSTER_DATA_DIR: folder.path }) : undefined
    const browser = open(stack, other === undefined ? {} : { origin: other.origin })
    const ask = () => browser.follow(`/oidc/auth?${query.toString()}`)
    const isAtWecom = async () => URL.parse((await ask()).address)?.pathname === '/wwlogin/sso/login'
    const redeem = (address: string) =>
      browser.send('/oidc/token', {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: new URL(address).searchParams.get('code')!,
          redirect_uri: CALLBACK,
          code_verifier: VERIFIER,
        }),
      })
    try {
      // Nothing is shown on the way, and the dispatcher is not on it.
      const first = await browser.send(`/oidc/auth?${query.toString()}`)
      const wecom = first.headers.get('location')!
      assert.equal(new URL(wecom).pathname, '/wwlogin/sso/login')
      const back = await browser.send(browser.scan(wecom, 'LiSi'))
      assert.match(back.headers.get('location')!, new RegExp(`^${PUBLIC_URL}/oidc/auth/`))

      const changeApplication = (body: { enabled?: boolean; connections?: string[] }) =>
        stack.ask(updateApplication, { params: { id }, body })
      const switchSignIn = (enabled: boolean) =>
        stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { enabled } } })
      browser.jar.clear()

      await changeApplication({ enabled: false })
      assert.equal((await ask()).answer?.status, 400)
      await changeApplication({ enabled: true })
      assert.ok(await isAtWecom())

      await switchSignIn(false)
      assert.equal((await ask()).answer?.status, 403)
      await switchSignIn(true)
      assert.ok(await isAtWecom())

      await connect(stack, 'second')
      await changeApplication({ connections: ['hq', 'second'] })
      assert.match((await ask()).address, /^\/signin\//, 'with two connections there is a choice first')
      await changeApplication({ connections: ['hq'] })
      assert.ok(await isAtWecom())

      // While the person is at WeCom.
      const begun = (await ask()).address
      await switchSignIn(false)
      assert.equal((await browser.follow(browser.scan(begun, 'LiSi'))).answer?.status, 403)
      await switchSignIn(true)

      // Between the sign-in and the code, and between the code and the tokens.
      const { headers } = await browser.send(browser.scan((await ask()).address, 'LiSi'))
      const { pathname } = new URL(headers.get('location')!)
      await changeApplication({ enabled: false })
      assert.equal((await browser.follow(pathname)).answer?.status, 400)
      await changeApplication({ enabled: true })
      const arrived = await ask() // signed in they are all the same
      await changeApplication({ enabled: false })
      assert.equal((await redeem(arrived.address)).status, 401)
      await changeApplication({ enabled: true })
      assert.equal((await redeem(arrived.address)).status, 400, 'what was issued before is void')
      const person = await redeem((await ask()).address)
      assert.equal(person.status, 200)
      const { access_token: token } = JSON.parse(person.text) as { access_token: string }
      const claims = () => browser.send('/oidc/me', { headers: { authorization: `Bearer ${token}` } })
      assert.equal((await claims()).status, 200)
      await switchSignIn(false)
      assert.equal((await claims()).status, 401)
    } finally {
      await other?.stop()
      folder.remove()
    }
  })
})

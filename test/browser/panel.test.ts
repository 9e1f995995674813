/**
 * Signing in with the real `@wecom/jssdk` in a real Chromium, which takes the emulator for WeCom's host; and in a pop-up of
 * another site. What the panel does when it does not work, too.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { updateConnection } from '@muster/contracts'
import { withoutBrowser } from './chromium.ts'
import { PORTAL, setStage, SITE, STRANGER, type Stage } from './stage.ts'

/** A page with a button, as docs/embedding.md has it. */
const PAGE = `<!doctype html><title>Portal</title><script src="${SITE}/signin/embed.js"></script>
<button>Sign in</button><p></p>
<script>
  document.querySelector('button').onclick = async () => {
    document.querySelector('p').textContent = await muster.signIn()
  }
</script>`

let stage: Stage

before(async () => {
  if (withoutBrowser === false) {
    stage = await setStage((_request, response) => response.setHeader('content-type', 'text/html').end(PAGE))
  }
})

after(async () => {
  await stage?.[Symbol.asyncDispose]()
})

test('the panel signs in whoever scans, and the person never leaves our site', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visit()
  letScan()
  const tab = await visit.context.newPage()
  const visited: string[] = []
  tab.on('framenavigated', (frame) => void (frame === tab.mainFrame() && visited.push(new URL(frame.url()).origin)))

  await tab.goto(`${SITE}/signin/start?return_to=/healthz`)
  await tab.waitForURL(`${SITE}/healthz`)

  assert.deepEqual([...new Set(visited)], [SITE])
  assert.deepEqual(visit.complaints, [])
  assert.ok((await visit.context.cookies(SITE)).some(({ name }) => name === 'muster_session'))
})

test('what the panel complains of is said in words, and the plain link stays', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visit()
  const { control, corpId, app } = stage.stack
  const trust = (trustedDomains: string[] | 'any') =>
    control.patchApp({ corpId, agentId: app.agentId, patch: { trustedDomains } })
  trust(['elsewhere.example'])
  const tab = await visit.context.newPage()

  await tab.goto(`${SITE}/signin/start`)
  await tab.locator('#way-problem').filter({ hasText: 'does not accept the address of this site' }).waitFor()
  trust('any')

  assert.ok(await tab.getByRole('link', { name: 'Sign in on WeCom’s page' }).isVisible())
  assert.equal(await tab.locator('#panel').isVisible(), false)
})

test('a panel that does not load gives way to the plain link', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visit()
  await visit.context.route('https://login.work.weixin.qq.com/**', (route) => route.abort())
  const tab = await visit.context.newPage()
  await tab.clock.install()

  await tab.goto(`${SITE}/signin/start`)
  await tab.locator('#panel iframe').waitFor({ state: 'attached' })
  assert.equal(await tab.locator('#way-problem').isVisible(), false)
  await tab.clock.fastForward(7_000)
  await tab.locator('#way-problem').waitFor()

  assert.equal(await tab.locator('#panel').isVisible(), false)
  assert.ok(await tab.getByRole('link', { name: 'Sign in on WeCom’s page' }).isVisible())
})

test('a pop-up tells the site that is listed, and nobody else', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visit()
  await stage.stack.ask(updateConnection, { params: { id: 'hq' }, body: { signIn: { embedOrigins: [PORTAL] } } })
  letScan()

  const stranger = await visit.context.newPage()
  await stranger.goto(STRANGER)
  const refused = stranger.waitForEvent('popup')
  await stranger.getByRole('button').click()
  const window = await refused
  await window.getByRole('heading', { name: 'This site may not use the sign-in window' }).waitFor()
  await window.close()
  await stranger.getByText('closed').waitFor()

  const portal = await visit.context.newPage()
  await portal.goto(PORTAL)
  await portal.getByRole('button').click()
  await portal.getByText('signed-in').waitFor()
  assert.equal(visit.context.pages().length, 2, 'the pop-up has closed itself')

  // That somebody is signed in already is for listed sites only, too.
  const sure = await visit.context.newPage()
  const address = `${SITE}/signin/popup/done?for=${Buffer.from(STRANGER).toString('base64url')}`
  assert.equal((await sure.goto(address))?.status(), 403)
  assert.deepEqual(visit.complaints, [])
})

/** Somebody scans every code from now on. */
function letScan(): void {
  const { control, corpId } = stage.stack
  const [member] = control.truth({ corpId }).members
  control.setScanner({ who: { userid: member!.userid } })
}

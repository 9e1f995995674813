/**
 * Apps of a provider in the console, as an administrator goes about them: a template and a login suite, each in the order in
 * which WeCom lets one go, against the emulator's provider. Companies come by an invitation and by WeCom, and one cancels.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { getConnection, listCorps, type Connection } from '@muster/contracts'
import type { ProviderListing, SuiteListing } from '@muster/emulator'
import type { Page } from 'playwright-core'
import { eventually } from '../eventually.ts'
import { withoutBrowser } from './chromium.ts'
import { setConsoleStage, type ConsoleStage, type ConsoleVisit } from './console-stage.ts'

let stage: ConsoleStage
let owner: ConsoleVisit
let tab: Page
let provider: ProviderListing
let template: SuiteListing
let loginSuite: SuiteListing

const skip = withoutBrowser

before(async () => {
  if (withoutBrowser !== false) return
  stage = await setConsoleStage({ people: 12, connection: { sync: { enabled: false } } })
  const { control } = stage.stack
  control.createCompany({ people: 5, seed: 'second', name: '第二家公司' })
  provider = control.createProvider({ name: '云上科技' })
  template = control.createSuite({ providerCorpId: provider.corpId, kind: 'delegated', name: 'OA' })
  loginSuite = control.createSuite({ providerCorpId: provider.corpId, kind: 'third-party', name: 'Login' })
  owner = await stage.visitAs('owner')
  tab = owner.tab
})

after(async () => {
  await owner?.[Symbol.asyncDispose]()
  await stage?.[Symbol.asyncDispose]()
})

const read = (id: string): Promise<Connection> => stage.stack.ask(getConnection, { params: { id } })
const corpsOf = async (id: string) => (await stage.stack.ask(listCorps, { params: { id }, query: {} })).items
const button = (name: string | RegExp) =>
  tab.getByRole('button', { name: typeof name === 'string' ? new RegExp(`^(?:loading )?${name}$`) : name })
const heading = (name: string) => tab.getByRole('heading', { name, exact: true })
const field = (label: string | RegExp) => tab.getByLabel(label, { exact: true })
const inStep = (step: string) => tab.waitForURL((url) => url.searchParams.get('step') === step)

/** As long as WeCom's own: the token and key that the page made up. */
const secrets = { token: '', aesKey: '' }

test(
  'a template begins with its callback: token and key are made up here, saved and shown once',
  { skip },
  async () => {
    await tab.goto(stage.address('/connections/new?step=kind'))
    await tab.getByRole('radio', { name: 'Delegated development' }).check()
    await button('Continue').click()
    await field('Identifier').fill('oa')
    await field('Display name').fill('OA 代开发')
    await button('Create the draft').click()
    await inStep('callback')
    assert.deepEqual([(await read('oa')).kind, (await read('oa')).sync.enabled], ['delegated', false])

    secrets.token = await field('Token').inputValue()
    secrets.aesKey = await field('EncodingAESKey').inputValue()
    assert.match(secrets.token, /^[A-Za-z0-9]{32}$/)
    assert.match(secrets.aesKey, /^[A-Za-z0-9]{43}$/)
    assert.equal(await button('Continue').isDisabled(), true)
    assert.equal(
      await field('Command callback (指令回调URL)').inputValue(),
      `${stage.origin}/callback/wecom/oa/command`,
    )
    await field('EncodingAESKey').fill('too short')
    await button('Save both').click()
    await tab.getByText('Exactly 43 letters and digits.').waitFor()
    assert.deepEqual(await owner.barriersOnTheWay(), [])
    await field('EncodingAESKey').fill(secrets.aesKey)
    await field('CorpId of the service provider').fill(provider.corpId)
    await button('Save both').click()
    await tab.getByText('Saved. Enter both in WeCom now').waitFor()
    await tab.getByText(secrets.aesKey, { exact: true }).waitFor()
    await owner.settled()
    assert.deepEqual(await owner.barriersOnTheWay(), [])
    await owner.picture('template-callback')

    await button('I have entered them').click()
    await tab.getByText('Token and EncodingAESKey are stored, and never shown again.').waitFor()
    assert.equal(await tab.getByText(secrets.aesKey).count(), 0)
    const { callback, providerCorpId } = await read('oa')
    assert.deepEqual([callback.hasToken, callback.hasAesKey, providerCorpId], [true, true, provider.corpId])
  },
)

test('WeCom accepts the addresses, and the step says when the ticket is there', { skip }, async () => {
  await button('Continue').click()
  await inStep('suite')
  await tab.getByText('WeCom has sent no ticket yet.').waitFor()
  assert.deepEqual(await owner.barriersOnTheWay(), [])

  await field('Template id (模版ID)').fill(template.suiteId)
  await field('Template secret (模版Secret)').fill(template.secret)
  await field('ProviderSecret (optional)').fill(provider.secret)
  await button('Save').click()
  await tab.getByText('Saved. WeCom is asked as soon as it has sent the ticket.').waitFor()
  await enterCallback(template.suiteId, 'oa')

  await tab.getByText('WeCom sends the ticket. The newest came less than a minute ago.').waitFor()
  await button('Save and verify').click()
  await tab
    .getByText(/^Verified\./)
    .nth(3)
    .waitFor()
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('template-credentials')
})

test(
  'a company is invited by an address and a code, and stands in the list when it has authorised',
  { skip },
  async () => {
    const { control, corpId } = stage.stack
    await button('Continue').click()
    await inStep('corps')
    await tab.getByText('No company has authorised the app yet.').waitFor()
    await button('Invite a company').click()
    const dialog = tab.getByRole('dialog')
    const address = dialog.getByLabel('Address for the administrator', { exact: true })
    await address.waitFor()
    await dialog.getByRole('img', { name: 'The address as a QR code' }).waitFor()
    await owner.settled()
    assert.deepEqual(await owner.barriersOnTheWay(), [])
    await owner.picture('template-invitation')

    control.completeInstall({
      url: await address.inputValue(),
      corpId,
      seats: 5,
      expiresAtMs: Date.now() + 864_000_000,
    })
    await dialog.getByText('远山制造集团 has authorised the app.').waitFor()
    await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()

    const row = tab.getByRole('row').filter({ hasText: '远山制造集团' })
    await row.getByText('Authorised', { exact: true }).waitFor()
    await row.getByText('ends soon').waitFor()
    assert.deepEqual(await owner.barriersOnTheWay(), [])
    await owner.picture('template-companies')
  },
)

test('the other steps are those of a company’s own app, and both services are switched on', { skip }, async () => {
  await button('Continue').click()
  await inStep('domain')
  await heading('Domain and address').waitFor()
  assert.equal(await field('Trusted domain (可信域名)').inputValue(), new URL(stage.origin).host)
  await button('Continue').click()
  await inStep('mapping')
  await button('Save and continue').click()
  await inStep('services')
  await tab.getByRole('switch', { name: 'Switch on directory sync' }).click()
  await tab.getByRole('switch', { name: 'Switch on single sign-on' }).click()
  await button('Save and continue').click()
  await inStep('check')
  await button(/^Test (?:the connection|again)$/).click()
  await tab.getByText('Failed: 0', { exact: false }).waitFor()
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('template-check')

  const { sync, signIn } = await read('oa')
  assert.deepEqual([sync.enabled, signIn.enabled], [true, true])
})

test('a login suite has no directory to follow: fewer steps, fewer parts, one service', { skip }, async () => {
  await tab.goto(stage.address('/connections/new?step=kind'))
  await tab.getByRole('radio', { name: 'Service provider app' }).check()
  await button('Continue').click()
  await field('Identifier').fill('isv')
  await field('Display name').fill('ISV 登录')
  await button('Create the draft').click()
  await inStep('callback')
  secrets.token = await field('Token').inputValue()
  secrets.aesKey = await field('EncodingAESKey').inputValue()
  await field('CorpId of the service provider').fill(provider.corpId)
  await button('Save both').click()
  await tab.getByText('Saved. Enter both in WeCom now').waitFor()
  await button('Continue').click()

  await inStep('suite')
  await field('ProviderSecret').fill(provider.secret)
  await field('SuiteID of the login suite').fill(loginSuite.suiteId)
  await field('Secret of the login suite').fill(loginSuite.secret)
  await button('Continue').click()
  await inStep('domain')
  assert.equal(await field('Login launch domain (登录授权发起域名)').inputValue(), new URL(stage.origin).host)
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('suite-domain')
  await enterCallback(loginSuite.suiteId, 'isv')

  for (const { corpId } of stage.stack.control.companies()) {
    stage.stack.control.authorize({ suiteId: loginSuite.suiteId, corpId, from: 'wecom' })
  }
  await button('Continue').click()
  await inStep('corps')
  await tab.getByRole('row').filter({ hasText: '第二家公司' }).waitFor()
  await button('Continue').click()
  await inStep('services')
  assert.equal(await tab.getByRole('switch').count(), 1)
  await tab.getByRole('switch', { name: 'Switch on single sign-on' }).click()
  await button('Save and continue').click()
  await inStep('check')
  assert.equal(await button('Start the preview').count(), 0)
  assert.deepEqual(await owner.barriersOnTheWay(), [])

  await tab.goto(stage.address('/connections/isv'))
  await tab.getByRole('tab', { name: 'Companies' }).waitFor()
  assert.equal(await tab.getByRole('tab', { name: 'Sync' }).count(), 0)
  assert.equal(await tab.getByRole('link', { name: 'Companies: 2' }).count(), 1)
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('suite-services')
})

test('a company that cancels is shown as cancelled, and the other stays as it is', { skip }, async () => {
  const second = (await corpsOf('isv')).find(({ name }) => name === '第二家公司')!
  await tab.goto(stage.address('/connections/isv?tab=corps'))
  const row = tab.getByRole('row').filter({ hasText: '第二家公司' })
  await row.getByText('Authorised', { exact: true }).waitFor()

  stage.stack.control.cancelAuthorization({ suiteId: loginSuite.suiteId, corpId: second.corpId })
  await eventually('the company is cancelled', async () => (await read('isv')).suite?.authorizedCorps === 1)
  await tab.reload()
  await row.getByText('Cancelled', { exact: true }).waitFor()
  await tab.getByRole('row').filter({ hasText: '远山制造集团' }).getByText('Authorised', { exact: true }).waitFor()
  await tab.getByLabel('State', { exact: true }).click()
  await tab.getByTitle('Authorised', { exact: true }).click()
  await row.waitFor({ state: 'detached' })
  assert.deepEqual(await owner.barriersOnTheWay(), [])
  await owner.picture('suite-companies')
})

test(
  'a changed token and key leave the old ones a day, and another suite needs its secret again',
  { skip },
  async () => {
    await tab.goto(stage.address('/connections/isv?tab=credentials'))
    await button('Change them').click()
    await tab.getByText('What is stored now is accepted for 24 hours more').waitFor()
    await button('Save both').click()
    await tab.getByText('Saved. Enter both in WeCom now').waitFor()
    await button('I have entered them').click()
    await tab.getByText('The token and key before these are accepted until').waitFor()
    assert.notEqual((await read('isv')).callback.previousUntil, null)

    await field('SuiteID of the login suite').fill('wwanother')
    await button('Save and verify').click()
    await tab.getByText('The id is another one, so its secret has to be entered again.').waitFor()
    assert.equal((await read('isv')).suiteId, loginSuite.suiteId)
    assert.deepEqual(await owner.barriersOnTheWay(), [])
    await owner.picture('suite-credentials')
  },
)

test('an auditor sees companies and callback, and no button that changes something', { skip }, async () => {
  await using auditor = await stage.visitAs('auditor', {
    colorScheme: 'dark',
    locale: 'zh-CN',
    viewport: { width: 768, height: 1024 },
  })
  const looked = auditor.tab
  for (const part of ['services', 'corps', 'credentials', 'general']) {
    await auditor.open(`/connections/isv?tab=${part}`)
    await looked.getByRole('tabpanel').getByRole('heading', { level: 2 }).first().waitFor()
    const changing = looked.getByRole('button', { name: /保存|邀请|更换|移除|生成|开启|停用|检查|上传/ })
    assert.deepEqual(await changing.allTextContents(), [], part)
    assert.deepEqual(await auditor.barriersOnTheWay(), [], part)
    await auditor.picture(`auditor-suite-${part}`)
  }
  assert.deepEqual(auditor.complaints, [])
})

test('nothing of all this has offended the policy of the pages', { skip }, () => {
  assert.deepEqual(owner.complaints, [])
})

/** What the provider's administrator does in WeCom's console with what the page shows. */
async function enterCallback(suiteId: string, identifier: string): Promise<void> {
  const { control } = stage.stack
  const verified = await control.setSuiteCallback({
    suiteId,
    token: secrets.token,
    encodingAesKey: secrets.aesKey,
    commandUrl: `${stage.origin}/callback/wecom/${identifier}/command`,
    dataUrl: `${stage.origin}/callback/wecom/${identifier}/data`,
  })
  assert.equal(verified.ok, true)
  await control.deliveriesSettled()
}

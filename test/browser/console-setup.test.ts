/**
 * The first run as somebody lives it who has just installed Muster: the address that the server printed, the first owner,
 * the first sign-in. In English with the keyboard alone, then what the address is worth afterwards.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { join } from 'node:path'
import { freePort } from '../../tools/free-port.ts'
import { settingsFor, spawnServer, temporaryFolder, type ServerProcess } from '../server.ts'
import { withoutBrowser } from './chromium.ts'
import { setConsoleStage, PASSWORD, type ConsoleStage } from './console-stage.ts'

let parts: AsyncDisposableStack
let stage: ConsoleStage
let server: ServerProcess
let address: string

before(async () => {
  if (withoutBrowser !== false) return
  parts = new AsyncDisposableStack()
  stage = parts.use(await setConsoleStage({ people: 12 }))
  const folder = temporaryFolder()
  parts.defer(() => folder.remove())
  const port = await freePort()
  const { MUSTER_BOOTSTRAP_TOKEN: _, ...settings } = settingsFor({
    databaseUrl: `sqlite:${join(folder.path, 'muster.db')}`,
    dataDir: folder.path,
    wecomUrl: stage.stack.emulator.apiUrl,
  })
  server = await spawnServer({
    ...settings,
    MUSTER_LISTEN: `127.0.0.1:${port}`,
    MUSTER_PUBLIC_URL: `http://localhost:${port}`,
  })
  parts.defer(() => server.stop())
  address = /^Set-up: (\S+)$/m.exec(server.log())![1]!
})

after(() => parts?.disposeAsync())

test('the printed address makes the first owner, who signs in', { skip: withoutBrowser }, async () => {
  await using visit = await stage.visit({ locale: 'en' })
  const { tab } = visit

  await tab.goto(address)
  await tab.getByRole('heading', { level: 1, name: 'Set up Muster' }).waitFor()
  assert.equal(new URL(tab.url()).hash, '', 'the token is out of the address')
  assert.equal(await tab.evaluate('history.length'), 2, 'and nothing of it stays in the history')
  await visit.picture('setup')
  assert.deepEqual(await visit.barriersOnTheWay(), [])

  // The keyboard alone: what is weak is said before anything is sent.
  await tab.getByLabel('Login name').focus()
  await tab.keyboard.type('admin')
  await tab.keyboard.press('Tab')
  await tab.keyboard.type('管理员')
  await tab.keyboard.press('Tab')
  await tab.keyboard.type('password123')
  await tab.getByText('None of those that are guessed first (not kept)').waitFor()
  await tab.keyboard.press('Enter')
  await tab.getByText('This is one of the passwords that are guessed first.').waitFor()
  await visit.picture('setup-weak')
  await tab.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await tab.getByLabel('Password again').fill('another password')
  await tab.keyboard.press('Enter')
  await tab.getByText('The two passwords differ.').waitFor()
  await tab.getByLabel('Password again').fill(PASSWORD)
  await tab.keyboard.press('Enter')
  await tab.getByRole('heading', { name: '管理员 is the owner now' }).waitFor()
  await visit.picture('setup-done')
  assert.deepEqual(await visit.barriersOnTheWay(), [])

  await tab.getByRole('link', { name: 'Sign in to the console' }).click()
  await tab.locator('input[name="username"]').fill('admin')
  await tab.locator('input[type="password"]').fill(PASSWORD)
  await tab.keyboard.press('Enter')
  await tab.locator('#page').waitFor()
  assert.equal(new URL(tab.url()).pathname, '/console/')
  const elsewhere = visit.complaints.filter((text) => !text.startsWith('asked '))
  assert.deepEqual(elsewhere, [])
})

test(
  'afterwards the address says that it is over, and without its token what is missing',
  { skip: withoutBrowser },
  async () => {
    await using visit = await stage.visit({
      locale: 'zh-CN',
      colorScheme: 'dark',
      viewport: { width: 768, height: 900 },
    })
    const { tab } = visit

    await tab.goto(address)
    await tab.getByLabel('登录名').fill('second')
    await tab.getByLabel('显示名称').fill('第二位')
    await tab.getByLabel('密码', { exact: true }).fill(PASSWORD)
    await tab.getByLabel('再次输入密码').fill(PASSWORD)
    await tab.getByRole('button', { name: '创建所有者' }).click()
    await tab.getByRole('heading', { name: 'Muster 已完成初始化' }).waitFor()
    await visit.picture('setup-closed-zh')
    assert.deepEqual(await visit.barriersOnTheWay(), [])

    await tab.goto(address.replace(/#.*/, ''))
    await tab.reload()
    await tab.getByRole('heading', { name: '此地址缺少令牌' }).waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
  },
)

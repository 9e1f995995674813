/**
 * A client that knows nothing of us, judging the emulator: Logto's WeCom connector, unchanged, gets a token, redeems a
 * sign-in code and reads the member. Its hosts are constants, so they are replaced while the module is loaded.
 */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { startEmulator } from '@muster/emulator'

const WECOM_HOST = 'https://qyapi.weixin.qq.com'
/** A variable, because the package has no types of its own. */
const CONNECTOR: string = '@logto/connector-wecom'

/** As much of the connector as is used here. */
interface ConnectorModule {
  default: (parts: { getConfig: () => Promise<Record<string, string>> }) => Promise<{
    getUserInfo: (data: { code: string }) => Promise<Record<string, unknown>>
  }>
}

async function importConnector(apiUrl: string): Promise<ConnectorModule> {
  let replaced = 0
  const hooks = registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!url.includes('/@logto/connector-wecom/lib/') || loaded.source == null) return loaded
      const pieces = Buffer.from(loaded.source as Uint8Array)
        .toString('utf8')
        .split(WECOM_HOST)
      replaced += pieces.length - 1
      return { ...loaded, source: pieces.join(apiUrl) }
    },
  })
  try {
    const connector = (await import(CONNECTOR)) as ConnectorModule
    assert.ok(replaced >= 3, 'the connector names its endpoints elsewhere now')
    return connector
  } finally {
    hooks.deregister()
  }
}

test('a connector written by others signs a member in', async () => {
  const emulator = await startEmulator({ companies: [{ people: 12, seed: 'judge' }] })
  try {
    const { control } = emulator
    const [company] = control.companies()
    const app = company!.apps.find(({ kind }) => kind === 'self-built-before-2022')!
    const { corpId } = company!
    const userid = 'LiSi'
    const email = 'lisi@people.example'
    control.addMember({ corpId, member: { userid, name: '李四', department: [2], mobile: '13800000042', email } })
    const { default: createConnector } = await importConnector(emulator.apiUrl)
    const connector = await createConnector({
      getConfig: () =>
        Promise.resolve({ corpId, appSecret: app.secret, agentId: String(app.agentId), scope: 'snsapi_privateinfo' }),
    })

    const { code } = control.mintCode({ corpId, agentId: app.agentId, identity: { userid } })
    const person = await connector.getUserInfo({ code })

    assert.deepEqual([person['id'], person['name'], person['email']], [userid, '李四', email])
    assert.match(String(person['phone']).replaceAll(' ', ''), /^\+?8613800000042$/)
    assert.deepEqual(
      control.calls().map(({ endpoint, errcode }) => [endpoint, errcode]),
      [
        ['gettoken', 0],
        ['auth/getuserinfo', 0],
        ['user/get', 0],
      ],
    )
    await assert.rejects(connector.getUserInfo({ code }), 'a code works once')
  } finally {
    await emulator.close()
  }
})

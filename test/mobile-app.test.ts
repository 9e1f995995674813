/** A native app signs somebody in with a code of WeCom's SDK, as docs/mobile.md says: its application, its request. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApplication, listSignIns, listUsers, updateUser, type NewApplication } from '@muster/contracts'
import type { z } from 'zod'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { startProviderStack } from './provider-stack.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/mobile.md'), 'utf8')

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a native app exchanges a code for tokens, and learns nothing from a refusal', async (url) => {
    await using stack = await startProviderStack(url)
    await stack.syncOnce()
    const member = stack.someone()
    const [user] = (await stack.ask(listUsers, { query: { q: member.userid } })).items
    const { clientId, clientSecret } = await stack.ask(createApplication, { body: applicationOfPage() })
    assert.equal(clientSecret, null, 'a native app has no secret')
    const mint = (source: 'mobile' | 'web' = 'mobile', privateFields?: string[]) => {
      const { agentId } = stack.app
      const identity = { userid: member.userid }
      const given = { corpId: stack.corpId, agentId, identity, source }
      return stack.control.mintCode(privateFields === undefined ? given : { ...given, privateFields }).code
    }
    const exchange = (code: string, further: Record<string, string> = {}) =>
      post({ ...requestOfPage(clientId, code), ...further })

    const code = mint()
    const given = await exchange(code)
    const { access_token, id_token, refresh_token } = given.json as Record<string, string>
    const person = await stack.send('/oidc/me', { headers: { authorization: `Bearer ${access_token}` } })
    const renewed = await post({ grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh_token! })

    assert.deepEqual([given.status, person.status, renewed.status], [200, 200, 200])
    assert.deepEqual([person.json['sub'], person.json['name']], [user!.id, member.name])
    assert.equal(typeof id_token, 'string')
    assert.notEqual(renewed.json['refresh_token'], refresh_token)

    const refusals: [Promise<Awaited<ReturnType<typeof exchange>>>, string | null][] = [
      [exchange(code), 'code-rejected'],
      [exchange(mint('web', ['mobile'])), 'code-of-another-door'],
      [exchange(mint(), { connection: 'nobody' }), 'connection-unknown'],
      [exchange('made-up'), 'code-rejected'],
      [exchange(''), null],
    ]
    const expected: string[] = []
    for (const [answer, reason] of refusals) {
      const { status, json } = await answer
      assert.deepEqual([status, json['error']], [400, 'invalid_grant'], reason ?? 'no code')
      if (reason !== null) {
        assert.ok(!JSON.stringify(json).includes(reason), 'the reason is in the log of sign-ins only')
        expected.push(reason)
      }
    }
    const { items } = await stack.ask(listSignIns, { query: { outcome: 'refused' } })
    assert.deepEqual(items.map(({ reason }) => reason).toSorted(), expected.toSorted())
    assert.ok(items.every(({ door }) => door === 'mobile-sdk'))

    await stack.ask(updateUser, { params: { id: user!.id }, body: { status: 'disabled' } })
    const late = await post({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: String(renewed.json['refresh_token']),
    })
    const disabled = await exchange(mint())
    assert.deepEqual([late.json['error'], disabled.json['error']], ['invalid_grant', 'invalid_grant'])

    const browsers = await stack.ask(createApplication, { body: { ...applicationOfPage(), mobile: false } })
    const foreign = await exchange(mint(), { client_id: browsers.clientId })
    assert.deepEqual([foreign.status, foreign.json['error']], [400, errorOfPage()])

    function post(fields: Record<string, string>) {
      return createClient(stack.server.origin, null).send('/oidc/token', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields).toString(),
      })
    }
  })
})

/** The example that makes the application: the last block of JSON. */
function applicationOfPage(): z.input<typeof NewApplication> {
  const block = [...page.matchAll(/```json\n([\s\S]*?)```/g)].at(-1)!
  return JSON.parse(block[1]!) as z.input<typeof NewApplication>
}

/** The fields of the example with curl. */
function requestOfPage(clientId: string, code: string): Record<string, string> {
  const [command] = /^curl .*wecom-code[^`]*/ms.exec(page)!
  const fields = [...command.matchAll(/-d (?:'([^']*)'|(\S+))/g)].map(([, quoted, bare]) => (quoted ?? bare)!)
  assert.ok(fields.length >= 5)
  return Object.fromEntries(
    fields.map((field) => {
      const [name, value] = field.split('=') as [string, string]
      return [name, value.replace('<clientId>', clientId).replace('<code>', code)]
    }),
  )
}

function errorOfPage(): string {
  return /\| 400 `([a-z_]+)` \| the application has no `mobile: true`/.exec(page)![1]!
}

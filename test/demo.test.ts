/** The demo as somebody sees it who has just cloned this: what it prints, and that its lines do what they say. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { getUser, listCorps, listDepartments, listEvents, listUsers, type Run } from '@muster/contracts'
import { request } from 'undici'
import { freePort } from '../tools/free-port.ts'
import { createClient } from './client.ts'
import { eventually } from './eventually.ts'
import { runCommand, startCommand } from './server.ts'
import { createVisitor } from './visitor.ts'

test('the demo moves somebody in WeCom by the line it prints, and they move here without a run that anybody starts', async () => {
  const port = await freePort()
  const demo = startCommand(['demo', '--people', '60', '--port', String(port)], {})
  let code: number | null = null
  try {
    await eventually('the demo has said everything', () => demo.output().includes('controlled at'))
    const output = demo.output()
    const move = /curl (http:\S+\/patchMember) -d '([^']+)'\n\s+then see \S+\/people\/(usr_\w+)\?tab=timeline/.exec(
      output,
    )
    assert.ok(move, output)
    const [, address, argument, id] = move
    const token = /Bearer ([\w-]+)/.exec(output)![1]!
    const { ask } = createClient(`http://127.0.0.1:${port}`, token)
    const { departments: before } = await ask(getUser, { params: { id: id! } })

    const answer = await request(address!, { method: 'POST', body: argument! })

    assert.equal(answer.statusCode, 200, await answer.body.text())
    const { departments: after } = await eventually('they are in the other department', async () => {
      const user = await ask(getUser, { params: { id: id! } })
      return user.departments[0]?.departmentId !== before[0]?.departmentId && user
    })
    const { items } = await ask(listDepartments, { query: { connection: 'demo', limit: 100 } })
    const wanted = (JSON.parse(argument!) as { patch: { department: number[] } }).patch.department.map(String)
    const externalIds = after.map(({ departmentId }) => items.find((one) => one.id === departmentId)?.externalId)
    assert.deepEqual(externalIds, wanted)
    const { items: events } = await ask(listEvents, {})
    assert.deepEqual(
      events.map(({ type }) => type),
      ['update_user'],
    )
  } finally {
    code = await demo.interrupt()
  }
  assert.equal(code, 0, demo.output())
})

test('with a provider, people of a second company come into the sample application', async () => {
  const port = await freePort()
  const demo = startCommand(['demo', '--people', '60', '--port', String(port), '--provider'], {})
  try {
    await eventually('the demo has said everything', () => demo.output().includes('controlled at'))
    const output = demo.output()
    assert.match(output, /海川贸易有限公司 has authorised two apps of a provider/)
    const token = /Bearer ([\w-]+)/.exec(output)![1]!
    const { ask } = createClient(`http://127.0.0.1:${port}`, token)
    for (const id of ['template', 'suite']) {
      await eventually(`the company is known to ${id}`, async () => {
        const { items } = await ask(listCorps, { params: { id }, query: {} })
        return items.some(({ name, state, agentId }) => `${name} ${state}` === '海川贸易有限公司 authorized' && agentId)
      })
    }
    const controlUrl = /controlled at (\S+)/.exec(output)![1]!
    const listed = await request(`${controlUrl}/companies`)
    const companies = (await listed.body.json()) as { corpId: string; name: string }[]
    const { corpId } = companies.find(({ name }) => name === '海川贸易有限公司')!
    const here = (await ask(listUsers, { query: { limit: 1 } })).total
    await using visitor = createVisitor({
      onAddress: (address) => {
        if (!address.pathname.startsWith('/wwlogin/sso/')) return
        address.searchParams.set('scan_as', 'demo.visitor')
        address.searchParams.set('scan_corp', corpId)
      },
    })
    const member = { userid: 'demo.visitor', name: '访客', department: [1], mobile: '13900000001', status: 1 }
    await request(`${controlUrl}/addMember`, {
      method: 'POST',
      body: JSON.stringify({ corpId, member, unchecked: true }),
    })

    const application = /Application\s+(\S+)/.exec(output)![1]!
    const choice = await visitor.follow(`${application}/login`)
    assert.match(choice.text, /服务商应用/)
    const home = await visitor.follow(
      new URL(`${choice.url.pathname.replace(/\/$/, '')}/go?connection=suite`, choice.url),
    )

    assert.equal(home.url.href, `${application}/`, home.text.slice(0, 2_000))
    assert.equal((await ask(listUsers, { query: { limit: 1 } })).total, here + 1)
  } finally {
    await demo.interrupt()
  }
})

test('once, the demo synchronises twice and ends, and the second time nothing changes', async () => {
  const { code, stdout, stderr } = await runCommand(['demo', '--people', '60', '--once', '--json'], {})

  assert.equal(code, 0, stderr)
  const { first, second, changes } = JSON.parse(stdout) as { first: Run; second: Run; changes: number }
  assert.deepEqual([first.state, first.counts.users.created, second.state, changes], ['succeeded', 60, 'succeeded', 0])
})

test('on a port that is taken, the demo says so before it synchronises, and how to choose another', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo

  const { code, stdout, stderr } = await runCommand(['demo', '--people', '60', '--port', String(port)], {})

  taken.close()
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /something else listens there already[\s\S]*已有其他程序在监听[\s\S]*demo --port/)
})

/** Signing in through apps of a provider in a real Chromium: the panel of a suite, and the companies of a delegated app. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listSignIns } from '@muster/contracts'
import { addSuite } from '../suite-stack.ts'
import { withoutBrowser } from './chromium.ts'
import { setStage, SITE } from './stage.ts'

const START = `${SITE}/signin/start?return_to=/healthz`

test('the panel of a suite signs in people of two companies', { skip: withoutBrowser }, async () => {
  await using stage = await setStage(() => {}, { signIn: { enabled: false } })
  const { stack } = stage
  const suite = await addSuite(stack, { kind: 'service_provider' })

  for (const corpId of suite.companies) {
    await using visit = await stage.visit()
    stack.control.setScanner({ who: { userid: 'admin' }, corpId })
    const tab = await visit.context.newPage()
    await tab.goto(START)
    await tab.waitForURL(`${SITE}/healthz`)
    assert.deepEqual(visit.complaints, [])
  }

  const { items } = await stack.ask(listSignIns, { query: {} })
  assert.deepEqual(
    items.map(({ outcome, door }) => [outcome, door]),
    [
      ['succeeded', 'panel'],
      ['succeeded', 'panel'],
    ],
  )
  assert.equal(new Set(items.map(({ userId }) => userId)).size, 2)
})

test('people pick their company, and its own app signs them in', { skip: withoutBrowser }, async () => {
  await using stage = await setStage(() => {}, { signIn: { enabled: false } })
  const { stack } = stage
  const suite = await addSuite(stack, { kind: 'delegated' })
  stack.control.setScanner({ who: { userid: 'admin' } })

  for (const name of ['甲公司', '乙公司']) {
    await using visit = await stage.visit()
    const tab = await visit.context.newPage()
    await tab.goto(START)
    await tab.getByRole('heading', { name: '伙伴企业微信' }).waitFor()
    await tab.getByRole('link', { name }).click()
    await tab.waitForURL(`${SITE}/healthz`)
    assert.deepEqual(visit.complaints, [])
  }

  const { items } = await stack.ask(listSignIns, { query: {} })
  const corps = await suite.corps()
  const names = items.map(({ corpId }) => corps.find((corp) => corp.corpId === corpId)?.name)
  assert.deepEqual(names, ['乙公司', '甲公司'])
  assert.ok(items.every(({ outcome, door }) => outcome === 'succeeded' && door === 'panel'))

  await suite.cancel(suite.companies[0])
  await using visit = await stage.visit()
  const tab = await visit.context.newPage()
  await tab.goto(START)
  await tab.waitForURL(`${SITE}/healthz`)
  const [last] = (await stack.ask(listSignIns, { query: {} })).items
  assert.equal(last!.corpId, items[0]!.corpId, 'with one company left there is nothing to pick')
})

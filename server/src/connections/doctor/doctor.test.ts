/** How long an examination may take, and for how long a refused secret is left alone: with a clock of the test's own. */
import assert from 'node:assert/strict'
import { startEmulator } from '@muster/emulator'
import { onEachDatabase } from '../../../test-support/databases.ts'
import { createAudit, SYSTEM } from '../../audit/audit.ts'
import type { Database } from '../../database/database.ts'
import { createOrganizations } from '../../directory/organizations.ts'
import { createIds } from '../../ids.ts'
import { Secret } from '../../secret.ts'
import { createVault } from '../../vault.ts'
import { createConnections } from '../connections.ts'
import { createDoctor, type Diagnosis } from './doctor.ts'
import { createVerificationFiles } from '../verification-files.ts'
import { createWecomAccess } from '../wecom.ts'

const MINUTE = 60_000

onEachDatabase(({ test }) => {
  test('an examination ends on time although WeCom never answers', async (database) => {
    await using world = await createWorld(database, { timeoutMs: 300 })
    world.control.addFault({ endpoint: '*', effect: { kind: 'hang' } })

    const hanging = await world.examine()

    assert.equal(resultOf(hanging, 'token'), 'fail')
    assert.match(textOf(hanging, 'token'), /No answer of WeCom within 1 s/)
    assert.deepEqual(
      ['address', 'departments', 'member'].map((name) => resultOf(hanging, name)),
      ['skipped', 'skipped', 'skipped'],
    )
  })

  test('a refused secret is asked again after an hour, or when it was saved again', async (database) => {
    await using world = await createWorld(database, { secret: 'not-the-secret' })
    const asked = () => world.control.calls({ endpoint: 'gettoken' }).length

    await world.examine()
    world.pass(59 * MINUTE)
    const remembered = await world.examine()
    assert.equal(asked(), 1)
    assert.match(textOf(remembered, 'token'), /was not asked again/)
    world.pass(2 * MINUTE)
    await world.examine()
    assert.equal(asked(), 2)
    await world.save('not-the-secret')
    world.pass(MINUTE)
    await world.examine()
    assert.equal(asked(), 3)
    await world.save(world.rightSecret)
    const mended = await world.examine()

    assert.equal(asked(), 4)
    assert.equal(resultOf(mended, 'token'), 'pass')
  })
})

async function createWorld(database: Database, given: { secret?: string; timeoutMs?: number }) {
  const emulator = await startEmulator({ companies: [{ people: 5, seed: 'doctor' }] })
  const [company] = emulator.control.companies()
  const app = company!.apps[0]!
  const start = Date.now()
  let passedMs = 0
  const now = () => start + passedMs
  const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })
  const audit = createAudit({ database, newId, now })
  const organizations = createOrganizations({ database, audit, newId, now })
  const connections = createConnections({ database, vault, audit, newId, now })
  const wecom = createWecomAccess({
    database,
    vault,
    connections,
    settings: { apiUrl: emulator.apiUrl, backoffMs: 20, callTimeoutMs: 15_000, callsPerMinute: 8_000 },
    now,
    owner: 'test',
    onCall: () => {},
    onBudgetError: (error) => assert.fail(String(error)),
  })
  const { timeoutMs, secret = app.secret } = given
  const doctor = createDoctor({
    database,
    connections,
    verificationFiles: createVerificationFiles({ database, audit, now }),
    organizations,
    wecom,
    now,
    publicUrl: 'https://muster.corp.example',
    environmentRedirectUrl: undefined,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
  const { id } = await organizations.ensureDefault()
  const { corpId } = company!
  await connections.create(SYSTEM, id, {
    identifier: 'hq',
    kind: 'self_built',
    corpId,
    agentId: app.agentId,
    secret,
  })
  return {
    control: emulator.control,
    rightSecret: app.secret,
    examine: () => doctor.examine('hq'),
    save: (text: string) => connections.update(SYSTEM, 'hq', { secret: text }),
    pass: (ms: number) => void (passedMs += ms),
    async [Symbol.asyncDispose]() {
      await wecom.close()
      await emulator.close()
    },
  }
}

function resultOf({ checks }: Diagnosis, name: string): string | undefined {
  return checks.find((check) => check.name === name)?.result
}

function textOf({ checks }: Diagnosis, name: string): string {
  return checks.find((check) => check.name === name)?.detail.en ?? ''
}

import assert from 'node:assert/strict'
import { startEmulator } from '@muster/emulator'
import { createBudget, createMemoryTokenStore, createWecom } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, createDirectory } from '../../test-support/directory.ts'
import { SYNC_SETTINGS } from '../../test-support/sync-settings.ts'
import type { Database } from '../database/database.ts'
import { createIds } from '../ids.ts'
import { createLog } from '../log.ts'
import { createHistory } from './history.ts'
import { createRuns } from './runs.ts'
import { createSync } from './sync.ts'

onEachDatabase(({ test }) => {
  test('a run whose last commit got no answer counts what is on record', async (real) => {
    const { addConnection, audit, organization } = await createDirectory(real)
    const connectionId = await addConnection('hq')
    const emulator = await startEmulator({ companies: [{ people: 40, seed: 'answers' }] })
    const [company] = emulator.control.companies()
    const app = company!.apps.find(({ kind }) => kind === 'self-built-before-2022')!
    const { corpId } = company!
    const wecom = createWecom({
      apiUrl: emulator.apiUrl,
      tokens: createMemoryTokenStore(),
      budget: createBudget({ callsPerMinute: 10_000, now: Date.now }),
      now: Date.now,
      backoffMs: 20,
      callTimeoutMs: 15_000,
    })
    const database = losingAnswer(real)
    const newId = createIds({ now: Date.now, random: (bytes) => crypto.getRandomValues(bytes) })
    const runs = createRuns({ database, newId, owner: 'test' })
    const history = createHistory({ database })
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const sync = createSync({
      database,
      audit,
      runs,
      history,
      newId,
      now: Date.now,
      log: createLog({ level: 'fatal' }),
      runTimeoutMs: 60_000,
      companiesOf: async () => ({ organizationId: organization.id, companies: [{ corpId, name: null }] }),
      sourceOf: async (_id, _corpId, onCall) => ({
        connectionId,
        organizationId: organization.id,
        corpId,
        principal: wecom.principal({ corpId, secret: app.secret, agentId: app.agentId, onCall }),
        agentId: app.agentId,
        hasVisibleRange: true,
        contacts: null,
        settings: SYNC_SETTINGS,
      }),
      settingsOf: async () => ({ isEnabled: true, isRealTime: true, corpId, settings: SYNC_SETTINGS }),
      schedules: { dueRuns: async () => [], useDueTime: async () => false },
      isLasting: true,
      onFinished: () => end(),
    })

    const { id } = await sync.start(connectionId, { mode: 'apply', trigger: 'manual', actor: ACTOR })
    await ended
    const run = await runs.load(id)

    const { total } = await history.list(id, { entity: 'user', state: 'applied' }, { after: -1, limit: 1 })
    assert.equal(run.state, 'failed')
    assert.ok(total > 0)
    assert.equal(run.counts.users.created, total)
    await sync.stop()
    await wecom.close()
    await emulator.close()
  })
})

/** Commits the first transaction that writes people and loses the answer, as a connection does that ends just then. */
function losingAnswer(database: Database): Database {
  let isLost = false
  return {
    ...database,
    async inTransaction(work) {
      const result = await database.inTransaction(work)
      if (isLost) return result
      const people = database.kysely.selectFrom('changes').select('run_id').where('entity', '=', 'user').limit(1)
      isLost = (await people.execute()).length > 0
      if (isLost) throw new Error('Connection terminated unexpectedly')
      return result
    },
  }
}

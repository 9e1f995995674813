import assert from 'node:assert/strict'
import { WecomError, type CallOptions, type Principal } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { SYNC_SETTINGS } from '../../test-support/sync-settings.ts'
import { createAudit } from '../audit/audit.ts'
import { createUsers } from '../directory/users.ts'
import { createIds } from '../ids.ts'
import { createExplain } from './explain.ts'

onEachDatabase(({ test }) => {
  test('a WeCom that never answers is given up on, whichever question it is', async (database) => {
    const now = () => 1_700_000_000_000
    const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
    const audit = createAudit({ database, newId, now })
    const users = createUsers({ database, audit, newId, now })
    const explainWith = (principal: unknown) =>
      createExplain({
        database,
        audit,
        users,
        newId,
        now,
        timeoutMs: 20,
        sourceOf: () => Promise.resolve({ source: { ...SOURCE, principal: principal as Principal }, ...HQ }),
      })('con_1', 'li')

    const mute = await explainWith({ members: { get: never } })
    const treeless = await explainWith({
      members: { get: () => Promise.resolve({ userid: 'li', departments: [{ id: 1 }] }) },
      departments: { list: (_: undefined, calls: CallOptions) => never(_, calls) },
    })

    assert.deepEqual(
      [mute, treeless].map(({ steps }) => steps.map(({ result }) => result).join()),
      ['fail,skipped,skipped,skipped,skipped', 'pass,fail,skipped,skipped,skipped'],
    )
    assert.match(mute.steps[0]!.detail.en, /did not answer in time/)
    assert.match(treeless.steps[1]!.detail.en, /did not answer in time/)
  })
})

/** As the client does: waits until the caller gives up. */
function never(_: unknown, { signal }: CallOptions): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = () => reject(new WecomError('WECOM_ABORTED', { api: 'user/get', message: 'the caller gave up' }))
    signal!.addEventListener('abort', giveUp, { once: true })
  })
}

const HQ = { displayName: '总部', isSyncOn: true }

const SOURCE = {
  connectionId: 'con_1',
  organizationId: 'org_1',
  corpId: 'ww1',
  agentId: null,
  hasVisibleRange: true,
  contacts: null,
  settings: SYNC_SETTINGS,
} as const

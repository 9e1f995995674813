/** Events by whichever credentials there are: what they make of a change is what a full run makes of it. */
import assert from 'node:assert/strict'
import { startEmulator } from '@muster/emulator'
import { createBudget, createMemoryTokenStore, createWecom, type CallReport } from '@muster/wecom'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, createDirectory } from '../../test-support/directory.ts'
import { SYNC_SETTINGS } from '../../test-support/sync-settings.ts'
import { createIds } from '../ids.ts'
import { createLog } from '../log.ts'
import { createHistory } from './history.ts'
import type { Hint } from './hints.ts'
import { createRuns } from './runs.ts'
import { createSync, type SyncSettings } from './sync.ts'

const settings: SyncSettings = { ...SYNC_SETTINGS, onlyHereUsers: 'disable' }

const CREDENTIALS = {
  'the app': { app: true, contacts: false, calls: ['user/get'] },
  'the 通讯录同步 secret alone, which may read ids': { app: false, contacts: true, calls: ['user/list_id'] },
  'both secrets': { app: true, contacts: true, calls: ['user/list_id', 'user/get'] },
} as const

onEachDatabase(({ test }) => {
  for (const [name, credentials] of Object.entries(CREDENTIALS)) {
    test(`with ${name}, who joins, moves and leaves is as a full run would have it`, async (database, t) => {
      const { addConnection, audit, organization } = await createDirectory(database)
      const connectionId = await addConnection('hq')
      const emulator = await startEmulator({ companies: [{ people: 30, seed: 'hints' }] })
      t.after(() => emulator.close())
      const { control } = emulator
      const [company] = control.companies()
      const { corpId, apps } = company!
      const app = apps.find(({ kind }) => kind === 'self-built-before-2022')!
      const contactsApp = apps.find(({ kind }) => kind === 'contacts-sync')!
      const wecom = createWecom({
        apiUrl: emulator.apiUrl,
        tokens: createMemoryTokenStore(),
        budget: createBudget({ callsPerMinute: 10_000, now: Date.now }),
        now: Date.now,
        backoffMs: 20,
        callTimeoutMs: 15_000,
      })
      t.after(() => wecom.close())
      const called = new Set<string>()
      const newId = createIds({ now: Date.now, random: (bytes) => crypto.getRandomValues(bytes) })
      const runs = createRuns({ database, newId, owner: 'test' })
      const ends = new Map<string, () => void>()
      const sync = createSync({
        database,
        audit,
        runs,
        history: createHistory({ database }),
        newId,
        now: Date.now,
        log: createLog({ level: 'fatal' }),
        runTimeoutMs: 60_000,
        companiesOf: async () => ({ organizationId: organization.id, companies: [{ corpId, name: null }] }),
        sourceOf: async () => {
          const principalWith = ({ secret, agentId }: { secret: string; agentId: number }) =>
            wecom.principal({ corpId, secret, agentId, onCall: ({ api }: CallReport) => void called.add(api) })
          const contacts = credentials.contacts ? principalWith(contactsApp) : null
          return {
            connectionId,
            organizationId: organization.id,
            corpId,
            principal: credentials.app ? principalWith(app) : contacts!,
            agentId: credentials.app ? app.agentId : null,
            hasVisibleRange: credentials.app,
            contacts,
            settings,
          }
        },
        settingsOf: async () => ({ isEnabled: true, isRealTime: true, corpId, settings }),
        schedules: { dueRuns: async () => [], useDueTime: async () => false },
        isLasting: true,
        onFinished: ({ id }) => ends.get(id)?.(),
      })
      const fullRun = async () => {
        const { id } = await sync.start(connectionId, { mode: 'apply', trigger: 'manual', actor: ACTOR })
        const { promise, resolve } = Promise.withResolvers<void>()
        ends.set(id, resolve)
        if ((await runs.load(id)).state === 'running') await promise
        return runs.load(id)
      }
      await fullRun()
      const { members, departments } = control.truth({ corpId })
      const leaders = new Set(
        members.flatMap(({ direct_leader: above }) => above.map((userid) => userid.toLowerCase())),
      )
      const [mover, leaver, hidden] = members.filter(
        ({ status, userid }) => status === 1 && !leaders.has(userid.toLowerCase()),
      )
      const elsewhere = departments.find(({ id }) => !mover!.department.includes(id))!
      control.patchMember({
        corpId,
        userid: mover!.userid,
        patch: { department: [elsewhere.id], position: '经理' },
        unchecked: true,
      })
      control.removeMembers({ corpId, userids: [leaver!.userid] })
      control.addMember({
        corpId,
        member: { ...mover!, userid: 'newcomer', name: '新人', mobile: '', email: '', biz_mail: '' },
        unchecked: true,
      })
      called.clear()

      const outcomes = await sync.applyHints(connectionId, corpId, [
        hint(mover!.userid),
        hint(leaver!.userid, true),
        hint('newcomer'),
        hint(hidden!.userid),
        hint('nobody'),
      ])

      assert.deepEqual(
        outcomes.map((outcome) => ('problem' in outcome ? outcome.problem : outcome.kind)),
        ['applied', 'applied', 'applied', 'applied', 'ignored'],
      )
      for (const api of credentials.calls) assert.ok(called.has(api), `${api}, not only ${[...called].join()}`)
      const [events] = (
        await runs.list({ organizationId: organization.id, connectionId, limit: 1, cursor: null, trigger: 'event' })
      ).items
      assert.deepEqual(
        [events!.counts.users.created, events!.counts.users.updated, events!.counts.users.disabled],
        [1, 1, 1],
      )
      const after = await fullRun()
      const { created, updated, disabled, enabled, failed } = after.counts.users
      assert.deepEqual([after.state, created, updated, disabled, enabled, failed], ['succeeded', 0, 0, 0, 0, 0])
      await sync.stop()
    })
  }
})

function hint(userid: string, isDelete = false): Hint {
  return { key: `user:${userid.toLowerCase()}`, kind: 'user', userid, isDelete, attempt: 1 }
}

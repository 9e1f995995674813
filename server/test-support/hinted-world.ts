/** Companies that change while they are synchronised: runs and events through the real sync, WeCom's answers from memory. */
import { WecomError, type Member, type Principal } from '@muster/wecom'
import { SYSTEM } from '../src/audit/audit.ts'
import { insertRows, type Database } from '../src/database/database.ts'
import { foldName } from '../src/directory/names.ts'
import { createLog } from '../src/log.ts'
import { createRuns, type Run } from '../src/sync/runs.ts'
import { createSync, type Hint, type HintOutcome, type SyncSettings } from '../src/sync/sync.ts'
import { SYNC_SETTINGS } from './sync-settings.ts'
import { createWorld, type Company, type Policy } from './sync-world.ts'

export interface HintedPolicy extends Policy {
  readonly guard?: SyncSettings['guard']
  readonly isRealTime?: boolean
}

/** A hint without what its tests do not care about. */
export type Told =
  | { userid: string; newUserid?: string; isDelete?: boolean; attempt?: number }
  | { department: number; isDelete?: boolean; attempt?: number }

/** What WeCom is asked, by name, and what may happen before it answers. */
export interface Asked {
  readonly api: 'members.get' | 'members.list' | 'departments.list'
  readonly about: string
}

export async function createHintedWorld(database: Database) {
  const world = await createWorld(database)
  const { parts } = world
  const runs = createRuns({ database, newId: parts.newId, owner: `process_${parts.newId('ses')}` })

  return {
    ...world,
    runs,

    /** One connection with these companies; the first is the one of tests that name none. */
    async newHintedSite(
      companies: Readonly<Record<string, Company>>,
      { guard = { percent: 100, minimum: 1_000, absolute: 1_000 }, isRealTime = true, ...policy }: HintedPolicy = {},
    ) {
      const site = await world.newSite(policy)
      const { connectionId, organizationId } = site
      const corpIds = Object.keys(companies)
      const isAlone = corpIds.length === 1
      if (!isAlone) {
        const since = { authorized_at: 0, cancelled_at: null, updated_at: 0 }
        const columns = { connection_id: connectionId, state: 'authorized', agent_id: 1, details: '{}', ...since }
        const rows = corpIds.map((corpId) => ({
          ...columns,
          corp_id: corpId,
          name: `公司 ${corpId}`,
          permanent_code_sealed: null,
        }))
        await database.inTransaction((tx) => insertRows(tx, 'corps', rows))
      }
      const settings: SyncSettings = { ...SYNC_SETTINGS, ...policy, guard }
      const current = { isEnabled: true, isRealTime }
      const asked: Asked[] = []
      const whenAsked: ((asked: Asked) => Promise<void> | void)[] = []
      const note = async (one: Asked) => {
        asked.push(one)
        for (const react of whenAsked) await react(one)
      }
      const ended = new Map<string, PromiseWithResolvers<void>>()
      const endOf = (id: string) => {
        const known = ended.get(id) ?? Promise.withResolvers<void>()
        ended.set(id, known)
        return known
      }
      const unreadable = new Set<string>()
      const cancelled = new Set<string>()
      const sync = createSync({
        ...parts,
        runs,
        log: createLog({ level: 'fatal' }),
        runTimeoutMs: 60_000,
        companiesOf: async () => ({
          organizationId,
          companies: corpIds
            .filter((corpId) => !cancelled.has(corpId))
            .map((corpId) => ({ corpId, name: isAlone ? null : `公司 ${corpId}` })),
        }),
        sourceOf: async (_, corpId) => ({
          connectionId,
          organizationId,
          corpId,
          principal: principalOf(
            () => companies[corpId]!,
            note,
            ({ about }) => unreadable.has(corpId) || unreadable.has(about),
          ),
          agentId: 1,
          hasVisibleRange: true,
          contacts: null,
          settings,
        }),
        settingsOf: async () => ({ ...current, corpId: isAlone ? corpIds[0]! : null, settings }),
        schedules: { dueRuns: async () => [], useDueTime: async () => false },
        isLasting: true,
        onFinished: ({ id }) => endOf(id).resolve(),
      })

      const finished = async (id: string): Promise<Run> => {
        await endOf(id).promise
        return runs.load(id)
      }
      return {
        ...site,
        sync,
        current,
        asked,
        /** Called with every question before it is answered. */
        whenAsked,
        /** Companies, or people, of whom WeCom answers nothing just now. */
        unreadable,
        /** Companies that have taken their authorisation back. */
        cancelled,

        /** A full run, to its end. */
        async fullRun(): Promise<Run> {
          return finished((await sync.start(connectionId, { mode: 'apply', trigger: 'manual', actor: SYSTEM })).id)
        },

        async approve(run: Run): Promise<Run> {
          return finished((await sync.approve(run.id, run.held!.planHash, SYSTEM)).id)
        },

        finished,

        /** What became of each of these, told together. */
        hint(told: readonly Told[], corpId = corpIds[0]!): Promise<HintOutcome[]> {
          return sync.applyHints(connectionId, corpId, told.map(asHint))
        },

        eventRuns: async (): Promise<Run[]> =>
          (await runs.list({ organizationId, connectionId, limit: 500, cursor: null, trigger: 'event' })).items,

        linkOf: async (userid: string) =>
          database.kysely
            .selectFrom('links')
            .selectAll()
            .where('connection_id', '=', connectionId)
            .where('userid_key', '=', foldName(userid))
            .executeTakeFirst(),
      }
    },
  }
}

function asHint(told: Told): Hint {
  const { isDelete = false, attempt = 1 } = told
  if ('department' in told) {
    return { key: `department:${told.department}`, kind: 'department', id: told.department, isDelete, attempt }
  }
  const { userid, newUserid } = told
  const renamed = newUserid === undefined ? {} : { newUserid }
  return { key: `user:${foldName(userid)}`, kind: 'user', userid, isDelete, attempt, ...renamed }
}

/** The app of a company, whose visible range is everybody. */
function principalOf(
  company: () => Company,
  note: (asked: Asked) => Promise<void>,
  isSilent: (asked: Asked) => boolean,
): Principal {
  const listOf = (id: number) =>
    company().members.filter(({ departments }) => departments?.some((one) => one.id === id))
  const answer = async <T>(asked: Asked, read: () => T): Promise<T> => {
    // What it is before anything else happens: an answer may be old by the time that it arrives.
    const said = read()
    await note(asked)
    if (isSilent(asked)) throw new WecomError('WECOM_BUSY', { api: asked.api, message: 'system busy', errcode: -1 })
    return said
  }
  return {
    departments: {
      list: () =>
        answer({ api: 'departments.list', about: '' }, () => ({
          departments: [...company().departments],
          rejected: [],
        })),
    },
    members: {
      listUnlessKnown: (id: number) =>
        answer({ api: 'members.list', about: String(id) }, () => ({ members: listOf(id), rejected: [] })),
      async get(userid: string): Promise<Member> {
        const find = () => company().members.find((member) => foldName(member.userid) === foldName(userid))
        const member = await answer({ api: 'members.get', about: foldName(userid) }, find)
        if (member !== undefined) return member
        throw new WecomError('WECOM_MEMBER_NOT_FOUND', { api: 'user/get', message: 'userid not found', errcode: 60111 })
      },
    },
    agent: {
      get: () =>
        Promise.resolve({
          allowedUserids: company()
            .members.filter(
              ({ departments }) => !departments?.some(({ id }) => company().departments.some((one) => one.id === id)),
            )
            .map(({ userid }) => userid),
          allowedTagIds: [],
        }),
    },
    tags: {},
    exports: {},
  } as unknown as Principal
}

/** One database with a connection that people sign in through, and what WeCom says said by the test. No WeCom, no HTTP. */
import type { SignInSettings } from '@muster/contracts'
import type { Member } from '@muster/wecom'
import { createAudit, SYSTEM } from '../src/audit/audit.ts'
import { createConnections, type Connection } from '../src/connections/connections.ts'
import { createWecomAccess } from '../src/connections/wecom.ts'
import { insertRows, type Database } from '../src/database/database.ts'
import { createGuesses } from '../src/directory/guesses.ts'
import { createLinks } from '../src/directory/links.ts'
import { createOrganizations } from '../src/directory/organizations.ts'
import { createPasswordProof } from '../src/directory/password-proof.ts'
import { signOutOfCorp } from '../src/directory/sign-out.ts'
import { createUsers } from '../src/directory/users.ts'
import { createIds } from '../src/ids.ts'
import { createLog } from '../src/log.ts'
import { Secret } from '../src/secret.ts'
import { createSessions } from '../src/sessions/sessions.ts'
import { createAdmitting, type Claim, type Settled } from '../src/signin/admitting.ts'
import { createAttempts } from '../src/signin/attempts.ts'
import { createSignIn } from '../src/signin/signin.ts'
import { createSignIns } from '../src/signin/sign-ins.ts'
import { createAdmission, isLostRace } from '../src/sync/admission.ts'
import { createDecisions, type Decision } from '../src/sync/decisions.ts'
import { createReviews } from '../src/sync/reviews.ts'
import { createVault } from '../src/vault.ts'
import { SYNC_SETTINGS } from './sync-settings.ts'

export const BROWSER = { address: '192.0.2.1', userAgent: 'a browser', requestId: 'req_1' } as const

/** @param apiUrl of an emulator, where WeCom is to answer itself */
export async function createSignInWorld(database: Database, apiUrl = 'http://127.0.0.1:9') {
  let at = 1_700_000_000_000
  const now = () => at
  const random = (bytes: Uint8Array) => void crypto.getRandomValues(bytes)
  const makeId = createIds({ now, random })
  const newId: typeof makeId = (kind) => {
    at++
    return makeId(kind)
  }
  const audit = createAudit({ database, newId, now })
  const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })
  const connections = createConnections({ database, vault, audit, newId, now })
  const organizations = createOrganizations({ database, audit, newId, now })
  const users = createUsers({ database, audit, newId, now })
  const links = createLinks({ database, audit, newId, now })
  const sessions = createSessions({ database, newId, now, publicUrl: 'https://muster.example.com' })
  const attempts = createAttempts({ database, newId, now, random })
  const signIns = createSignIns({ database, audit, newId, now, random })
  const admission = createAdmission({ newId, now })
  const organization = await organizations.ensureDefault()
  let notActivated: 'disable' | 'active' = 'disable'
  const sceneOf = ({ id, organizationId, sync, signIn }: Connection, corpId: string) => ({
    organizationId,
    connectionId: id,
    corpId,
    settings: {
      bindByUsername: sync.bindByUsername,
      matchFields: sync.matchFields,
      onlyWecomUsers: sync.users.onlyWecom,
      onlyWecomDepartments: sync.departments.onlyWecom,
      notActivated,
      mapping: sync.mapping,
      onlyHereUsers: sync.users.onlyHere,
      onlyHereDepartments: sync.departments.onlyHere,
      guard: sync.guard,
      syntheticEmailDomain: signIn.syntheticEmailDomain,
    },
  })
  const admitting = createAdmitting({
    database,
    connections,
    admission,
    isLostRace,
    sceneOf,
    sessions,
    attempts,
    signIns,
    audit,
    now,
  })

  /** Whoever WeCom says this is, through no browser in particular. */
  async function signIn(
    { id }: Pick<Connection, 'id'>,
    member: Partial<Member> & { userid: string },
    {
      claim = null,
      isHidden = false,
      corpId,
      wished = null,
      takenAt = at,
    }: {
      claim?: Claim | null
      isHidden?: boolean
      /** Of several; else the one of the connection. */
      corpId?: string
      /** The one company that was asked for. */
      wished?: string | null
      /** A moment before WeCom said so. */
      takenAt?: number
    } = {},
  ): Promise<Settled> {
    const found = (await connections.forSignIn(id, wished))!
    return admitting.settle(
      {
        connectionId: id,
        corpId: wished,
        credential: found.credential,
        applicationId: null,
        door: 'qr',
        takenAt,
        attempt: null,
      },
      {
        kind: 'member',
        corpId: corpId ?? found.corp!.corpId,
        userid: member.userid,
        member: isHidden ? null : { departments: [], status: 1, name: member.userid, ...member },
      },
      claim,
      BROWSER,
    )
  }

  const wecom = createWecomAccess({
    database,
    vault,
    connections,
    settings: { apiUrl, backoffMs: 20, callTimeoutMs: 5_000, callsPerMinute: 8_000 },
    owner: 'test',
    now: Date.now,
    onCall: () => {},
    onBudgetError: () => {},
  })

  return {
    organizationId: organization.id,

    whole: createSignIn({
      database,
      connections,
      organizations,
      wecom,
      hosts: { loginUrl: 'https://login.work.weixin.qq.com', oauthUrl: 'https://open.weixin.qq.com' },
      publicUrl: 'https://muster.example.com',
      environmentRedirectUrl: undefined,
      admission,
      isLostRace,
      sceneOf,
      sessions,
      passwords: createPasswordProof({ database, audit, guesses: createGuesses({ database, now }), now }),
      audit,
      newId,
      now,
      log: createLog({ level: 'silent' }),
    }),

    close: () => wecom.close(),

    connections,
    users,
    links,
    sessions,
    attempts,
    audit,
    now,

    letPass(ms: number): void {
      at += ms
    },

    countDormantAsActive(): void {
      notActivated = 'active'
    },

    /** @param corpId also the identifier */
    connect(
      corpId: string,
      signIn: Partial<SignInSettings> = {},
      app = { agentId: 1_000_002, secret: 'secret-of-the-app' },
    ): Promise<Connection> {
      return connections.create(SYSTEM, organization.id, {
        identifier: corpId,
        kind: 'self_built',
        corpId,
        agentId: app.agentId,
        secret: app.secret,
        signIn: { enabled: true, ...signIn },
      })
    },

    /** A connection for several companies, by their ids; each has the app 1000021 and is called as its id. */
    async connectSuite(
      kind: 'delegated' | 'service_provider',
      corpIds: readonly string[],
      signIn: Partial<SignInSettings> = {},
    ): Promise<Connection> {
      const connection = await connections.create(SYSTEM, organization.id, {
        identifier: kind === 'delegated' ? 'group' : 'isv',
        kind,
        suiteId: 'ww0suite',
        suiteSecret: 'secret-of-the-suite',
        providerCorpId: 'ww0provider',
        providerSecret: 'secret-of-the-provider',
        callback: { token: 'token', aesKey: 'a'.repeat(43) },
        signIn: { enabled: true, ...signIn },
      })
      await database.inTransaction((tx) =>
        insertRows(
          tx,
          'corps',
          corpIds.map((corpId) => ({
            connection_id: connection.id,
            corp_id: corpId,
            name: corpId,
            state: 'authorized',
            agent_id: 1_000_021,
            permanent_code_sealed: null,
            details: '{}',
            authorized_at: at,
            cancelled_at: null,
            updated_at: at,
          })),
        ),
      )
      return connection
    },

    /** @param endsSessions as a cancellation does; without it only the company is gone */
    async setCorp(
      { id }: Pick<Connection, 'id'>,
      corpId: string,
      state: 'authorized' | 'cancelled',
      { endsSessions = false } = {},
    ): Promise<void> {
      await database.inTransaction(async (tx) => {
        await tx.kysely
          .updateTable('corps')
          .set({ state })
          .where('connection_id', '=', id)
          .where('corp_id', '=', corpId)
          .execute()
        if (endsSessions) await signOutOfCorp(tx, id, corpId)
      })
    },

    createUser: async (given: Omit<Parameters<typeof users.create>[2], 'displayName'> & { displayName?: string }) =>
      (await users.create({ actor: SYSTEM, role: 'owner' }, organization.id, { displayName: given.username, ...given }))
        .user.id,

    async promote(userId: string): Promise<void> {
      await database.kysely.updateTable('users').set({ role: 'owner' }).where('id', '=', userId).execute()
    },

    signIn,

    /** As `signIn`: what became of it, as a word. */
    async outcome(...given: Parameters<typeof signIn>): Promise<string> {
      const settled = await signIn(...given)
      return settled.kind === 'refused' ? settled.reason : settled.kind
    },

    settle: admitting.settle,

    log: async () =>
      (await database.kysely.selectFrom('sign_ins').selectAll().orderBy('id').execute()).map((row) => row),

    user: async (id: string) => (await users.get(id)).user,

    allUsers: () => database.kysely.selectFrom('users').selectAll().orderBy('id').execute(),

    allLinks: () => database.kysely.selectFrom('links').selectAll().orderBy('id').execute(),

    /** As an owner. */
    decide: (reviewId: string, decision: Decision) =>
      createDecisions({
        database,
        audit,
        newId,
        now,
        settingsOf: async () => SYNC_SETTINGS,
      }).resolve({ actor: SYSTEM, role: 'owner' }, reviewId, decision),

    openReviews: async () =>
      (
        await createReviews({ database }).list({
          organizationId: organization.id,
          connectionId: null,
          state: 'open',
          reason: undefined,
          q: null,
          limit: 100,
          cursor: null,
        })
      ).items,
  }
}

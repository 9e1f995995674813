/**
 * The whole server on one page: every part, what it is given, and every group of routes. Nothing registers itself.
 * Starts no listener and reads no environment; cli/ does both.
 */
import { randomBytes } from 'node:crypto'
import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createAdminApi } from './admin/admin.ts'
import { createAccess } from './admin/access.ts'
import { mountInstalled } from './admin/installed.ts'
import { createSetup } from './admin/setup.ts'
import { createApplications } from './applications/applications.ts'
import { createAudit, SYSTEM } from './audit/audit.ts'
import { createTallies } from './audit/tallies.ts'
import { startJobs } from './background.ts'
import type { Clock } from './clock.ts'
import { databaseUrl, type Config } from './config.ts'
import { createAuthorisations } from './connections/suites/authorisations.ts'
import { createConnections, type Connection } from './connections/connections.ts'
import { createCorps } from './connections/suites/corps.ts'
import { createDoctor } from './connections/doctor/doctor.ts'
import { createDueRuns } from './connections/due-runs.ts'
import { createInstallations } from './connections/suites/installations.ts'
import { createSuiteTickets } from './connections/suites/tickets.ts'
import { createVerificationFiles } from './connections/verification-files.ts'
import { createWecomAccess } from './connections/wecom.ts'
import { takeSnapshot } from './database/backup.ts'
import { openDatabase, type Database } from './database/database.ts'
import { companyOfMember } from './directory/comparison.ts'
import { createDepartments } from './directory/departments.ts'
import { createGuesses } from './directory/guesses.ts'
import { createLinks } from './directory/links.ts'
import { foldName } from './directory/names.ts'
import { createOrganizations } from './directory/organizations.ts'
import { createPasswordProof } from './directory/password-proof.ts'
import { createPopulations } from './directory/population.ts'
import { createPurge } from './directory/purge.ts'
import { createSearchTexts } from './directory/search-texts.ts'
import { createUsers } from './directory/users.ts'
import { AppError } from './errors.ts'
import { mountConsole } from './console.ts'
import { createEvents } from './events/events.ts'
import { mountFavicon } from './favicon.ts'
import { createHttp, languageOf } from './http.ts'
import { createIds } from './ids.ts'
import { createLocalDoor } from './local-door.ts'
import { createMetrics } from './metrics.ts'
import { createClaimPreviews } from './oidc/claim-previews.ts'
import { createOidc } from './oidc/oidc.ts'
import { createSessions } from './sessions/sessions.ts'
import { createAccount } from './signin/account.ts'
import { createSignIn } from './signin/signin.ts'
import { createAdmission, isLostRace } from './sync/admission.ts'
import { createDecisions } from './sync/decisions.ts'
import { createExplain } from './sync/explain.ts'
import { forgetPurged } from './sync/forgetting.ts'
import { createHistory } from './sync/history.ts'
import { createRetention } from './sync/retention.ts'
import { createReviews } from './sync/reviews.ts'
import { createRuns } from './sync/runs.ts'
import { createMappingSamples } from './sync/sample.ts'
import { createSync, type SyncCompany, type SyncSettings, type SyncSource } from './sync/sync.ts'
import { createTimeline } from './sync/timeline.ts'
import { ownVersion } from './version.ts'
import { createVault, KEY_CHECK, loadOrCreateMasterKey, type Vault } from './vault.ts'

export interface App {
  readonly http: FastifyInstance
  /** Opens the door for commands on this machine; see local-door.ts. */
  openLocalDoor(): Promise<void>
  /** Where whoever started this process makes the first owner; undefined when there is one. Each call makes a token. */
  invite(): Promise<string | undefined>
  /** Stops taking requests, ends runs honestly, closes everything. Safe to call once. */
  close(): Promise<void>
}

/** @throws AppError and VaultError with the way out, when the server cannot start as configured */
export async function createApp({
  config,
  log,
  clock,
  purpose = 'serve',
}: {
  config: Config
  log: Logger
  clock: Clock
  /**
   * A server that lives for one command leaves the connection of the environment alone, because its environment is a
   * shell's, and does nothing that nobody asked for.
   */
  purpose?: 'serve' | 'command'
}): Promise<App> {
  const now = clock.now
  const newId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  const owner = `process_${randomBytes(12).toString('hex')}`
  const metrics = createMetrics()
  const database = await openDatabase(databaseUrl(config), {
    onConnectionError: (error) => log.warn({ err: error }, 'an idle database connection was lost'),
  })
  try {
    const vault = await openVault(config, database)
    const audit = createAudit({ database, newId, now })
    const tallies = createTallies({ database, now })

    // core
    const organizations = createOrganizations({ database, audit, newId, now })
    const guesses = createGuesses({ database, now })
    const populations = createPopulations({ database, now })
    const users = createUsers({ database, audit, newId, now })
    const sessions = createSessions({ database, newId, now, publicUrl: config.publicUrl })
    const passwords = createPasswordProof({ database, audit, guesses, now })
    const departments = createDepartments({ database, audit, newId, now })
    const links = createLinks({ database, audit, newId, now })
    const connections = createConnections({
      database,
      vault,
      audit,
      newId,
      now,
      onUpdate: (tx, actor, before, after) => sync.heedSettings(tx, actor, before, after),
    })
    const corps = createCorps({ database })
    const wecom = createWecomAccess({
      database,
      vault,
      connections,
      settings: config.wecom,
      owner,
      now,
      onCall: metrics.wecomCall,
      onBudgetError: (error) => log.warn({ err: error }, 'the shared budget of calls could not be kept'),
      onDoubtedCorp: (connectionId, corpId) => authorisations.doubt(connectionId, corpId),
    })
    const authorisations = createAuthorisations({ database, vault, audit, wecom, now })
    const installations = createInstallations({
      database,
      audit,
      authorisations,
      wecom,
      random: (bytes) => void crypto.getRandomValues(bytes),
      now,
      publicUrl: config.publicUrl,
      openUrl: config.wecom.openUrl,
    })
    const suiteTickets = createSuiteTickets({ database, vault, now })
    const verificationFiles = createVerificationFiles({ database, audit, now })
    const doctor = createDoctor({
      database,
      connections,
      verificationFiles,
      organizations,
      wecom,
      now,
      publicUrl: config.publicUrl,
      environmentRedirectUrl: config.environmentConnection?.redirectUrl,
    })

    // features
    const runs = createRuns({ database, newId, owner })
    const history = createHistory({ database })
    const sourceOf = async (connection: Connection, corpId: string, onCall: () => void): Promise<SyncSource> => {
      const access = await wecom.forDirectory(connection.id, connection.kind === 'delegated' ? corpId : null, onCall)
      return {
        ...access,
        connectionId: connection.id,
        organizationId: connection.organizationId,
        settings: settingsOf(connection),
      }
    }
    const companiesOf = async ({ id, kind, corpId }: Connection): Promise<SyncCompany[]> => {
      if (kind === 'service_provider') throw new AppError('connections/kind-without-sync')
      if (kind === 'delegated') return corps.authorized(id)
      if (corpId === null) throw new AppError('connections/incomplete')
      return [{ corpId, name: null }]
    }
    const sync = createSync({
      database,
      audit,
      runs,
      history,
      newId,
      now,
      log,
      runTimeoutMs: config.runTimeoutMinutes * 60_000,
      schedules: createDueRuns({ database }),
      isLasting: purpose === 'serve',
      onFinished: metrics.runEnded,
      async companiesOf(connectionId) {
        const connection = await connections.get(connectionId)
        if (!connection.sync.enabled) throw new AppError('sync/disabled')
        return { organizationId: connection.organizationId, companies: await companiesOf(connection) }
      },
      async sourceOf(connectionId, corpId, onCall) {
        const connection = await connections.get(connectionId)
        if (!connection.sync.enabled) throw new AppError('sync/disabled')
        return sourceOf(connection, corpId, onCall)
      },
      async settingsOf(connectionId, tx) {
        const connection = await (tx === undefined ? connections.get(connectionId) : connections.hold(tx, connectionId))
        return {
          isEnabled: connection.sync.enabled,
          isRealTime: connection.sync.realTime,
          corpId: connection.corpId,
          settings: settingsOf(connection),
        }
      },
    })
    const retention = createRetention({ database, now })
    const explain = createExplain({
      database,
      audit,
      users,
      newId,
      now,
      async sourceOf(connectionId, userid) {
        const connection = await connections.get(connectionId)
        const companies = await companiesOf(connection)
        // Of several, the one where somebody has this userid.
        const of = companies.length < 2 ? undefined : await companyOfMember(database, connection.id, foldName(userid))
        const company = companies.find(({ corpId }) => corpId === of) ?? companies[0]
        if (company === undefined) throw new AppError('connections/corp-not-authorized')
        const source = await sourceOf(connection, company.corpId, () => {})
        return { source, displayName: connection.displayName, isSyncOn: connection.sync.enabled }
      },
    })
    const timeline = createTimeline({ database, users })
    const events = createEvents({
      database,
      vault,
      audit,
      connections,
      corpState: async (connectionId, corpId) => (await corps.find(connectionId, corpId))?.state,
      saveTicket: suiteTickets.save,
      applyHints: sync.applyHints,
      applySuiteEvent: authorisations.apply,
      metrics,
      newId,
      owner,
      now,
      log,
    })

    const decisions = createDecisions({
      database,
      audit,
      newId,
      now,
      async settingsOf(connectionId) {
        const { sync: settings, signIn } = await connections.get(connectionId)
        return {
          onlyHereUsers: settings.users.onlyHere,
          syntheticEmailDomain: signIn.syntheticEmailDomain,
          mapping: settings.mapping,
        }
      },
    })

    const signIn = createSignIn({
      database,
      connections,
      organizations,
      wecom,
      hosts: config.wecom,
      publicUrl: config.publicUrl,
      environmentRedirectUrl: config.environmentConnection?.redirectUrl,
      admission: createAdmission({ newId, now }),
      isLostRace,
      sceneOf: (connection, corpId) => ({
        organizationId: connection.organizationId,
        connectionId: connection.id,
        corpId,
        settings: settingsOf(connection),
      }),
      sessions,
      passwords,
      audit,
      newId,
      now,
      log,
    })

    const account = createAccount({
      sessions,
      users,
      links,
      connections,
      passwords,
      startBinding: signIn.startBinding,
    })

    // what must be true before anybody is served
    const organization = await organizations.ensureDefault()
    if (purpose === 'serve') {
      await connections.followEnvironment(SYSTEM, organization.id, config.environmentConnection)
    }

    const http = await createHttp({
      publicUrl: config.publicUrl,
      trustedProxies: config.trustedProxies,
      log,
      metrics,
      checkReady: () => database.ping(),
    })
    const localDoor = createLocalDoor({ http, dataDir: config.dataDir, log })
    const applications = createApplications({ database, audit, newId, now })
    const oidc = createOidc({
      database,
      vault,
      audit,
      applications,
      sessions,
      publicUrl: config.publicUrl,
      log,
      now,
      languageOf: signIn.languageOf,
      render: signIn.render,
      leaveAtOnce: signIn.leaveAtOnce,
      async admitByCode({ connection, corp, code, application, ...browser }) {
        const { organizationId, id: applicationId } = application
        const accepted = application.connections.map(({ id }) => id)
        const errand = { connection, corp, code, organizationId, applicationId, connections: accepted }
        const settled = await signIn.admitByCode(errand, browser)
        if (settled.kind !== 'admitted') return { kind: 'refused' }
        return { kind: 'admitted', userId: settled.session.userId, session: settled.session }
      },
    })
    signIn.serve(oidc.requests)
    const access = createAccess({ database, audit, newId, now, bootstrapToken: config.bootstrapToken })
    const setup = createSetup({ database, organizations, users, now, publicUrl: config.publicUrl })
    await http.register(
      createAdminApi({
        access,
        applications,
        claimPreviews: createClaimPreviews({
          database,
          publicUrl: config.publicUrl,
          openForSignIn: connections.openForSignIn,
        }),
        isLocal: localDoor.isLocal,
        languageOf,
        audit,
        connections,
        corps,
        decisions,
        departments,
        doctor,
        events,
        explain,
        history,
        installations,
        links,
        mappingSamples: createMappingSamples({ connections, corps, wecom }),
        now,
        oidc,
        organizations,
        passwords,
        populations,
        publicUrl: config.publicUrl,
        version: ownVersion(),
        environmentRedirectUrl: config.environmentConnection?.redirectUrl,
        reviews: createReviews({ database }),
        runs,
        sessions,
        setup,
        signIns: signIn.signIns,
        suiteTickets,
        sync,
        takeSnapshot: () => takeSnapshot(database, config.dataDir, now()),
        tallies,
        timeline,
        users,
        verificationFiles,
      }),
      { prefix: '/api/v1' },
    )
    await http.register(async (scope) => {
      await scope.register(formbody, { bodyLimit: FORM_LIMIT_BYTES })
      signIn.mount(scope)
      account.mount(scope)
    })
    await http.register(async (scope) => oidc.mount(scope))
    await http.register(async (scope) => events.mount(scope))
    await http.register(async (scope) =>
      mountInstalled(scope, { installations, publicUrl: config.publicUrl, languageOf, render: signIn.render }),
    )
    if (purpose === 'serve') mountConsole(http, { languageOf })
    mountFavicon(http)
    http.get<{ Params: { name: string } }>('/:name(^WW_verify_[A-Za-z0-9]+\\.txt$)', async ({ params }, reply) => {
      const text = await verificationFiles.read(params.name)
      if (text === undefined) throw new AppError('http/no-route')
      return reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(text)
    })
    await http.ready()

    // what goes on without a request
    const closing = new AbortController()
    const purge = createPurge({ database, audit, now })
    const searchTexts = createSearchTexts({ database, isBusy: runs.isAnyActive })
    const jobs = startJobs(
      purpose === 'command'
        ? []
        : [
            { name: 'abandoned-runs', pauseMs: 4_000, work: sync.takeOverAbandoned },
            { name: 'due-runs', pauseMs: 500, work: sync.beginDue },
            { name: 'events', pauseMs: 200, work: events.workOff, wokenBy: events.wokenBy },
            { name: 'old-events', pauseMs: 60 * 60_000, work: () => events.removeOld(closing.signal) },
            {
              name: 'old-runs',
              pauseMs: 60 * 60_000,
              async work() {
                const removed = await retention.removeOld(closing.signal)
                if (removed > 0) log.info({ runs: removed }, 'removed runs that ended half a year ago')
              },
            },
            { name: 'signing-keys', pauseMs: 2_000, work: oidc.followKeys },
            { name: 'signing-key-rotation', pauseMs: 60 * 60_000, work: oidc.maintainKeys },
            { name: 'search-texts', pauseMs: 1_000, work: () => searchTexts.fill(closing.signal) },
            { name: 'logouts', pauseMs: 1_000, work: () => oidc.deliverLogouts(closing.signal) },
            {
              name: 'ended-sessions',
              pauseMs: 10 * 60_000,
              async work() {
                await sessions.removeExpired(closing.signal)
                await guesses.removeOld()
                await oidc.clear(closing.signal)
                await signIn.clear()
                await installations.clear()
                await oidc.clear(closing.signal)
              },
            },
            {
              name: 'authorisations',
              pauseMs: 30_000,
              work: () => authorisations.readDue(closing.signal),
              wokenBy: authorisations.wokenBy,
            },
            { name: 'tallies', pauseMs: 20_000, work: () => tallies.count(closing.signal) },
            { name: 'populations', pauseMs: 60_000, work: populations.note },
            {
              name: 'purge',
              // Whom somebody else writes just now is passed over, and has their turn soon.
              pauseMs: 60_000,
              async work() {
                const users = await purge.run(closing.signal)
                if (users > 0) log.info({ users }, 'purged users who were deleted 30 days ago')
                while ((await forgetPurged(database, closing.signal, events.forget)) > 0);
              },
            },
          ],
      log,
    )

    return {
      http,
      openLocalDoor: localDoor.open,
      invite: setup.invite,
      async close() {
        closing.abort()
        await localDoor.close()
        await jobs.stop()
        await sync.stop()
        await events.stop()
        await http.close()
        await wecom.close()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** A name and a password, and no room for more. */
const FORM_LIMIT_BYTES = 16 * 1024

function settingsOf({ sync, signIn }: Connection): SyncSettings {
  return {
    bindByUsername: sync.bindByUsername,
    matchFields: sync.matchFields,
    onlyWecomUsers: sync.users.onlyWecom,
    onlyWecomDepartments: sync.departments.onlyWecom,
    notActivated: sync.notActivated,
    mapping: sync.mapping,
    onlyHereUsers: sync.users.onlyHere,
    onlyHereDepartments: sync.departments.onlyHere,
    guard: sync.guard,
    syntheticEmailDomain: signIn.syntheticEmailDomain,
  }
}

/** The vault of this database. A key that did not seal it is noticed here, before anything is written with it. */
async function openVault(config: Config, database: Database): Promise<Vault> {
  const { key } = loadOrCreateMasterKey({ dataDir: config.dataDir, configured: config.masterKey })
  const vault = createVault({ key })
  await database.inTransaction(async (tx) => {
    await tx.kysely
      .insertInto('installation')
      .values({ name: KEY_CHECK, value: vault.makeCheck() })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
  })
  const { value } = await database.kysely
    .selectFrom('installation')
    .select('value')
    .where('name', '=', KEY_CHECK)
    .executeTakeFirstOrThrow()
  vault.verifyCheck(value)
  return vault
}

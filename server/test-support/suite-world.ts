/**
 * A provider with a suite or a template in an emulator, two companies, and the connection that stands for it here: events
 * are handed over as callbacks would, without HTTP on our side. Its clock is moved by tests.
 */
import assert from 'node:assert/strict'
import { startEmulator } from '@muster/emulator'
import type { SuiteEvent } from '@muster/wecom'
import { createAudit, SYSTEM } from '../src/audit/audit.ts'
import { createAuthorisations } from '../src/connections/suites/authorisations.ts'
import { createConnections, type Connection } from '../src/connections/connections.ts'
import { createCorps } from '../src/connections/suites/corps.ts'
import { createInstallations } from '../src/connections/suites/installations.ts'
import { createSuiteTickets } from '../src/connections/suites/tickets.ts'
import { createWecomAccess } from '../src/connections/wecom.ts'
import type { Database } from '../src/database/database.ts'
import { createOrganizations } from '../src/directory/organizations.ts'
import { createIds } from '../src/ids.ts'
import { Secret } from '../src/secret.ts'
import { createVault } from '../src/vault.ts'

export const SUITE_CALLBACK = { token: 'token', aesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }

/** What happened to a suite, without which suite it is and when. */
export type Happening = SuiteEvent extends infer E
  ? E extends unknown
    ? Omit<E, 'kind' | 'suiteId' | 'happenedAt'>
    : never
  : never

export async function createSuiteWorld(
  database: Database,
  {
    kind = 'delegated',
    hasTicket = true,
    hasProviderSecret = kind === 'service_provider',
  }: { kind?: 'delegated' | 'service_provider'; hasTicket?: boolean; hasProviderSecret?: boolean } = {},
) {
  const emulator = await startEmulator({
    companies: [
      { people: 8, seed: 'one' },
      { people: 5, seed: 'other' },
    ],
  })
  const { control } = emulator
  const provider = control.createProvider({ seed: 'provider' })
  const suite = control.createSuite({
    providerCorpId: provider.corpId,
    kind: kind === 'delegated' ? 'delegated' : 'third-party',
  })
  control.patchSuite({ suiteId: suite.suiteId, patch: { isOnline: true, trustedDomains: 'any' } })
  const [one, other] = control.companies()
  let at = Date.now()
  const now = () => at
  const makeId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  // Lists are in the order of creation, to the millisecond; here everything happens in another one.
  const newId: typeof makeId = (name) => {
    at++
    return makeId(name)
  }
  const vault = createVault({ key: new Secret(Buffer.alloc(32, 7).toString('base64')) })
  const audit = createAudit({ database, newId, now })
  const connections = createConnections({ database, vault, audit, newId, now })
  const organization = await createOrganizations({ database, audit, newId, now }).ensureDefault()
  const wecom = createWecomAccess({
    database,
    vault,
    connections,
    settings: { apiUrl: emulator.apiUrl, backoffMs: 20, callTimeoutMs: 15_000, callsPerMinute: 8_000 },
    owner: 'test',
    now,
    onCall: () => {},
    onBudgetError: (error) => assert.fail(String(error)),
    onDoubtedCorp: (connectionId, corpId) => authorisations.doubt(connectionId, corpId),
  })
  const authorisations = createAuthorisations({ database, vault, audit, wecom, now })
  const tickets = createSuiteTickets({ database, vault, now })
  const connection: Connection = await connections.create(SYSTEM, organization.id, {
    identifier: 'partners',
    kind,
    suiteId: suite.suiteId,
    suiteSecret: suite.secret,
    ...(hasProviderSecret ? { providerCorpId: provider.corpId, providerSecret: provider.secret } : {}),
    callback: SUITE_CALLBACK,
    signIn: { enabled: true },
  })

  /** As WeCom does every ten minutes. */
  async function sendTicket(): Promise<void> {
    const { ticket } = control.pushTicket({ suiteId: suite.suiteId })
    await database.inTransaction((tx) => tickets.save(tx, connection.id, { ticket, sentAt: now() }))
  }
  if (hasTicket) await sendTicket()

  const handOver = (happening: Happening, { happenedAt = now(), attempt = 1 } = {}) =>
    authorisations.apply({
      connectionId: connection.id,
      event: { ...happening, kind: 'suite', suiteId: suite.suiteId, happenedAt },
      attempt,
      signal: AbortSignal.timeout(10_000),
    })

  return {
    control,
    provider,
    suite,
    /** Their own ids, which the provider does not see. */
    companies: [one!.corpId, other!.corpId] as const,
    organizationId: organization.id,
    connection,
    connections,
    corps: createCorps({ database }),
    authorisations,
    installations: createInstallations({
      database,
      audit,
      authorisations,
      wecom,
      random: (bytes) => void crypto.getRandomValues(bytes),
      now,
      publicUrl: 'https://muster.corp.example',
      openUrl: emulator.openUrl,
    }),
    tickets,
    wecom,
    audit,
    vault,
    newId,
    now,
    pass: (ms: number) => void (at += ms),
    sendTicket,
    handOver,

    /** An administrator of the company agrees, and we hear of it. @returns what the provider knows of it */
    async authorize(corpId: string, terms: { seats?: number; expiresAtMs?: number; state?: string } = {}) {
      const agreed = control.authorize({ suiteId: suite.suiteId, corpId, from: 'wecom', ...terms })
      assert.equal(
        (await handOver({ type: 'create_auth', authCode: agreed.authCode, state: terms.state })).kind,
        'applied',
      )
      return agreed
    },

    async [Symbol.asyncDispose]() {
      await wecom.close()
      await emulator.close()
    },
  }
}

export type SuiteWorld = Awaited<ReturnType<typeof createSuiteWorld>>

/** A directory with one organization, for tests: every store on one database, a clock that tests move, and a connection. */
import type { Role } from '@muster/contracts'
import { createAccess } from '../src/admin/access.ts'
import { createAudit, type Actor } from '../src/audit/audit.ts'
import type { Database, Row } from '../src/database/database.ts'
import { createDepartments } from '../src/directory/departments.ts'
import { createGuesses } from '../src/directory/guesses.ts'
import { createLinks } from '../src/directory/links.ts'
import { foldName } from '../src/directory/names.ts'
import { createOrganizations } from '../src/directory/organizations.ts'
import { createPasswordProof } from '../src/directory/password-proof.ts'
import { createUsers, type Requester } from '../src/directory/users.ts'
import { createIds } from '../src/ids.ts'
import { Secret } from '../src/secret.ts'
import { createSessions } from '../src/sessions/sessions.ts'

export const BOOTSTRAP_TOKEN = 'bootstrap-token-of-the-tests'
export const CORP = 'ww0123456789abcdef'

export async function createDirectory(database: Database) {
  const clock = { at: Date.UTC(2026, 0, 1) }
  const now = () => clock.at
  const makeId = createIds({ now, random: (bytes) => crypto.getRandomValues(bytes) })
  // Lists are in the order of creation, to the millisecond; here everything happens in another one.
  const newId: typeof makeId = (kind) => {
    clock.at++
    return makeId(kind)
  }
  const audit = createAudit({ database, newId, now })
  const parts = { database, audit, guesses: createGuesses({ database, now }), newId, now }
  const organizations = createOrganizations(parts)
  const organization = await organizations.ensureDefault()

  return {
    clock,
    audit,
    organization,
    organizations,
    users: createUsers(parts),
    guesses: parts.guesses,
    passwordProof: createPasswordProof(parts),
    sessions: createSessions({ ...parts, publicUrl: 'https://id.corp.example' }),
    departments: createDepartments(parts),
    links: createLinks(parts),
    access: createAccess({ ...parts, bootstrapToken: new Secret(BOOTSTRAP_TOKEN) }),

    addConnection: async (identifier: string, organizationId = organization.id): Promise<string> => {
      const id = newId('con')
      await database.kysely
        .insertInto('connections')
        .values({
          id,
          organization_id: organizationId,
          identifier,
          kind: 'self_built',
          display_name: '企业微信',
          corp_id: CORP,
          mobile: '{}',
          sign_in_enabled: 0,
          sign_in: '{}',
          sync_enabled: 0,
          sync: '{}',
          managed_by_environment: 0,
          created_at: 0,
          updated_at: 0,
        })
        .execute()
      return id
    },

    /** A link as sync leaves it. */
    addLink: async (
      connectionId: string,
      userId: string,
      userid: string,
      { leaders = [] }: { leaders?: readonly string[] } = {},
    ): Promise<void> => {
      await database.kysely
        .insertInto('links')
        .values({
          id: newId('lnk'),
          connection_id: connectionId,
          corp_id: CORP,
          userid,
          userid_key: foldName(userid),
          user_id: userId,
          created_by: 'sync',
          source_hash: 'hash',
          leader_keys: JSON.stringify(leaders),
          created_at: 0,
        })
        .execute()
    },

    /** A department as sync leaves it. */
    addWecomDepartment: async (
      connectionId: string,
      externalId: string,
      { leaders = [] }: { leaders?: readonly string[] } = {},
    ): Promise<string> => {
      const id = newId('dep')
      await database.kysely
        .insertInto('departments')
        .values({
          id,
          organization_id: organization.id,
          name: `部门 ${externalId}`,
          position: 0,
          leaders: JSON.stringify(leaders),
          origin: 'wecom',
          connection_id: connectionId,
          corp_id: CORP,
          external_id: externalId,
          created_at: 0,
          updated_at: 0,
        })
        .execute()
      return id
    },

    addWecomMembership: async (connectionId: string, userId: string, departmentId: string): Promise<void> => {
      const row: Row<'memberships'> = {
        user_id: userId,
        department_id: departmentId,
        origin: 'wecom',
        connection_id: connectionId,
        is_main: 1,
        position: 7,
        is_leader: 0,
      }
      await database.kysely.insertInto('memberships').values(row).execute()
    },

    /** What is in the audit record, oldest first. */
    actions: async (): Promise<string[]> => {
      const rows = await database.kysely.selectFrom('audit').select('action').orderBy('id').execute()
      return rows.map(({ action }) => action)
    },

    /** Digests of what sync applied last; null is "compare again". */
    hashes: async (userId: string): Promise<(string | null)[]> => {
      const rows = await database.kysely
        .selectFrom('links')
        .select('source_hash')
        .where('user_id', '=', userId)
        .orderBy('id')
        .execute()
      return rows.map(({ source_hash }) => source_hash)
    },
  }
}

export function requester(role: Role): Requester {
  return { actor: ACTOR, role }
}

export const ACTOR: Actor = { kind: 'token', id: 'tok_test', name: 'test', address: '192.0.2.1', requestId: 'req_test' }

/** Somebody who may change everybody. */
export const OWNER: Requester = requester('owner')

/** How many of some attempts succeeded, and the codes of those that did not. */
export async function outcomes(attempts: readonly Promise<unknown>[]): Promise<{ done: number; codes: string[] }> {
  const settled = await Promise.allSettled(attempts)
  return {
    done: settled.filter(({ status }) => status === 'fulfilled').length,
    codes: settled.flatMap((result) =>
      result.status === 'rejected' ? [String((result.reason as { code?: unknown }).code)] : [],
    ),
  }
}

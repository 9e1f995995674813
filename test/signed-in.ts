/**
 * A server with a user of each role and of none, each signed in: their sessions were there before the server started, so no
 * test has to go through a door that it is not about. The owner has a password, and a WeCom connection is open for sign-in.
 */
import type { Role } from '@muster/contracts'
import { openDatabase } from '../server/src/database/database.ts'
import { OWNER, createDirectory, requester } from '../server/test-support/directory.ts'
import { createClient } from './client.ts'
import { BOOTSTRAP_TOKEN, serveHere, settingsFor, temporaryFolder, type Settings } from './server.ts'

export const PUBLIC_URL = 'https://id.corp.example'
export const OURS = { 'sec-fetch-site': 'same-origin', origin: PUBLIC_URL }
export const PASSWORD = 'correct horse battery'

export async function startSignedIn(url: string, further: Settings = {}, { signedInMsAgo = 0 } = {}) {
  const database = await openDatabase(url)
  const cookies = new Map<Role | null, string>()
  const users = new Map<Role | null, string>()
  try {
    const directory = await createDirectory(database)
    directory.clock.at = Date.now() - signedInMsAgo
    for (const role of ['owner', 'operator', 'auditor', null] as const) {
      const username = role ?? 'nobody'
      const { user } = await directory.users.create(OWNER, directory.organization.id, {
        username,
        displayName: username,
        ...(role === 'owner' ? { password: PASSWORD } : {}),
      })
      if (role !== null) await directory.access.addAdministrator(requester('owner'), { userId: user.id, role })
      const { cookie } = await database.inTransaction((tx) =>
        directory.sessions.begin(tx, {
          userId: user.id,
          door: 'password',
          connectionId: null,
          corpId: null,
          linkId: null,
          applicationId: null,
          address: '192.0.2.1',
          userAgent: 'Mozilla/5.0',
        }),
      )
      users.set(role, user.id)
      cookies.set(role, cookie)
    }
    // Open, as an administrator leaves it who has all that is needed.
    const connectionId = await directory.addConnection('hq')
    await database.kysely
      .updateTable('connections')
      .set({ sign_in_enabled: 1, sign_in: '{"enabled":true}', agent_id: 1000002, secret_sealed: 'unused' })
      .where('id', '=', connectionId)
      .execute()
    for (const role of ['owner', 'operator'] as const) await directory.addLink(connectionId, users.get(role)!, role)
  } finally {
    await database.close()
  }
  const folder = temporaryFolder()
  const server = await serveHere({
    ...settingsFor({ databaseUrl: url, dataDir: folder.path, wecomUrl: 'http://127.0.0.1:1' }),
    MUSTER_PUBLIC_URL: PUBLIC_URL,
    ...further,
  })
  const stranger = createClient(server.origin, null)
  return {
    stranger,
    owner: createClient(server.origin, BOOTSTRAP_TOKEN),
    userOf: (role: Role | null) => users.get(role)!,
    cookieOf: (role: Role | null) => cookies.get(role)!,
    server,
    send: (role: Role | null, path: string, init: Omit<RequestInit, 'headers'> & { headers: Record<string, string> }) =>
      stranger.send(path, {
        ...init,
        headers: { ...init.headers, cookie: `other=1; __Host-muster_session=${cookies.get(role)}` },
      }),
    async [Symbol.asyncDispose]() {
      await server.stop()
      folder.remove()
    },
  }
}

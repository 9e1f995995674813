/** `./muster admin …`: administrators and API tokens, for whoever may read the database anyway. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  call,
  createAdministrator,
  createApiToken,
  createUser,
  deleteUser,
  listUsers,
  updateUser,
  type Transport,
} from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { printable, printJson, readArguments, say, UsageError } from './terminal.ts'

const ROLES = ['owner', 'operator', 'auditor'] as const
type Role = (typeof ROLES)[number]

export async function admin([action, ...args]: string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    { role: { type: 'string' }, 'password-stdin': { type: 'boolean' }, json: { type: 'boolean' } },
    1,
  )
  const name = positionals[0]!
  const role = readRole(values.role)
  const work = chooseAction(action, name, role, values['password-stdin'] === true)
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const { lines, document } = await withLocalApi(config, work)
  if (values.json) printJson(document)
  else for (const line of lines) say(line)
  return 0
}

interface Outcome {
  lines: string[]
  document: unknown
}

function chooseAction(
  action: string | undefined,
  name: string,
  role: Role,
  readsPassword: boolean,
): (api: Transport) => Promise<Outcome> {
  switch (action) {
    case 'create':
      return (api) => createAdmin(api, name, role, readsPassword)
    case 'reset-password':
      return (api) => resetPassword(api, name, readsPassword)
    case 'token':
      return (api) => createToken(api, name, role)
    default:
      throw new UsageError('choose create, reset-password or token.')
  }
}

async function createAdmin(api: Transport, username: string, role: Role, readsPassword: boolean): Promise<Outcome> {
  const { password, isOneTime } = choosePassword(readsPassword)
  const user = await call(
    createUser,
    { body: { username, displayName: username, password, mustChangePassword: isOneTime } },
    api,
  )
  try {
    await call(createAdministrator, { body: { userId: user.id, role } }, api)
  } catch (error) {
    // Two calls, one deed: a user who was meant to be an administrator must not stay as anything else.
    await call(deleteUser, { params: { id: user.id } }, api)
    throw error
  }
  return {
    lines: [`${username} is ${role} now (${user.id}).`, ...shown(password, isOneTime)],
    document: { userId: user.id, username, role, ...(isOneTime ? { password } : {}) },
  }
}

/** Also the way back in for an owner whom wrong guesses lock out: it lifts the lock. */
async function resetPassword(api: Transport, name: string, readsPassword: boolean): Promise<Outcome> {
  const { items } = await call(listUsers, { query: { q: name, limit: 500 } }, api)
  const user = items.find(({ username }) => username.toLowerCase() === name.toLowerCase())
  if (user === undefined) throw new UsageError(`there is no user "${printable(name)}" in the organization default.`)
  const { password, isOneTime } = choosePassword(readsPassword)
  await call(updateUser, { params: { id: user.id }, body: { password, mustChangePassword: isOneTime } }, api)
  return {
    lines: [
      `${printable(user.username)} (${user.id}) has a new password, and was signed out everywhere.`,
      ...(user.status === 'active' ? [] : ['The account is disabled, so nobody can sign in to it yet.']),
      ...shown(password, isOneTime),
    ],
    document: { userId: user.id, username: user.username, ...(isOneTime ? { password } : {}) },
  }
}

/** One that we make is good for one sign-in, at which another one has to be chosen. */
function choosePassword(readsPassword: boolean): { password: string; isOneTime: boolean } {
  if (!readsPassword) return { password: randomBytes(18).toString('base64url'), isOneTime: true }
  return { password: readFileSync(0, 'utf8').replace(/\r?\n$/, ''), isOneTime: false }
}

function shown(password: string, isOneTime: boolean): string[] {
  return isOneTime ? [`Password for one sign-in, shown only this once: ${password}`] : []
}

async function createToken(api: Transport, name: string, role: Role): Promise<Outcome> {
  const created = await call(createApiToken, { body: { name, role } }, api)
  return { lines: [created.token, `(API token "${name}", role ${role}, shown only this once)`], document: created }
}

function readRole(text: string | undefined): Role {
  const role = ROLES.find((known) => known === (text ?? 'owner'))
  if (role === undefined) throw new UsageError(`--role takes ${ROLES.join(', ')}, not "${text}".`)
  return role
}

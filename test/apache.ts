/**
 * Apache with mod_auth_openidc, which nobody here wrote, as a relying party: a web server on a free port of this machine
 * whose every page needs somebody who signed in. From Debian's packages; `.ci/run` installs them.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

const PROGRAM = '/usr/sbin/apache2'
const MODULES = '/usr/lib/apache2/modules'
const NEEDED = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers', 'auth_openidc']

/** Why a test that needs it is skipped; false when it can run. */
export function missingApache(): string | false {
  const isThere = existsSync(PROGRAM) && existsSync(join(MODULES, 'mod_auth_openidc.so'))
  return isThere ? false : 'needs apache2 and libapache2-mod-auth-openidc'
}

export interface Apache {
  /** Where it listens. */
  readonly origin: string
  /** The address that it sends to the provider. */
  readonly redirectUri: string
  stop(): Promise<void>
}

/** Starts it on this port. @throws with its log when it does not come up */
export async function startApache(
  port: number,
  relying: { issuer: string; clientId: string; clientSecret: string },
): Promise<Apache> {
  const root = mkdtempSync(join(tmpdir(), 'muster-apache-'))
  for (const folder of ['www', 'cache']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'www/index.html'), 'a page for those who signed in')
  writeFileSync(join(root, 'apache.conf'), configuration(root, port, relying))
  // Started as root it works as somebody else.
  if (process.getuid?.() === 0) for (const folder of ['.', 'www', 'cache']) chmodSync(join(root, folder), 0o777)

  const apache = spawn(PROGRAM, ['-f', join(root, 'apache.conf'), '-D', 'FOREGROUND'], { stdio: 'ignore', env: {} })
  const exited = once(apache, 'exit')
  const stop = async () => {
    apache.kill('SIGTERM')
    await exited
    rmSync(root, { recursive: true, force: true })
  }
  const log = join(root, 'error.log')
  try {
    await eventually('Apache listens', () => {
      if (apache.exitCode !== null) throw new Error('Apache ended')
      return existsSync(log) && readFileSync(log, 'utf8').includes('resuming normal operations') ? true : undefined
    })
  } catch (error) {
    const said = existsSync(log) ? readFileSync(log, 'utf8') : ''
    await stop()
    throw new Error(`Apache did not come up. ${said}`, { cause: error })
  }
  return { origin: `http://localhost:${port}`, redirectUri: redirectUriOn(port), stop }
}

export function redirectUriOn(port: number): string {
  return `http://localhost:${port}/redirect_uri`
}

function configuration(
  root: string,
  port: number,
  { issuer, clientId, clientSecret }: { issuer: string; clientId: string; clientSecret: string },
): string {
  const modules = NEEDED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  const user = process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []
  return `${[
    ...modules,
    ...user,
    `ServerRoot ${root}`,
    'ServerName localhost',
    `PidFile ${root}/apache.pid`,
    `DefaultRuntimeDir ${root}`,
    `ErrorLog ${root}/error.log`,
    'LogLevel notice auth_openidc:info',
    `Listen 127.0.0.1:${port}`,
    `DocumentRoot ${root}/www`,
    'DirectoryIndex index.html',
    `OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration`,
    `OIDCClientID ${clientId}`,
    `OIDCClientSecret ${clientSecret}`,
    `OIDCRedirectURI ${redirectUriOn(port)}`,
    `OIDCCryptoPassphrase ${randomBytes(24).toString('hex')}`,
    'OIDCScope "openid profile email groups offline_access"',
    'OIDCPKCEMethod S256',
    'OIDCRemoteUserClaim sub',
    // A session in a cookie has no room for the ID token, which signing out needs.
    'OIDCSessionType server-cache',
    'OIDCCacheType file',
    `OIDCCacheDir ${root}/cache`,
    'OIDCInfoHook access_token id_token userinfo refresh_token session',
    'OIDCRefreshAccessTokenBeforeExpiry 0',
    '<Location />',
    '  AuthType openid-connect',
    '  Require valid-user',
    '  Header set X-Remote-User "expr=%{REMOTE_USER}"',
    '</Location>',
  ].join('\n')}\n`
}

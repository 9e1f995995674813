/**
 * A stack whose server is reached under the address that it signs, as applications need it, with sign-in switched on and
 * browsers sent to the emulator's pages.
 */
import { freePort } from '../tools/free-port.ts'
import type { RunningServer, ServerProcess } from './server.ts'
import { startStack, startStackOfProcesses, type Stack, type StackOptions } from './stack.ts'
import type { Page } from './visitor.ts'

/** With the server in this process. */
export function startProviderStack(databaseUrl: string, options: StackOptions = {}) {
  return assemble<RunningServer>(databaseUrl, options, startStack)
}

/** With the server as a process, which comes back under the same address after it was killed. */
export function startProviderStackOfProcesses(databaseUrl: string, options: StackOptions = {}) {
  return assemble<ServerProcess>(databaseUrl, options, startStackOfProcesses)
}

async function assemble<S extends RunningServer>(
  databaseUrl: string,
  options: StackOptions,
  start: (databaseUrl: string, options: StackOptions) => Promise<Stack<S>>,
) {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const stack = await start(databaseUrl, {
    wecomPages: true,
    ...options,
    connection: { signIn: { enabled: true }, ...options.connection },
    settings: { MUSTER_LISTEN: `127.0.0.1:${port}`, MUSTER_PUBLIC_URL: origin, ...options.settings },
  })
  return Object.assign(stack, {
    issuer: `${origin}/oidc`,
    /** Somebody who may sign in and whom a sync brings here. */
    someone() {
      const { members } = stack.control.truth({ corpId: stack.corpId })
      return members.find(({ status, enable }) => status === 1 && enable !== 0)!
    },
    /** For a visitor: this person scans on every page of WeCom. */
    scansAs: (userid: string) => (address: URL) => {
      const isWecoms = /^\/(?:connect\/oauth2|wwlogin\/sso|wwopen\/sso)\//.test(address.pathname)
      if (isWecoms) address.searchParams.set('scan_as', userid)
    },
    /** The address of a link of a page, by what it contains. */
    hrefIn(page: Page, part: string): URL {
      const links = [...page.text.matchAll(/\bhref="([^"]*)"/g)].map(([, href]) => href!.replace(/&amp;/g, '&'))
      const href = links.find((link) => link.includes(part))
      if (href === undefined) throw new Error(`no link to ${part} on this page: ${page.text.slice(0, 2_000)}`)
      return new URL(href, page.url)
    },
  })
}

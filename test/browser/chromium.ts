/**
 * The Chromium of the machine, as Debian packages it, for tests that look at pages. It reaches this machine only: every
 * other name is unknown to it, except those that a test maps here.
 */
import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

/** The first is the same browser without the parts that nobody sees here, and starts a page in half the time. */
const PLACES = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser']

const place = PLACES.find((path) => existsSync(path))

/** Why a test that needs a browser cannot run here, for its `skip`; with CI=true the runner counts that as a failure. */
export const withoutBrowser: string | false =
  place === undefined ? 'no Chromium here; the Debian package is called chromium-headless-shell' : false

/**
 * @param hosts names that lead to a port of this machine. Their pages over http have the duties and rights of https, where
 *   browsers know more ways to part a pop-up from its opener.
 */
export function startChromium(hosts: Readonly<Record<string, number>> = {}): Promise<Browser> {
  const trusted = Object.keys(hosts).map((name) => `http://${name}`)
  const mapped = Object.entries(hosts).map(([name, port]) => `MAP ${name} 127.0.0.1:${port}`)
  const rules = [...mapped, 'EXCLUDE 127.0.0.1', 'EXCLUDE localhost', 'EXCLUDE *.localhost', 'MAP * ~NOTFOUND']
  return chromium.launch({
    ...(place === undefined ? {} : { executablePath: place }),
    args: [
      `--host-resolver-rules=${rules.join(',')}`,
      `--unsafely-treat-insecure-origin-as-secure=${trusted.join(',')}`,
      '--disable-background-networking',
      '--disable-component-update',
      // A page is looked at for seconds: compiling its scripts once more for speed takes longer than it saves.
      '--js-flags=--no-turbofan',
    ],
  })
}

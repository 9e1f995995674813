/**
 * The person with the phone: what they do when a page waits for a scan, or asks who is signed in inside the client. Set by
 * the control API, for one page or for all; without it the pages let a person choose.
 */

import type { SigninIdentity } from './codes.ts'

export interface Scan {
  /** `refuses` declines on the phone. */
  who: SigninIdentity | 'refuses'
  /** Whose member it is, where the page belongs to no company: on the pages of suites. */
  corpId?: string
  /** The answer to the page of `snsapi_privateinfo`, as fields; `all` for what is offered. Without it the page asks. */
  consent?: 'all' | 'refuses' | readonly string[]
}

export interface Scanner {
  set(scan: Scan | undefined, isOnce: boolean): void
  /** Uses up a scan that was set for one page. */
  take(): Scan | undefined
}

export function createScanner(): Scanner {
  let once: Scan | undefined
  let standing: Scan | undefined

  return {
    set(scan, isOnce) {
      once = isOnce ? scan : undefined
      if (!isOnce) standing = scan
    },
    take() {
      const scan = once ?? standing
      once = undefined
      return scan
    },
  }
}

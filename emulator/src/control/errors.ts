/** What control functions say when they cannot do what is asked, in sentences: nobody calls them to meet error codes. */

import { PageError } from '../sign-in/authorization.ts'
import { ApiError } from '../errors.ts'

/** A request that cannot be carried out; the message says why. */
export class ControlError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ControlError'
  }
}

/** WeCom's refusals become sentences. */
export function byRules<T>(write: () => T): T {
  try {
    return write()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new ControlError(
      `WeCom would refuse this: ${error.errcode} ${error.message}. Pass "unchecked": true to plant it`,
    )
  }
}

export function byPages<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof PageError)) throw error
    const number = error.errCode === 0 ? '' : `${error.errCode} `
    throw new ControlError(`the page would say: ${number}${error.message}`)
  }
}

export function addressOf(text: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new ControlError(`${text} is not a whole address`)
}

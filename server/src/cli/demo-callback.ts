/** Token and EncodingAESKey of a callback, for a demo: good for as long as it runs. */
import { randomBytes } from 'node:crypto'

export function newCallbackKeys(): { readonly token: string; readonly aesKey: string } {
  return { token: randomBytes(16).toString('hex'), aesKey: randomBytes(22).toString('hex').slice(0, 43) }
}

/** WeCom's own network addresses, for firewalls (pages 92520, 92521). Pull daily; ranges overlap while they change. */

import type { Caller, CallOptions } from './request.ts'
import { IncompleteAnswer, requireList, toTextList } from './wire.ts'

/** Plain addresses, ranges, or patterns such as `101.226.103.*`. */
export type Addresses = {
  /** Where the API answers: allow outgoing connections to these. */
  apiDomain: (options?: CallOptions) => Promise<readonly string[]>
  /** Where callbacks come from: allow incoming connections from these. */
  callback: (options?: CallOptions) => Promise<readonly string[]>
}

export function createAddresses({ call }: Caller): Addresses {
  const listOf = (api: string, options: CallOptions | undefined) =>
    call(
      {
        api,
        method: 'GET',
        repeat: 'always',
        read: (answer) => {
          const addresses = toTextList(requireList(answer, 'ip_list'))
          if (addresses === undefined) throw new IncompleteAnswer('"ip_list" has an unreadable entry')
          return addresses
        },
      },
      options,
    )
  return {
    apiDomain: (options) => listOf('get_api_domain_ip', options),
    callback: (options) => listOf('getcallbackip', options),
  }
}

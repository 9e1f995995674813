/** What the round trip through our own callback address means, and what to do about it. Pure; the trip is callback-check.ts. */
import type { Text } from '../../../errors.ts'
import type { Verdict } from './verdicts.ts'

export interface CallbackFacts {
  readonly hasToken: boolean
  readonly hasAesKey: boolean
  readonly publicUrl: URL
  /** One for each address of the connection; none when there was nothing to ask with. */
  readonly trips: readonly CallbackTrip[]
}

export type CallbackTrip = { readonly address: string } & (
  | { readonly kind: 'answered'; readonly durationMs: number }
  | { readonly kind: 'refused'; readonly status: number }
  /** Something else came back than what was encrypted. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'unreachable'; readonly reason: string }
)

/** WeCom's own limit for a verification. */
const SLOW_MS = 1_000

/** @param isLocal whether the public address is one that WeCom cannot reach */
export function callbackVerdict(facts: CallbackFacts, isLocal: boolean): Verdict {
  const { hasToken, hasAesKey, trips } = facts
  if (!hasToken || !hasAesKey) return incomplete(hasToken ? 'aesKey' : 'token')
  if (trips.length === 0) {
    return {
      result: 'skipped',
      detail: {
        en: 'Needs corpId, or for a suite its id: messages are encrypted for it.',
        zh: '需先填写 corpId（套件则为套件 ID）：消息以其为接收方加密。',
      },
      remedy: null,
    }
  }
  const failed = trips.find(({ kind }) => kind !== 'answered')
  if (failed !== undefined) return { result: 'fail', ...textsOf(failed) }
  const slowest = Math.max(...trips.map((trip) => (trip.kind === 'answered' ? trip.durationMs : 0)))
  const addresses = trips.map(({ address }) => address)
  const ms = Math.round(slowest)
  if (slowest >= SLOW_MS) {
    return {
      result: 'warn',
      detail: {
        en: `The round trip through ${addresses.join(' and ')} took ${ms} ms. WeCom waits one second when the address is saved in its console.`,
        zh: `经 ${addresses.join('、')} 的往返用时 ${ms} 毫秒。在管理后台保存该地址时，企业微信只等待一秒。`,
      },
      remedy: {
        en: 'Look for what is slow between the internet and this server, or at the load of this server.',
        zh: '请检查外网到本服务器之间的链路，或本服务器的负载。',
      },
    }
  }
  const local: Text = isLocal
    ? {
        en: ' It is no public address: the emulator reaches it, WeCom does not.',
        zh: '该地址不是公网地址：模拟器可以访问，企业微信无法访问。',
      }
    : { en: '', zh: '' }
  return {
    result: 'pass',
    detail: {
      en: `An encrypted message came back through ${addresses.join(' and ')} in ${ms} ms.${local.en}`,
      zh: `加密消息经 ${addresses.join('、')} 正确返回，用时 ${ms} 毫秒。${local.zh}`,
    },
    remedy: null,
  }
}

function incomplete(missing: 'token' | 'aesKey'): Verdict {
  const name = missing === 'token' ? 'Token' : 'EncodingAESKey'
  return {
    result: 'fail',
    detail: {
      en: `${name} is missing, so that no message of WeCom can be read.`,
      zh: `缺少 ${name}，无法读取企业微信推送的消息。`,
    },
    remedy: {
      en: `Enter callback.${missing}: WeCom shows ${name} where the address of the callback is set.`,
      zh: `请填写 callback.${missing}：在企业微信设置接收事件 URL 的页面可以看到 ${name}。`,
    },
  }
}

function textsOf(trip: CallbackTrip): { detail: Text; remedy: Text } {
  const { address } = trip
  if (trip.kind === 'unreachable') {
    return {
      detail: {
        en: `Nothing answers at ${address} (${trip.reason}), asked from this server.`,
        zh: `从本服务器访问 ${address} 无响应（${trip.reason}）。`,
      },
      remedy: {
        en: 'Check MUSTER_PUBLIC_URL, its name, its certificate and the proxy in front of this server. If only this server cannot reach its own public address, saving the address in the WeCom console tells whether WeCom can.',
        zh: '请检查 MUSTER_PUBLIC_URL、域名解析、证书以及前置代理。如果只是本服务器无法访问自己的公网地址，请在企业微信管理后台保存该地址，以其校验结果为准。',
      },
    }
  }
  if (trip.kind === 'refused' && trip.status === 403) {
    return {
      detail: {
        en: `${address} refuses what was encrypted with the token and key of this connection (403).`,
        zh: `${address} 拒绝了用该连接的 Token 与 EncodingAESKey 加密的消息（403）。`,
      },
      remedy: {
        en: 'Another installation may answer there, or a firewall in front of this server. The log of whoever answers says why.',
        zh: '该地址可能指向另一套系统，或被前置的防火墙拦截。请查看实际响应方的日志。',
      },
    }
  }
  const seen: Text =
    trip.kind === 'refused'
      ? { en: `answers with status ${trip.status}`, zh: `返回状态码 ${trip.status}` }
      : { en: 'answers with another text than was encrypted', zh: '返回的内容与加密的内容不一致' }
  return {
    detail: { en: `${address} ${seen.en}.`, zh: `${address} ${seen.zh}。` },
    remedy: {
      en: 'Have the proxy pass /callback/wecom/ to this server, GET and POST, with the query as it is and without signing in or redirecting.',
      zh: '请让前置代理将 /callback/wecom/ 的 GET 与 POST 请求原样（含查询参数）转发到本服务，不要要求登录或重定向。',
    },
  }
}

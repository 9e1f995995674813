/**
 * How WeCom is asked for each sort of token (pages 91039, 97162, 96237): what is sent, and under which name the answer and
 * later calls carry it. Keeping, renewing and sharing them is the same for all, in tokens.ts.
 */

import { WecomError } from './errors.ts'
import type { ApiRequest, Caller, TokenSource } from './request.ts'
import type { FreshToken } from './tokens.ts'
import { requireText, toInteger } from './wire.ts'
import type { WireObject } from './wire.ts'

/** Of an app, of contacts synchronization, or of a delegated app, whose permanent code is its secret. */
export function appToken({ corpId, secret }: { corpId: string; secret: string }): TokenSource {
  const query = { corpid: corpId, corpsecret: secret }
  const api = 'gettoken'
  return {
    credential: { corpId, secret },
    parameter: 'access_token',
    api,
    fetch: (ask) => ask({ api, method: 'GET', query, repeat: 'always', read: tokenNamed('access_token') }, [secret]),
  }
}

/** @param ticket asked for every time, because the newest one counts */
export function suiteToken({
  suiteId,
  suiteSecret,
  ticket,
}: {
  suiteId: string
  suiteSecret: string
  ticket: () => Promise<string | undefined>
}): TokenSource {
  const api = 'service/get_suite_token'
  const requestWith = (suiteTicket: string): ApiRequest<FreshToken> => ({
    api,
    method: 'POST',
    body: { suite_id: suiteId, suite_secret: suiteSecret, suite_ticket: suiteTicket },
    repeat: 'always',
    read: tokenNamed('suite_access_token'),
  })
  return {
    credential: { corpId: suiteId, secret: suiteSecret, use: 'suite' },
    parameter: 'suite_access_token',
    api,
    async fetch(ask) {
      const first = await ticket()
      if (first === undefined || first === '') {
        throw new WecomError('WECOM_NO_TICKET', { api, message: 'there is no suite ticket', isUnsent: true })
      }
      try {
        return await ask(requestWith(first), [suiteSecret, first])
      } catch (error) {
        if (!(error instanceof WecomError) || error.code !== 'WECOM_SUITE_TICKET_REJECTED') throw error
        // The next one may have come while this one was on its way.
        const next = await ticket()
        if (next === undefined || next === '' || next === first) throw error
        return await ask(requestWith(next), [suiteSecret, next])
      }
    },
  }
}

export function providerToken({ corpId, secret }: { corpId: string; secret: string }): TokenSource {
  const api = 'service/get_provider_token'
  const body = { corpid: corpId, provider_secret: secret }
  const read = tokenNamed('provider_access_token')
  return {
    credential: { corpId, secret, use: 'provider' },
    parameter: 'provider_access_token',
    api,
    fetch: (ask) => ask({ api, method: 'POST', body, repeat: 'always', read }, [secret]),
  }
}

/** Of an ordinary third-party app in a company that authorised it. Asked for with the token of the suite. */
export function authorizedCorpToken(
  suite: Caller,
  { corpId, permanentCode }: { corpId: string; permanentCode: string },
): TokenSource {
  const api = 'service/get_corp_token'
  const body = { auth_corpid: corpId, permanent_code: permanentCode }
  const read = tokenNamed('access_token')
  return {
    credential: { corpId, secret: permanentCode, use: 'authorized-corp' },
    parameter: 'access_token',
    api,
    fetch: (_, options) => suite.call({ api, method: 'POST', body, repeat: 'always', read }, options),
  }
}

/** expires_in is "normally 7200" (page 91039); a server that omits it is given that. */
function tokenNamed(name: string): (answer: WireObject) => FreshToken {
  return (answer) => ({
    token: requireText(answer, name),
    expiresInSeconds: toInteger(answer['expires_in']) ?? 7200,
  })
}

/**
 * The single way to WeCom. Every call of this package goes through `call`: token, pause, budget, one HTTP exchange,
 * errcode, then the endpoint's reader; and here alone is decided what is asked again.
 *
 * | Answer                                         | What happens                                              |
 * | ---------------------------------------------- | --------------------------------------------------------- |
 * | -1, timeout, connection, HTTP 5xx, truncated   | up to 3 retries, growing random waits; reads only         |
 * | 45009, 45033                                   | all callers of that corp and interface pause (pauses.ts)  |
 * | 40014, 42001; of suites 40082, 42009           | one new token, once per call (tokens.ts)                  |
 * | any other errcode                              | thrown at once                                            |
 * | none yet, and somebody at a screen needs the   | broken off and asked again, once per call (budget.ts)     |
 * | place                                          |                                                           |
 */

import type { Dispatcher } from 'undici'

import type { Budget, Place, Priority } from './budget.ts'
import { WecomError, errorFromErrcode } from './errors.ts'
import type { WecomErrorKind } from './errors.ts'
import { Recalled, fetchBytes, fetchJson, fetchJsonUnlessKnown } from './exchange.ts'
import type { ExchangeRequest } from './exchange.ts'
import { createGate } from './pauses.ts'
import type { Gate, Pass } from './pauses.ts'
import type { Credential, FreshToken, StoredToken, Tokens } from './tokens.ts'
import type { Wait } from './waiting.ts'
import { IncompleteAnswer, toInteger, toText } from './wire.ts'
import type { WireObject } from './wire.ts'

export type CallOptions = {
  /** Ends every wait of the call with WECOM_ABORTED. Without it a call may wait through all pauses (see maxPauses). */
  signal?: AbortSignal
  /** Overrides the priority of the principal. */
  priority?: Priority
}

/** One HTTP request that was really sent, those for tokens and repetitions included. Carries nothing secret or personal. */
export type CallReport = {
  /** Such as `user/list`; `export/download` for the files of an export. */
  readonly api: string
  readonly durationMs: number
  readonly outcome: 'ok' | WecomErrorKind
  readonly errcode?: number
  /** 1 for the first request of a call, then 2, 3 … */
  readonly attempt: number
  /** The time that the answer named (its Date header, in whole seconds), in milliseconds since 1970. */
  readonly serverTime?: number
}

export type ApiRequest<T> = {
  api: string
  method: 'GET' | 'POST'
  query?: Readonly<Record<string, string | number | undefined>>
  body?: Readonly<Record<string, unknown>>
  /** Where this call wants its token under another name than the other calls with such tokens. */
  tokenParameter?: string
  /**
   * `always`: a read. `unless-used-up`: redeems something, repeated only when WeCom said busy or nothing was sent.
   * `never`: starts something, so a second one would be one too many.
   */
  repeat: 'always' | 'unless-used-up' | 'never'
  /** Makes the result; throws IncompleteAnswer when the answer lacks what it must carry. */
  read: (answer: WireObject) => T
  /** The result for a body that the caller has read before, byte for byte, and that was a success then. */
  recognise?: (bytes: Buffer) => T | undefined
}

export type DownloadRequest = { api: string; url: string; timeoutMs: number; maxBytes: number }

/** A sort of token: whose it is, how it is sent, and how WeCom is asked for one. */
export type TokenSource = {
  /** What budget and pauses count the calls for is its corp id. */
  credential: Credential
  /** The name of the token in the query of a call. */
  parameter: string
  /** Such as `gettoken`. */
  api: string
  fetch: (ask: AskForToken, options: CallOptions) => Promise<FreshToken>
}

/** Sends one request that needs no token. `sensitive`: which of the texts in it no error may repeat. */
export type AskForToken = (request: ApiRequest<FreshToken>, sensitive: readonly string[]) => Promise<FreshToken>

/** How one principal, suite or provider calls WeCom. */
export type Caller = {
  call: <T>(request: ApiRequest<T>, options: CallOptions | undefined) => Promise<T>
  /** A file that WeCom pointed to. Sent without token. */
  download: (request: DownloadRequest, options: CallOptions | undefined) => Promise<Buffer>
  token: (options: CallOptions | undefined) => Promise<string>
  /** Waits between two questions of the same call, for polling. */
  pause: (api: string, ms: number, options: CallOptions | undefined) => Promise<void>
}

export type CallerOptions = {
  source: TokenSource
  onCall: ((report: CallReport) => void) | undefined
  priority: Priority
}

export type RequestSettings = {
  apiUrl: string
  dispatcher: Dispatcher
  tokens: Tokens
  budget: Budget
  callTimeoutMs: number
  backoffMs: number
  maxPauses: number
  maxResponseBytes: number
  now: () => number
  random: () => number
  wait: Wait
}

/** One attempt-to-be: what to send and where it counts. */
type Job<T> = {
  api: string
  repeat: ApiRequest<T>['repeat']
  corpId: string
  priority: Priority
  signal: AbortSignal | undefined
  onCall: CallerOptions['onCall']
  exchange: (attempt: Attempt) => Promise<T>
}

/** What one attempt brings along: the signal that calls it back, and who is told WeCom's time. */
type Attempt = Pick<ExchangeRequest, 'recalled' | 'onServerTime'>

/** May be sent now; give the place back when the answer is in. */
type PassWithPlace = { pass: Pass; place: Place }

/** What a call has used of its allowances, across its token replacement. */
type Progress = { attempts: number; retries: number; pauses: number; isRecallable: boolean }

/** Somebody at a screen is better told after three tries than kept waiting. */
const MAX_RETRIES = { interactive: 2, bulk: 3 } as const satisfies Record<Priority, number>
const FIRST_RETRY_MS = 500

/** Creates the callers of all principals; pauses are shared between them. */
export function createCallers(settings: RequestSettings): (options: CallerOptions) => Caller {
  const { apiUrl, dispatcher, tokens, budget, now, random, wait } = settings
  const gates = new Map<string, Gate>()
  const { origin, pathname } = new URL(apiUrl)
  const folder = pathname.replace(/\/$/, '')

  return ({ source, onCall, priority: usualPriority }) => {
    const { credential } = source
    const { corpId, secret } = credential

    return {
      async call<T>(request: ApiRequest<T>, options: CallOptions | undefined) {
        const { signal, priority = usualPriority } = options ?? {}
        const sensitive = [secret, ...textsIn(request.query), ...textsIn(request.body)]
        const fetchToken = (tokenSignal: AbortSignal) => getToken(tokenSignal, priority)
        const progress = newProgress()
        const sendWith = ({ token }: StoredToken) =>
          send(
            {
              api: request.api,
              repeat: request.repeat,
              corpId,
              priority,
              signal,
              onCall,
              exchange: (attempt) =>
                askApi(
                  request,
                  { [request.tokenParameter ?? source.parameter]: token },
                  { sensitive: [token, ...sensitive], signal, ...attempt },
                ),
            },
            progress,
          )

        return await orAborted(request.api, signal, async () => {
          let token = await tokens.current(credential, signal, fetchToken)
          let result: T
          try {
            result = await sendWith(token)
          } catch (error) {
            if (!(error instanceof WecomError) || error.code !== 'WECOM_TOKEN_REJECTED') throw error
            token = await tokens.replace(credential, token, signal, fetchToken, source.api)
            result = await sendWith(token)
          }
          tokens.accepted(credential, token)
          return result
        })
      },

      async download({ api, url, timeoutMs, maxBytes }, options) {
        const { signal, priority = usualPriority } = options ?? {}
        // A large file is not begun again for anybody; it counts among the calls that bulk may keep.
        const exchange = ({ onServerTime }: Attempt) =>
          fetchBytes(dispatcher, {
            api,
            target: url,
            method: 'GET',
            timeoutMs,
            maxBytes,
            signal,
            sensitive: [url],
            onServerTime,
          })
        return await orAborted(api, signal, () =>
          send({ api, repeat: 'always', corpId, priority, signal, onCall, exchange }, newProgress(false)),
        )
      },

      pause: (api, ms, options) => orAborted(api, options?.signal, () => wait(ms, options?.signal)),

      async token(options) {
        const { signal, priority = usualPriority } = options ?? {}
        const fetchToken = (tokenSignal: AbortSignal) => getToken(tokenSignal, priority)
        const { token } = await orAborted(source.api, signal, () => tokens.current(credential, signal, fetchToken))
        return token
      },
    }

    function getToken(signal: AbortSignal, priority: Priority): Promise<FreshToken> {
      const ask: AskForToken = (request, sensitive) => {
        const exchange = (attempt: Attempt) => askApi(request, {}, { sensitive, signal, ...attempt })
        const { api, repeat } = request
        return send({ api, repeat, corpId, priority, signal, onCall, exchange }, newProgress())
      }
      return source.fetch(ask, { signal, priority })
    }
  }

  async function send<T>(job: Job<T>, progress: Progress): Promise<T> {
    for (;;) {
      // Outside of the try: who is refused at the gate has not asked, and must not come straight back.
      const { pass, place } = await passAndPlace(job, progress)
      try {
        return await attempt(job, pass, place, progress)
      } catch (error) {
        if (error instanceof Recalled && !job.signal?.aborted) {
          progress.isRecallable = false
          continue
        }
        if (!(error instanceof WecomError) || job.signal?.aborted) throw error
        if (error.kind === 'frequency') {
          if (progress.pauses >= settings.maxPauses) throw error
          continue // the pause that this answer began is waited out at the gate
        }
        if (!mayRepeat(error, job.repeat) || progress.retries >= MAX_RETRIES[job.priority]) throw error
        progress.retries++
        await wait(FIRST_RETRY_MS * 2 ** (progress.retries - 1) * (0.5 + random() / 2), job.signal)
      }
    }
  }

  async function attempt<T>(job: Job<T>, pass: Pass, place: Place, progress: Progress): Promise<T> {
    const startedAt = now()
    let serverTime: number | undefined
    const report = (outcome: CallReport['outcome'], errcode?: number) =>
      job.onCall?.({
        api: job.api,
        durationMs: Math.max(0, now() - startedAt),
        outcome,
        ...(errcode === undefined ? {} : { errcode }),
        attempt: progress.attempts,
        ...(serverTime === undefined ? {} : { serverTime }),
      })
    progress.attempts++
    let result: T
    try {
      result = await job.exchange({ recalled: place.recalled, onServerTime: (ms) => (serverTime = ms) })
    } catch (error) {
      place.release()
      const failure = error instanceof WecomError ? error : undefined
      if (failure?.kind === 'frequency') pass.settle(failure)
      else pass.settle(failure?.errcode === undefined ? 'unanswered' : 'answered')
      report(failure?.kind ?? (error instanceof Recalled ? 'aborted' : 'unknown'), failure?.errcode)
      throw error
    }
    place.release()
    pass.settle('answered')
    report('ok')
    return result
  }

  /** Waits for the end of a pause, then for a place in the budget; again when a pause began in between. */
  async function passAndPlace<T>(job: Job<T>, progress: Progress): Promise<PassWithPlace> {
    const gate = gateOf(job.corpId, job.api)
    // Nobody waits a minute at a sign-in page: an interactive call fails at once when the pause is longer than that.
    const patienceMs = job.priority === 'interactive' ? settings.callTimeoutMs : Infinity
    for (;;) {
      const pass = await gate.enter(job.signal, { maxRounds: settings.maxPauses - progress.pauses, patienceMs })
      progress.pauses += pass.rounds
      let place: Place
      try {
        const isRecallable = job.repeat === 'always' && progress.isRecallable
        place = await budget.acquire(
          { corpId: job.corpId, api: job.api, priority: job.priority, isRecallable },
          job.signal,
        )
      } catch (error) {
        pass.settle('unanswered')
        throw error
      }
      if (!pass.isStale()) return { pass, place }
      place.release()
      pass.settle('unanswered')
    }
  }

  async function askApi<T>(
    request: ApiRequest<T>,
    credentials: Record<string, string>,
    means: Pick<ExchangeRequest, 'sensitive' | 'signal' | 'recalled' | 'onServerTime'>,
  ): Promise<T> {
    const { api, method, query, body } = request
    const exchange: ExchangeRequest = {
      api,
      target: { origin, path: `${folder}/cgi-bin/${api}?${queryString({ ...credentials, ...query })}` },
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      timeoutMs: settings.callTimeoutMs,
      maxBytes: settings.maxResponseBytes,
      ...means,
    }
    if (request.recognise === undefined)
      return readAnswer(request, await fetchJson(dispatcher, exchange), means.sensitive)
    const outcome = await fetchJsonUnlessKnown(dispatcher, exchange, request.recognise)
    return 'known' in outcome ? outcome.known : readAnswer(request, outcome.answer, means.sensitive)
  }

  function gateOf(corpId: string, api: string): Gate {
    const key = `${corpId} ${api}`
    let gate = gates.get(key)
    if (gate === undefined) {
      gate = createGate({ ...settings, corpId, api, shared: budget.pauses })
      gates.set(key, gate)
    }
    return gate
  }
}

/**
 * errcode first: a failing answer carries empty lists (wecom-api.md 0.2). Some endpoints send errcode only on failure,
 * so its absence is success as far as the reader finds what must be there.
 */
function readAnswer<T>(request: ApiRequest<T>, answer: WireObject, sensitive: readonly string[]): T {
  const { api } = request
  const errcode = 'errcode' in answer ? toInteger(answer['errcode']) : 0
  if (errcode === undefined) {
    throw new WecomError('WECOM_ANSWER_UNREADABLE', { api, message: 'errcode is not a number', httpStatus: 200 })
  }
  if (errcode !== 0) throw errorFromErrcode(errcode, { api, errmsg: toText(answer['errmsg']), sensitive })
  try {
    return request.read(answer)
  } catch (error) {
    if (!(error instanceof IncompleteAnswer)) throw error
    throw new WecomError('WECOM_ANSWER_INCOMPLETE', { api, message: error.message, httpStatus: 200, sensitive })
  }
}

function mayRepeat(error: WecomError, repeat: ApiRequest<unknown>['repeat']): boolean {
  // A ticket that was refused gets better by the next ticket, not by repetition.
  if (!error.retryable || error.kind === 'credential') return false
  if (repeat === 'unless-used-up') return error.errcode === -1 || error.isUnsent
  return repeat === 'always'
}

/** Turns a wait that the caller's signal ended into the error every caller expects. */
async function orAborted<T>(api: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted()
    return await work()
  } catch (error) {
    if (!signal?.aborted || error instanceof WecomError) throw error
    // Without cause: the reason is the caller's own text, and whose secrets it names is unknown here.
    throw new WecomError('WECOM_ABORTED', { api, message: 'the caller gave up' })
  }
}

function newProgress(isRecallable = true): Progress {
  return { attempts: 0, retries: 0, pauses: 0, isRecallable }
}

function queryString(query: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.toString()
}

/** The texts that a call sends are ids, numbers, codes and keys: none of them may come back in an error. */
function textsIn(values: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.values(values ?? {})
    .flat()
    .filter((value) => typeof value === 'string')
}

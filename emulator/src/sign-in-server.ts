/**
 * login.work.weixin.qq.com, open.work.weixin.qq.com and open.weixin.qq.com on one port: their paths do not collide. Every
 * step is a GET and nothing is kept between them, except a cookie that says who is signed in inside the WeCom client.
 * What comes from the browser is believed only after authorization.ts has read it.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

import { checkPanelOrigin, decide, doors, PageError, readRequest } from './authorization.ts'
import type { Decision, Door, SignInRequest } from './authorization.ts'
import type { Company } from './company.ts'
import type { CallRecord } from './ledger.ts'
import { isPanel, redirectTypeOf } from './panel.ts'
import type { PanelData, PanelOutcome } from './panel.ts'
import { choicesOf, outsiders, refusal, scanOf, scanParameter } from './people.ts'
import type { Choice } from './people.ts'
import type { Scan } from './scanner.ts'
import {
  consentPage,
  contentSecurityPolicy,
  donePage,
  errorPage,
  frontPage,
  messageOf,
  pickerPage,
} from './sign-in-pages.ts'
import type { Language, Opened } from './sign-in-pages.ts'
import type { World } from './world.ts'

const cookieName = 'emulated_client'

/** One request on its way through. */
interface Visit {
  readonly world: World
  readonly door: Door
  readonly query: URLSearchParams
  readonly language: Language
  readonly headers: IncomingMessage['headers']
  readonly record: CallRecord
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A page, or what the script of the panel asked for. */
  readonly body?: string | object
}

export function createSignInListener(world: World): RequestListener {
  return (request, response) => {
    try {
      send(world, response, receive(world, request, response))
    } catch (error) {
      // Only a bug of the emulator comes here.
      console.error('the emulator failed to show a page', error)
      if (response.headersSent) response.destroy()
      else
        response.writeHead(500, { 'content-type': 'text/plain' }).end('bug in the emulator, see its standard error\n')
    }
  }
}

function receive(world: World, request: IncomingMessage, response: ServerResponse): Answer {
  const { method = 'GET', url = '/', headers } = request
  const cut = url.indexOf('?')
  const path = cut < 0 ? url : url.slice(0, cut)
  const query = new URLSearchParams(cut < 0 ? '' : url.slice(cut + 1))
  const agentId = Number(query.get('agentid') || NaN)
  const record = world.ledger.open({
    method,
    endpoint: path,
    query: Object.fromEntries(query),
    address: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    ...(world.companies.has(query.get('appid') ?? '') ? { corpId: query.get('appid') ?? '' } : {}),
    ...(Number.isSafeInteger(agentId) ? { agentId } : {}),
  })
  response.once('close', () => world.ledger.close(record))
  const answer = answerTo(world, { method, path, query, headers, record })
  record.status = answer.status
  return answer
}

function answerTo(
  world: World,
  asked: Pick<Visit, 'query' | 'headers' | 'record'> & { method: string; path: string },
): Answer {
  const { method, path, query, headers, record } = asked
  if (method !== 'GET') return { status: 405, headers: { allow: 'GET' } }
  const language = languageOf(query, headers)
  if (path === '/') return front(query, headers, language)
  const door = Object.hasOwn(doors, path) ? doors[path] : undefined
  if (!door) return { status: 404, body: '<h1>404 Not Found</h1>' }

  const visit: Visit = { world, door, query, language, headers, record }
  try {
    return enter(visit)
  } catch (error) {
    if (!(error instanceof PageError)) throw error
    record.errcode = error.errCode
    return fail(visit, error)
  }
}

function enter(visit: Visit): Answer {
  const { world, door, query, headers } = visit
  if (door === 'client') checkClient(world, headers)
  const request = readRequest(world, door, query)
  if (isForScript(headers)) {
    if (!query.has(scanParameter)) return { status: 200, body: { choices: choices(visit, request) } }
  } else if (isPanel(query)) {
    checkPanelOrigin(world, request, headers.referer)
  }
  const scan = scanIn(visit, request)
  if (scan) return conclude(visit, request, decide(world, request, scan))
  return {
    status: 200,
    body: pickerPage(openedBy(visit), request, choices(visit, request)),
  }
}

/** Other browsers are told to come back inside the client. */
function checkClient(world: World, headers: Visit['headers']): void {
  if (!world.settings.readings.authorizeChecksClient) return
  if (/wxwork|MicroMessenger/i.test(headers['user-agent'] ?? '')) return
  throw new PageError(403, 0, '请在企业微信客户端打开链接', 'open this link in the WeCom client')
}

/** Chosen on the page, else set by the control API, else whoever is signed in inside the client. */
function scanIn({ world, door, query, headers }: Visit, { company }: SignInRequest): Scan | undefined {
  const chosen = query.get(scanParameter)
  const remembered = () => (door === 'client' ? rememberedIn(headers, company) : undefined)
  const scan = chosen !== null ? scanOf(company, chosen) : (world.scanner.take() ?? remembered())
  const answer = query.get('consent')
  if (!scan || answer === null) return scan
  return { ...scan, consent: answer === 'agrees' ? query.getAll('field') : 'refuses' }
}

function conclude(visit: Visit, { company, door }: SignInRequest, decision: Decision): Answer {
  const { query, headers } = visit
  const chosen = query.get(scanParameter)
  // Whoever was chosen inside the client stays signed in there, as on a phone.
  const isRemembered = door === 'client' && chosen !== null && chosen !== refusal
  const cookie: Record<string, string> = isRemembered ? { 'set-cookie': cookieOf(`${company.corpId}/${chosen}`) } : {}
  if (decision.kind === 'consent') {
    return { status: 200, headers: cookie, body: consentPage(openedBy(visit), decision) }
  }
  const { kind: _, ...outcome } = decision
  if (isForScript(headers)) return { status: 200, body: outcome }
  const panel = panelOf(visit, outcome)
  // In a frame the top window has to move, and that takes a script.
  if (panel && panel.redirectType !== 'self') return { status: 200, body: donePage({ ...openedBy(visit), panel }) }
  return { status: 302, headers: { ...cookie, location: outcome.redirectUrl } }
}

function fail(visit: Visit, error: PageError): Answer {
  const outcome: PanelOutcome = { errCode: error.errCode, errMsg: messageOf(error, visit.language) }
  if (isForScript(visit.headers)) return { status: 200, body: outcome }
  return { status: error.status, body: errorPage({ ...openedBy(visit), panel: panelOf(visit, outcome) }, error) }
}

function choices({ world, query }: Visit, { company, app }: SignInRequest): Choice[] {
  return choicesOf(world, company, app, query.get('q') ?? '')
}

function openedBy(visit: Visit): Opened {
  return { language: visit.language, query: visit.query, panel: panelOf(visit) }
}

function panelOf({ door, query }: Visit, outcome?: PanelOutcome): PanelData | undefined {
  if (door !== 'login' || !isPanel(query)) return undefined
  return { redirectType: redirectTypeOf(query), ...(outcome ? { outcome } : {}) }
}

function front(query: URLSearchParams, headers: Visit['headers'], language: Language): Answer {
  if (query.has('forget')) return { status: 302, headers: { location: '/', 'set-cookie': cookieOf('') } }
  return { status: 200, body: frontPage(language, Object.keys(doors), cookieIn(headers)) }
}

/** Somebody of another company, or somebody who is gone, is nobody here: the page asks again. */
function rememberedIn(headers: Visit['headers'], company: Company): Scan | undefined {
  const person = cookieIn(headers) ?? ''
  const scanAs = person.startsWith(`${company.corpId}/`) ? person.slice(company.corpId.length + 1) : ''
  const isKnown = outsiders.some((outsider) => outsider === scanAs) || company.findMember(scanAs) !== undefined
  return scanAs !== '' && isKnown ? scanOf(company, scanAs) : undefined
}

function cookieIn(headers: Visit['headers']): string | undefined {
  const pair = (headers.cookie ?? '').split('; ').find((candidate) => candidate.startsWith(`${cookieName}=`))
  if (!pair) return undefined
  return Buffer.from(pair.slice(cookieName.length + 1), 'base64url').toString() || undefined
}

/** An empty value deletes it. Encoded, because planted userids contain anything. */
function cookieOf(value: string): string {
  const life = value === '' ? '; Max-Age=0' : ''
  return `${cookieName}=${Buffer.from(value).toString('base64url')}; Path=/; HttpOnly; SameSite=Lax${life}`
}

function languageOf(query: URLSearchParams, headers: Visit['headers']): Language {
  const lang = query.get('lang')
  if (lang === 'zh' || lang === 'en') return lang
  return /^en/i.test(headers['accept-language'] ?? '') ? 'en' : 'zh'
}

/** The script of the panel asks without leaving its page. */
function isForScript(headers: Visit['headers']): boolean {
  return headers.accept === 'application/json'
}

function send(world: World, response: ServerResponse, { status, headers, body = '' }: Answer): void {
  const isPage = typeof body === 'string'
  response.writeHead(status, {
    // By the emulator's clock, which a test can move; Node would say its own.
    date: new Date(world.now()).toUTCString(),
    'cache-control': 'no-store',
    'content-type': isPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(isPage ? body : JSON.stringify(body))
}

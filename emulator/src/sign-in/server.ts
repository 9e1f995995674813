/**
 * login.work.weixin.qq.com, open.work.weixin.qq.com and open.weixin.qq.com on one port: their paths do not collide. Every
 * step is a GET and nothing is kept between them, except a cookie that says who is signed in inside the WeCom client.
 * What comes from the browser is believed only after authorization.ts has read it.
 */

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

import { checkPanelOrigin, decide, doors, PageError, readRequest } from './authorization.ts'
import type { App } from '../company/apps.ts'
import type { Decision, Door } from './authorization.ts'
import type { Company } from '../company/company.ts'
import { findCompany } from '../company/corp-ids.ts'
import { install, installParameter, installPath, invitationPath, readInstall } from '../providers/install.ts'
import type { InstallRequest } from '../providers/install.ts'
import type { CallRecord } from '../api/ledger.ts'
import { isPanel, redirectTypeOf } from './panel.ts'
import type { PanelData, PanelOutcome } from './panel.ts'
import { choicesEverywhere, choicesOf, corpParameter, outsiders, refusal, scanOf, scanParameter } from './people.ts'
import type { Choice } from './people.ts'
import type { Scan } from './scanner.ts'
import {
  consentPage,
  contentSecurityPolicy,
  donePage,
  errorPage,
  frontPage,
  installedPage,
  installPage,
  messageOf,
  pickerPage,
} from './pages.ts'
import type { InstallHeading, Language, Opened, PickerHeading } from './pages.ts'
import { decideForSuite, isForSuites, readSuiteRequest } from '../providers/suite-authorization.ts'
import type { World } from '../world.ts'

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
    query: withoutCodes(query),
    address: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    ...visitedBy(world, query),
    ...(Number.isSafeInteger(agentId) ? { agentId } : {}),
  })
  response.once('close', () => world.ledger.close(record))
  const answer = answerTo(world, { method, path, query, headers, record })
  record.status = answer.status
  return answer
}

/** Whose page it is: of an app of a company, of a suite, of a provider. */
function visitedBy(world: World, query: URLSearchParams): { corpId?: string; suiteId?: string } {
  const appid = query.get('appid') ?? query.get('suite_id') ?? ''
  const suite = world.providers.suite(appid)
  if (suite) return { corpId: suite.provider.corpId, suiteId: appid }
  if (world.providers.all.has(appid)) return { corpId: appid }
  const company = findCompany(world, appid)?.company
  return company ? { corpId: company.corpId } : {}
}

/** A pre-authorisation code or the id of an invitation is a credential. */
function withoutCodes(query: URLSearchParams): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of query) shown[name] = name === 'pre_auth_code' || name === 'id' ? '[secret]' : value
  return shown
}

function answerTo(
  world: World,
  asked: Pick<Visit, 'query' | 'headers' | 'record'> & { method: string; path: string },
): Answer {
  const { method, path, query, headers, record } = asked
  if (method !== 'GET') return { status: 405, headers: { allow: 'GET' } }
  const language = languageOf(query, headers)
  if (path === '/') return front(query, headers, language)
  if (path === installPath || path === invitationPath) return administer(world, { path, query, language, record })
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
  const entrance = isForSuites(world, door, query) ? entranceOfSuite(visit) : entranceOfCompany(visit)
  if (isForScript(headers)) {
    if (!query.has(scanParameter)) return { status: 200, body: { choices: entrance.choices() } }
  } else if (isPanel(query)) {
    checkPanelOrigin(world, { app: entrance.domainOwner, door }, headers.referer)
  }
  const scan = scanIn(visit, entrance)
  if (scan) return conclude(visit, entrance.cookie, entrance.decide(scan))
  return { status: 200, body: pickerPage(openedBy(visit), entrance.heading, entrance.choices()) }
}

/** The pages on which the administrator of a company authorises a suite. */
function administer(
  world: World,
  { path, query, language, record }: Pick<Visit, 'query' | 'language' | 'record'> & { path: string },
): Answer {
  try {
    const request = readInstall(world, path, query)
    const chosen = query.get(installParameter)
    const company = world.companies.get(chosen ?? '')
    if (chosen === null)
      return { status: 200, body: installPage({ language, query }, headingOf(request), companiesIn(world)) }
    if (!company) throw new PageError(403, 0, `没有企业 ${chosen}`, `there is no company ${chosen}`)
    const { redirectUrl } = install(world, request, company)
    if (redirectUrl !== undefined) return { status: 302, headers: { location: redirectUrl } }
    return { status: 200, body: installedPage({ language, query }, company.name) }
  } catch (error) {
    if (!(error instanceof PageError)) throw error
    record.errcode = error.errCode
    return { status: error.status, body: errorPage({ language, query }, error) }
  }
}

function headingOf({ suites, returns }: InstallRequest): InstallHeading {
  return {
    provider: suites[0]?.provider.name ?? '',
    apps: suites.map(({ name }) => name),
    host: returns?.redirectUri.host,
  }
}

function companiesIn(world: World): { corpId: string; name: string }[] {
  return [...world.companies.values()].map(({ corpId, name }) => ({ corpId, name }))
}

/** One page as this server sees it: of an app of one company, or of a suite that is open to all companies. */
interface Entrance {
  readonly heading: PickerHeading
  /** Whose trusted domains the page around a panel must be on. */
  readonly domainOwner: Pick<App, 'trustedDomains' | 'callbackDomains'> | undefined
  choices(): Choice[]
  /** By the word that stands in the address. */
  scanOf(scanAs: string): Scan
  /** Who is signed in inside the client, by the cookie. */
  remembered(): Scan | undefined
  /** What the cookie remembers of whoever is chosen on this page. */
  readonly cookie: string
  decide(scan: Scan): Decision
}

function entranceOfCompany({ world, door, query, headers }: Visit): Entrance {
  const request = readRequest(world, door, query)
  const { company, app, redirectUri } = request
  return {
    heading: { door, company: company.name, app: app?.name, host: redirectUri.host },
    domainOwner: app,
    choices: () => choicesOf(world, company, app, query.get('q') ?? ''),
    scanOf: (scanAs) => scanOf(company, scanAs),
    remembered: () => rememberedIn(headers, company),
    cookie: `${company.corpId}/${query.get(scanParameter) ?? ''}`,
    decide: (scan) => decide(world, request, scan),
  }
}

function entranceOfSuite({ world, door, query, headers }: Visit): Entrance {
  const request = readSuiteRequest(world, door, query)
  const { provider, suite, redirectUri } = request
  const corpId = query.get(corpParameter) ?? undefined
  const scanFrom = (scanAs: string, from: string | undefined): Scan => ({
    ...scanOf(provider, scanAs),
    ...(from === undefined ? {} : { corpId: from }),
  })
  return {
    heading: { door, company: provider.name, app: suite?.name, host: redirectUri.host },
    domainOwner: suite,
    choices: () => choicesEverywhere(world, suite, query.get('q') ?? ''),
    scanOf: (scanAs) => scanFrom(scanAs, corpId),
    remembered: () => {
      const [from, scanAs] = splitOnce(cookieIn(headers) ?? '')
      if (outsiders.some((outsider) => outsider === scanAs)) return scanOf(provider, scanAs)
      return world.companies.get(from)?.findMember(scanAs) ? scanFrom(scanAs, from) : undefined
    },
    cookie: `${corpId ?? ''}/${query.get(scanParameter) ?? ''}`,
    decide: (scan) => decideForSuite(world, request, scan),
  }
}

/** A CorpId has no slash; a userid that was planted may. */
function splitOnce(text: string): [string, string] {
  const slash = text.indexOf('/')
  return [text.slice(0, Math.max(0, slash)), text.slice(slash + 1)]
}

/** Other browsers are told to come back inside the client. */
function checkClient(world: World, headers: Visit['headers']): void {
  if (!world.settings.readings.authorizeChecksClient) return
  if (/wxwork|MicroMessenger/i.test(headers['user-agent'] ?? '')) return
  throw new PageError(403, 0, '请在企业微信客户端打开链接', 'open this link in the WeCom client')
}

/** Chosen on the page, else set by the control API, else whoever is signed in inside the client. */
function scanIn({ world, door, query }: Visit, entrance: Entrance): Scan | undefined {
  const chosen = query.get(scanParameter)
  const remembered = () => (door === 'client' ? entrance.remembered() : undefined)
  const scan = chosen !== null ? entrance.scanOf(chosen) : (world.scanner.take() ?? remembered())
  const answer = query.get('consent')
  if (!scan || answer === null) return scan
  return { ...scan, consent: answer === 'agrees' ? query.getAll('field') : 'refuses' }
}

function conclude(visit: Visit, person: string, decision: Decision): Answer {
  const { door, query, headers } = visit
  const chosen = query.get(scanParameter)
  // Whoever was chosen inside the client stays signed in there, as on a phone.
  const isRemembered = door === 'client' && chosen !== null && chosen !== refusal
  const cookie: Record<string, string> = isRemembered ? { 'set-cookie': cookieOf(person) } : {}
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

function openedBy(visit: Visit): Opened {
  return { language: visit.language, query: visit.query, panel: panelOf(visit) }
}

function panelOf({ door, query }: Visit, outcome?: PanelOutcome): PanelData | undefined {
  if (door !== 'login' || !isPanel(query)) return undefined
  return { redirectType: redirectTypeOf(query), ...(outcome ? { outcome } : {}) }
}

function front(query: URLSearchParams, headers: Visit['headers'], language: Language): Answer {
  if (query.has('forget')) return { status: 302, headers: { location: '/', 'set-cookie': cookieOf('') } }
  return { status: 200, body: frontPage(language, [...Object.keys(doors), installPath], cookieIn(headers)) }
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

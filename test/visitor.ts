/**
 * A browser without a screen, for flow tests: keeps cookies as RFC 6265 says, goes where it is sent, fills in forms. Each
 * visitor is a browser of its own.
 */
import { Agent } from 'undici'
import { createCookieJar } from '../tools/cookie-jar.ts'

export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** Where it sends the browser; null when it stays here. */
  readonly location: URL | null
}

export interface VisitorOptions {
  readonly userAgent?: string
  /** As `Accept-Language` has it. */
  readonly language?: string
  /** Changes an address before it is opened, as a person at a page of WeCom's would by choosing who scans. */
  readonly onAddress?: (url: URL) => void
}

export type Visitor = ReturnType<typeof createVisitor>

export const DESKTOP =
  'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36'
export const IN_WECOM = `${DESKTOP} wxwork/4.1.36 MicroMessenger/7.0.1`

const MOST_STEPS = 20

export function createVisitor({ userAgent = DESKTOP, language = 'en', onAddress }: VisitorOptions = {}) {
  const agent = new Agent()
  const jar = createCookieJar()

  return {
    /** Of this host, as `name=value`. */
    cookies: (origin: string): string[] => jar.ofHost(new URL(origin).hostname),
    open,
    /** Opens an address and follows where it leads, to the first page or to an address below `until`. */
    async follow(address: string | URL, until?: string): Promise<Page> {
      let page = await open(address)
      for (let step = 0; page.location !== null; step++) {
        if (step === MOST_STEPS) throw new Error(`still on the way after ${MOST_STEPS} steps, at ${page.url.href}`)
        if (until !== undefined && page.location.href.startsWith(until)) return page
        page = await open(page.location)
      }
      return page
    },
    /** Sends the form of a page whose action ends in `action`, with its hidden fields and these. Does not follow. */
    submit(page: Page, action: string, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
      const form = formOf(page, action)
      const body = new URLSearchParams({ ...form.hidden, ...fields }).toString()
      return send('POST', form.action, {
        body,
        'content-type': 'application/x-www-form-urlencoded',
        origin: page.url.origin,
        'sec-fetch-site': 'same-origin',
      })
    },
    send,
    close: () => agent.close(),
    [Symbol.asyncDispose]: () => agent.close(),
  }

  function open(address: string | URL): Promise<Page> {
    const url = new URL(address)
    onAddress?.(url)
    return send('GET', url)
  }

  async function send(
    method: 'GET' | 'POST',
    address: string | URL,
    { body, ...headers }: Readonly<Record<string, string>> = {},
  ): Promise<Page> {
    const url = new URL(address)
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: {
        accept: 'text/html',
        'accept-language': language,
        'user-agent': userAgent,
        ...jar.headers(url),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    jar.keep(url, response.headers['set-cookie'])
    const { location } = response.headers
    return {
      url,
      status: response.statusCode,
      headers: response.headers,
      text: await response.body.text(),
      location: typeof location === 'string' ? new URL(location, url) : null,
    }
  }
}

function formOf({ text, url }: Page, action: string): { action: URL; hidden: Record<string, string> } {
  for (const [whole, attributes = ''] of text.matchAll(/<form\b([^>]*)>[\s\S]*?<\/form>/gi)) {
    const target = new URL(attribute(attributes, 'action') ?? url.href, url)
    if (!target.pathname.endsWith(action)) continue
    const hidden: Record<string, string> = {}
    for (const [, input = ''] of whole.matchAll(/<input\b([^>]*)>/gi)) {
      const name = attribute(input, 'name')
      if (attribute(input, 'type') === 'hidden' && name !== undefined) hidden[name] = attribute(input, 'value') ?? ''
    }
    return { action: target, hidden }
  }
  throw new Error(`no form to ${action} on this page: ${text.slice(0, 500)}`)
}

function attribute(attributes: string, name: string): string | undefined {
  const [, quoted, bare] = new RegExp(`\\b${name}=(?:"([^"]*)"|([^\\s>]+))`, 'i').exec(attributes) ?? []
  const value = quoted ?? bare
  return value
    ?.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&quot;/g, '"')
    .replace(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

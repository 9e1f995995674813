/**
 * A browser for flow tests of signing in: keeps cookies as browsers do, follows redirects within the server, and stops
 * where WeCom's pages begin; who scans there is the test's to say. Knows of our pages what a person can see: links and
 * forms.
 */
import type { Emulator } from '@muster/emulator'
import type { RawAnswer } from './client.ts'
import { createClient } from './client.ts'

export const PUBLIC_URL = 'http://localhost:8080'

export const AGENTS = {
  computer:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  wecom: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 wxwork/4.1.22 MicroMessenger/7.0.1',
  wechat: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.49',
  phone: 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36',
} as const

/** Where a browser came to rest: a page of ours, or the address of one of WeCom's. */
export interface Place {
  readonly address: string
  /** Undefined at WeCom. */
  readonly answer: RawAnswer | undefined
}

export interface BrowserSettings {
  readonly origin: string
  readonly emulator: Emulator
  readonly agent?: keyof typeof AGENTS
  /** Where it comes from, by a proxy that the server trusts. */
  readonly address?: string
}

export type SignInBrowser = ReturnType<typeof openBrowser>

const MOST_REDIRECTS = 10

export function openBrowser({ origin, emulator, agent = 'computer', address }: BrowserSettings) {
  const jar = new Map<string, { value: string; path: string }>()
  const client = createClient(origin, null)

  async function send(path: string, init: RequestInit = {}): Promise<RawAnswer> {
    const sent = [...jar].filter(([, cookie]) => path.startsWith(cookie.path))
    const headers = new Headers(init.headers)
    headers.set('user-agent', AGENTS[agent])
    if (sent.length > 0) headers.set('cookie', sent.map(([name, { value }]) => `${name}=${value}`).join('; '))
    if (address !== undefined) headers.set('x-forwarded-for', address)
    const answer = await client.send(path, { ...init, headers })
    for (const line of answer.headers.getSetCookie()) keep(line)
    return answer
  }

  function keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ')
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(pair.indexOf('=') + 1)
    const given = new Map(attributes.map((one) => [one.split('=')[0]!.toLowerCase(), one.split('=')[1] ?? '']))
    if (value === '' || given.get('max-age') === '0') jar.delete(name)
    else jar.set(name, { value, path: given.get('path') ?? '/' })
  }

  /** Goes where it is sent, as long as that is on this server; also from a page that goes on by itself. */
  async function follow(first: string, init: RequestInit = {}): Promise<Place> {
    let path = first
    for (let count = 0; count < MOST_REDIRECTS; count++) {
      const answer = await send(path, count === 0 ? init : {})
      const next =
        answer.headers.get('location') ?? /http-equiv="refresh"\s+content="0;\s*url=([^"]+)"/.exec(answer.text)?.[1]
      if (next == null) return { address: path, answer }
      const to = new URL(unescape(next), `${PUBLIC_URL}${path}`)
      if (to.origin !== PUBLIC_URL) return { address: to.href, answer: undefined }
      path = to.pathname + to.search
    }
    throw new Error(`${first} leads in a circle`)
  }

  return {
    send,
    follow,
    jar,

    session: () => jar.get('muster_session')?.value,

    /** Begins at a page of ours. */
    start: (returnTo = '/account') => follow(`/signin/start?return_to=${encodeURIComponent(returnTo)}`),

    /** The first link of a page that leads to WeCom through us. */
    wecomLink({ answer }: Place): string {
      const href = /href="(\/signin\/[^"]+\/go\?[^"]+)"/.exec(answer?.text ?? '')?.[1]
      if (href === undefined) throw new Error(`no way to WeCom on ${answer?.status} ${answer?.text}`)
      return unescape(href)
    },

    /** From a page of ours, or from wherever the browser is, to WeCom's page. */
    async goToWecom(place?: Place): Promise<string> {
      const at = place ?? (await this.start())
      const { address: reached, answer } = at.answer === undefined ? at : await follow(this.wecomLink(at))
      if (answer !== undefined) throw new Error(`stayed at ${reached}: ${answer.status} ${answer.text}`)
      return reached
    },

    /**
     * What WeCom's page sends the browser back to when somebody scans it.
     * @param corpId whose member, on a page that belongs to no company
     * @returns the path
     */
    scan(wecomAddress: string, userid: string, corpId?: string): string {
      const scan = { url: wecomAddress, who: { userid } }
      const { redirectUrl } = emulator.control.completeLogin(corpId === undefined ? scan : { ...scan, corpId })
      const { pathname, search } = new URL(redirectUrl)
      return pathname + search
    },

    /** The whole way. */
    async signIn(userid: string): Promise<Place> {
      return follow(this.scan(await this.goToWecom(), userid))
    },

    /** The form of a page that is posted to an address with this end, filled in and sent. */
    async submit(
      { answer }: Place,
      step: string,
      fields: Record<string, string> = {},
      { headers = {} }: { headers?: Readonly<Record<string, string>> } = {},
    ): Promise<Place> {
      const { action, token } = formOf(answer, step)
      return follow(action, {
        method: 'POST',
        body: new URLSearchParams({ ...fields, token }),
        headers: { origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin', ...headers },
      })
    },
  }
}

export function formOf(answer: RawAnswer | undefined, step: string): { action: string; token: string } {
  for (const [form] of (answer?.text ?? '').matchAll(/<form\b[\s\S]*?<\/form>/g)) {
    const action = unescape(/action="([^"]*)"/.exec(form)?.[1] ?? '')
    const input = /<input\b[^>]*name="token"[^>]*>/.exec(form)?.[0] ?? ''
    if (action.endsWith(`/${step}`)) return { action, token: unescape(/value="([^"]*)"/.exec(input)?.[1] ?? '') }
  }
  throw new Error(`no form for ${step} on ${answer?.status} ${answer?.text}`)
}

function unescape(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&#39;', "'").replaceAll('&amp;', '&')
}

/**
 * The login page inside the frame that `createWWLoginPanel` of @wecom/jssdk makes: the script that speaks its message
 * protocol (§3.1.2), and what the page hands to it. Written against the behaviour of version 2.4.4.
 * A frame with a sandbox may not submit forms, and a frame that moves on forgets who is around it: so choices are fetched.
 */

export interface PanelData {
  redirectType: 'top' | 'callback' | 'self'
  /** Somebody had scanned before the page was shown. */
  outcome?: PanelOutcome
}

export type PanelOutcome =
  | { redirectUrl: string; code?: string; state?: string }
  /** As `onLoginFail` gets it. */
  | { errCode: number; errMsg: string }

/** True when the address is that of a panel: only the SDK sends these. */
export function isPanel(query: URLSearchParams): boolean {
  return query.has('version') || query.has('redirect_type')
}

export function redirectTypeOf(query: URLSearchParams): PanelData['redirectType'] {
  const type = query.get('redirect_type')
  return type === 'callback' || type === 'self' ? type : 'top'
}

/** JSON that cannot end the script element it stands in. */
export function panelJson(data: PanelData): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c')
}

export const panelScript = `(() => {
  const { redirectType, outcome } = JSON.parse(document.getElementById('panel').textContent)
  const isFramed = window.parent !== window
  const main = document.querySelector('main')
  const unsent = []
  let hostOrigin = isFramed && document.referrer ? new URL(document.referrer).origin : ''

  const send = (message) => {
    if (!isFramed) return
    if (hostOrigin) window.parent.postMessage(JSON.stringify(message), hostOrigin)
    else unsent.push(message)
  }
  const call = (name, payload) => send({ type: 'ww-iframe-handle:call', args: { type: 'call', name, payload } })
  window.addEventListener('message', (event) => {
    if (event.source !== window.parent || typeof event.data !== 'string') return
    if (!event.data.includes('"ww-iframe-handle:init"')) return
    hostOrigin ||= event.origin
    send({ type: 'ww-iframe-handle:ready' })
    for (const message of unsent.splice(0)) send(message)
  })

  const conclude = (result) => {
    if ('errCode' in result) {
      main.textContent = result.errMsg + ' (' + result.errCode + ')'
      // Without a number it is something that only the phone shows.
      if (result.errCode !== 0) call('onLoginFail', result)
    } else if (redirectType === 'callback' && isFramed) {
      main.textContent = result.code ? main.dataset.done : main.dataset.refused
      if (result.code) call('onLoginSuccess', { code: result.code })
    } else {
      const target = redirectType === 'self' ? window : window.top
      target.location.href = result.redirectUrl
    }
  }
  const ask = async (address) => {
    const response = await fetch(address, { headers: { accept: 'application/json' } })
    return response.json()
  }
  const search = async () => {
    const address = new URL(location.href)
    address.searchParams.set('q', document.getElementById('q').value)
    const { choices } = await ask(address)
    document.getElementById('people').replaceChildren(...choices.map(({ name, scanAs, corpId, companyName }) => {
      address.searchParams.set('scan_as', scanAs)
      if (corpId) address.searchParams.set('scan_corp', corpId)
      const textContent = name + ' ' + scanAs + (companyName ? ' · ' + companyName : '')
      const link = Object.assign(document.createElement('a'), { href: address.href, textContent })
      link.dataset.scan = scanAs
      const item = document.createElement('li')
      item.append(link)
      return item
    }))
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-scan]')
    if (!link && event.target.id !== 'find') return
    event.preventDefault()
    if (link) ask(link.href).then(conclude)
    else search()
  })
  document.getElementById('q')?.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return
    event.preventDefault()
    search()
  })
  send({ type: 'ww-iframe-handle:ready' })
  call('onCheckWeComLogin', { isWeComLogin: false })
  if (outcome) conclude(outcome)
})()
`

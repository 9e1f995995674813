/**
 * On the sign-in page: shows WeCom's panel, copies the link for WeChat, and notices when the person went on elsewhere.
 * Everything works without it except the panel; whatever goes wrong here leaves the plain link, which is always visible.
 */
;(() => {
  'use strict'
  /** Where the panel comes from and what `@wecom/jssdk` listens to. */
  const PANEL_ORIGIN = 'https://login.work.weixin.qq.com'
  const PATIENCE_MS = 6000
  const POLL_MS = 3000
  /** An attempt lives ten minutes; the page asks for a new one before that. */
  const RENEW_MS = 9 * 60 * 1000

  const byId = (id) => document.getElementById(id)
  const way = byId('way')
  const status = way?.dataset.status
  // The page itself is where the status is asked from; after a form it stands under another address.
  const page = status?.replace(/\/status$/, '')

  showPanel(byId('panel'))
  offerCopy(byId('link'), byId('copy'))
  if (page) watch()

  function showPanel(panel) {
    if (!panel) return
    const { appid, agentid, loginType, redirectUri, state, lang, late } = panel.dataset
    let isAlive = false
    let frame
    byId('panel-area').hidden = false

    const fail = (text) => {
      const problem = byId('way-problem')
      problem.textContent = text
      problem.hidden = false
      byId('panel-area').hidden = true
    }
    const giveUp = setTimeout(() => {
      if (!isAlive) fail(late)
    }, PATIENCE_MS)
    // The frame loads something even when WeCom cannot be reached, so only a word of WeCom's page counts.
    window.addEventListener('message', (event) => {
      if (event.origin !== PANEL_ORIGIN || !frame || event.source !== frame.contentWindow || isAlive) return
      isAlive = true
      clearTimeout(giveUp)
      frame.style.visibility = 'visible'
      byId('panel-wait').hidden = true
      byId('panel-area').hidden = false
      byId('way-problem').hidden = true
    })

    try {
      frame = window.ww.createWWLoginPanel({
        el: panel,
        params: {
          login_type: loginType,
          appid,
          // A suite has none.
          ...(agentid === undefined ? {} : { agentid }),
          redirect_uri: redirectUri,
          state,
          lang,
          // WeCom does not hand the code to scripts of localhost.
          redirect_type: isLoopback(new URL(redirectUri).hostname) ? 'top' : 'callback',
          panel_size: 'small',
          // On white in the dark, too: cameras read codes best that way.
          color_scheme: 'light',
        },
        onLoginSuccess({ code }) {
          const address = new URL(redirectUri)
          address.searchParams.set('code', code)
          address.searchParams.set('state', state)
          window.location.assign(address)
        },
        onLoginFail({ errCode }) {
          fail(panel.dataset[problemOf(Number(errCode))])
        },
      }).el
      frame.title = document.title
      // Until WeCom's page has spoken, it may be the browser's own page about an error.
      frame.style.visibility = 'hidden'
    } catch {
      clearTimeout(giveUp)
      fail(late)
    }
  }

  /** What WeCom's numbers mean for the person, as names of the texts that the page brought along. */
  function problemOf(code) {
    switch (code) {
      case -31020: // not the configured callback domain
      case -31039: // not the trusted domain
        return 'problemAddress'
      case -31027: // appid
      case -31028: // agentid
      case -31040: // login_type
        return 'problemApp'
      case -31033: // origin of the page
        return 'problemOrigin'
      default:
        return 'problemOther'
    }
  }

  function isLoopback(host) {
    return host === 'localhost' || host.endsWith('.localhost') || host.startsWith('127.') || host === '[::1]'
  }

  function offerCopy(link, copy) {
    if (!link || !copy) return
    copy.hidden = false
    copy.addEventListener('click', async () => {
      link.focus()
      link.select()
      try {
        await navigator.clipboard.writeText(link.value)
      } catch {
        // Without a secure context, and in old versions of WeChat. The text is selected in any case.
        if (!document.execCommand('copy')) return
      }
      const said = byId('copy-status')
      copy.textContent = copy.dataset.copied
      if (said) said.textContent = copy.dataset.copied
    })
  }

  /** The person may have gone on in another tab, or WeCom's own page in another browser. */
  function watch() {
    const begun = Date.now()
    const look = async () => {
      if (document.visibilityState !== 'visible') return
      if (Date.now() - begun > RENEW_MS && !isTyping()) return window.location.replace(page)
      try {
        const response = await window.fetch(status, { headers: { accept: 'application/json' }, cache: 'no-store' })
        if (!response.ok) return
        const { state } = await response.json()
        if (state === 'elsewhere') window.location.replace(page)
      } catch {
        // Offline for a moment; the next round asks again.
      }
    }
    setInterval(() => void look(), POLL_MS)
  }

  function isTyping() {
    return [...document.querySelectorAll('input[type=password]')].some(({ value }) => value !== '')
  }
})()

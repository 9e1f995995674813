/**
 * For pages of other sites: signs somebody in to Muster in a pop-up and says how it went. See docs/embedding.md.
 *
 *   <script src="https://muster.example.com/signin/embed.js"></script>
 *   button.onclick = async () => { if ((await muster.signIn()) === 'signed-in') location.href = '/login' }
 *
 * Nothing about the person is told: what an application may know, it learns as an OpenID Connect client.
 */
;(() => {
  'use strict'
  const { origin: issuer } = new URL(document.currentScript.src)
  const WIDTH = 480
  const HEIGHT = 720

  window.muster = Object.freeze({
    /**
     * Call it in a click, or browsers block the window.
     * @param {{ url?: string }} [options] `url`: where the pop-up goes instead, for example the page
     *   of the own site that begins its OpenID Connect sign-in; the last page there calls `muster.finish()`.
     * @returns {Promise<'signed-in' | 'refused' | 'closed' | 'blocked'>}
     */
    signIn({ url } = {}) {
      const target = url === undefined ? popUpAddress() : new URL(url, location.href)
      const sender = url === undefined ? issuer : location.origin
      const opened = window.open(target.href, 'muster-sign-in', placed())
      if (!opened) return Promise.resolve('blocked')

      return new Promise((resolve) => {
        const finish = (outcome) => {
          clearInterval(closed)
          window.removeEventListener('message', listen)
          resolve(outcome)
        }
        const listen = ({ origin, source, data }) => {
          if (origin !== sender || source !== opened) return
          if (data?.type === 'muster:signed-in') finish('signed-in')
          else if (data?.type === 'muster:refused') finish('refused')
        }
        window.addEventListener('message', listen)
        // A message that was sent before the window closed arrives after this turn at the latest.
        const closed = setInterval(() => {
          if (opened.closed) setTimeout(finish, 100, 'closed')
        }, 300)
      })
    },

    /** On the last page in a pop-up of the own site: tells the page that opened it, and closes. */
    finish(outcome = 'signed-in') {
      if (!window.opener || (outcome !== 'signed-in' && outcome !== 'refused')) return
      window.opener.postMessage({ type: `muster:${outcome}` }, location.origin)
      window.close()
    },
  })

  function popUpAddress() {
    const address = new URL('/signin/popup', issuer)
    address.searchParams.set('origin', location.origin)
    return address
  }

  function placed() {
    const left = Math.round(window.screenX + Math.max(0, (window.outerWidth - WIDTH) / 2))
    const top = Math.round(window.screenY + Math.max(0, (window.outerHeight - HEIGHT) / 2))
    return `popup,width=${WIDTH},height=${HEIGHT},left=${left},top=${top}`
  }
})()

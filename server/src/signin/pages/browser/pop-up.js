/**
 * The last page in a pop-up: tells the page that opened it how it went, and closes. The server has checked that the origin
 * is listed, and the browser delivers to that origin only, whoever the opener is by now. The message carries nothing else.
 */
;(() => {
  'use strict'
  const { origin, outcome } = document.getElementById('pop-up').dataset
  if (!window.opener) return
  window.opener.postMessage({ type: `muster:${outcome}` }, origin)
  window.close()
})()

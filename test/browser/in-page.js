/** What a page is asked by pages.test.ts, defined in every page before its own scripts. */
;(() => {
  const all = (selector) => [...document.querySelectorAll(selector)]
  const isLabelled = (field) => (field.labels?.length ?? 0) > 0 || field.ariaLabel !== null

  globalThis.inPage = {
    look() {
      const copy = document.body.cloneNode(true)
      for (const name of copy.querySelectorAll('bdi, [lang="zh-CN"], [aria-hidden=true]')) name.remove()
      return {
        taken: globalThis.taken ?? null,
        width: document.documentElement.scrollWidth,
        // Elements that no page of ours has.
        foreign: all(
          'base, object, embed, script:not([src]), img[src="x"], [onfocus], [onerror], a[href^="javascript"]',
        ).map(({ outerHTML }) => outerHTML.slice(0, 80)),
        language: document.documentElement.lang,
        unlabelled: all('input:not([type=hidden])')
          .filter((field) => field.checkVisibility() && !isLabelled(field))
          .map(({ id }) => `#${id}`),
        headings: all('h1').length,
        text: copy.textContent.replaceAll(/\s+/g, ' '),
      }
    },

    /** Numbers everything that a person can use. */
    stops() {
      return all('a[href], button, input:not([type=hidden]), summary')
        .filter((one) => one.checkVisibility() && one.tabIndex >= 0)
        .map((one, index) => (one.dataset.stop = `${index} ${one.textContent.trim() || one.id}`))
    },

    stop: () => document.activeElement?.dataset.stop ?? 'nothing',
  }
})()

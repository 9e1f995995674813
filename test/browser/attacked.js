/** What a page is asked by console-hostile.test.ts: whether anything that came from outside is more than text. */
;(() => {
  const all = (selector) => [...document.querySelectorAll(selector)]
  /** What turns direction, or is no character that a person reads. */
  const CONTROL = /(?![\t\n\r])[\p{Bidi_Control}\p{Cc}]/u
  const READ_ALOUD = ['title', 'alt', 'aria-label', 'aria-description', 'placeholder']
  const ADDRESSES = ['href', 'src', 'action', 'formaction', 'data', 'srcdoc', 'poster', 'background', 'xlink:href']

  globalThis.attacked = {
    /** @returns what is wrong with the page, in words */
    problems() {
      const found = []
      const note = (text, element) => found.push(`${text}: ${element?.outerHTML?.slice(0, 160) ?? ''}`)
      if (globalThis.taken !== undefined) note(`script ${globalThis.taken} ran`)
      if (Object.keys(Object.prototype).length > 0) note(`all objects have ${Object.keys(Object.prototype).join(', ')}`)
      for (const element of all(
        'base, object, embed, iframe, frame, portal, script:not([src]), meta[http-equiv=refresh]',
      ))
        note('an element that no page of ours has', element)
      for (const element of all('*')) {
        for (const { name, value } of element.attributes) {
          if (name.startsWith('on')) note(`a handler in an attribute`, element)
          if (READ_ALOUD.includes(name) && CONTROL.test(value)) note(`${name} turns its direction`, element)
          if (ADDRESSES.includes(name) && !value.startsWith('#')) judge(value, element, note)
        }
        if (element.shadowRoot !== null) note('a shadow that no page of ours has', element)
      }
      const { title } = document
      const isOurs = !location.pathname.startsWith('/console') || /(?:^| )Muster$/.test(title)
      if (CONTROL.test(title) || !isOurs) note(`the title is ${title}`)
      for (const element of [document.documentElement, document.body, ...all('h1, main, nav, header')])
        if (getComputedStyle(element).direction !== 'ltr') note('the direction was turned', element)
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const parent = node.parentElement
        if (CONTROL.test(node.data) && !['SCRIPT', 'STYLE'].includes(parent.tagName))
          note('text turns its direction', parent)
      }
      const { scrollWidth, clientWidth } = document.documentElement
      if (scrollWidth > clientWidth) {
        const widest = all('#page *')
          .filter((one) => one.getBoundingClientRect().right > clientWidth + 1)
          .find((one) => !inside(one))
        note(`${scrollWidth} px wide in ${clientWidth}`, widest)
      }
      return found
    },

    /** Which of these can be read on the page. */
    seen(names) {
      const plain = (text) => text.replace(/\s+/g, ' ').trim()
      const text = plain(document.body.textContent)
      return names.filter((name) => text.includes(plain(name)))
    },

    /** Numbers what opens something: one button of each name, and every list to choose from. */
    openers() {
      const known = new Set()
      const buttons = all('#page button, #page .ant-select').filter((one) => {
        const name = one.matches('.ant-select')
          ? one.textContent + known.size
          : (one.ariaLabel ?? one.textContent).replace(/\d+/g, '').trim().split(' ')[0]
        if (known.has(name) || !one.checkVisibility() || one.disabled || one.role === 'switch' || one.role === 'tab')
          return false
        known.add(name)
        return true
      })
      return buttons.map((one, index) => {
        one.dataset.opener = index
        return (one.ariaLabel ?? one.textContent).trim().slice(0, 60)
      })
    },

    /** Scrolls everything on by what is in sight. @returns whether anything moved */
    scrollOn() {
      let moved = false
      for (const element of all('*')) {
        if (element.scrollHeight <= element.clientHeight + 1 || element.clientHeight < 40) continue
        if (getComputedStyle(element).overflowY === 'visible') continue
        const before = element.scrollTop
        element.scrollTop += element.clientHeight * 0.9
        moved ||= element.scrollTop > before + 1
      }
      return moved
    },
  }

  function judge(value, element, note) {
    let url
    try {
      url = new URL(value, location.href)
    } catch {
      note('an address that is none', element)
      return
    }
    if (!['http:', 'https:'].includes(url.protocol)) note(`leads to ${url.protocol}`, element)
    else if (url.origin !== location.origin && (element.tagName !== 'A' || !/noreferrer/.test(element.rel)))
      note(`leads to ${url.origin}`, element)
  }

  /** Whether something around it scrolls sideways or cuts it off. */
  function inside(element) {
    for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement)
      if (getComputedStyle(at).overflowX !== 'visible') return true
    return false
  }
})()

/**
 * Where the keyboard is when a dialog opens and after it closed, for every dialog of every page. antd begins at the button
 * that closes it, and forgets where it was called from when the page takes it away at once; here it begins at the first
 * field, and goes back to what opened it. Called once, before there is a page.
 */

const DIALOG = '[role="dialog"]'
const FIELDS = 'input:enabled:not([type="hidden"]):not([readonly]), textarea:enabled:not([readonly])'

export function guideFocusOfDialogs(): void {
  /** What had the focus last outside of dialogs. */
  let opener: HTMLElement | undefined
  let isInside = false

  document.addEventListener('focusin', ({ target, relatedTarget }) => {
    if (!(target instanceof HTMLElement)) return
    const dialog = target.closest(DIALOG)
    isInside = dialog !== null
    if (dialog === null) {
      opener = target
      return
    }
    const isEntering = !(relatedTarget instanceof Node && dialog.contains(relatedTarget))
    if (isEntering && target.classList.contains('ant-modal-close')) firstField(dialog)?.focus()
  })

  // Dialogs stand in elements of their own at the end of the document, and go with them.
  new MutationObserver((mutations) => {
    const isLost = isInside && document.activeElement === document.body
    if (!isLost || mutations.every(({ removedNodes }) => removedNodes.length === 0)) return
    const below = Array.from(document.querySelectorAll(DIALOG)).at(-1)
    if (below === undefined) opener?.focus()
    else (firstField(below) ?? below.querySelector('button'))?.focus()
  }).observe(document.body, { childList: true })
}

/** Of a choice, the one that is chosen, as the tab key does it. */
function firstField(dialog: Element): HTMLInputElement | undefined {
  const [first, ...others] = dialog.querySelectorAll<HTMLInputElement>(FIELDS)
  if (first?.type !== 'radio' || first.checked) return first
  return others.find(({ type, name, checked }) => type === 'radio' && name === first.name && checked) ?? first
}

/**
 * What the policy of this document (server/src/console.ts) asks of the libraries in it. Imported first of all, because some
 * of them look at it when they are loaded.
 */
import { z } from 'zod'

/** Styles without it are refused. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''

// zod compiles its checks with eval where it may; here it may not, and asking would be reported.
z.config({ jitless: true })

// Most of antd takes the nonce as a setting. The parts of it that measure and lock scroll bars make style elements that
// nobody can give one, so all get it here. Whoever could misuse that runs script in the page already.
const createElement = document.createElement.bind(document)
document.createElement = (tag: string, options?: ElementCreationOptions) => {
  const element = createElement(tag, options)
  if (element instanceof HTMLStyleElement) element.nonce = nonce
  return element
}

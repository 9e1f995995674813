/**
 * The token of the set-up address. It is taken out of the address before anything is shown, so that it stands neither in
 * the history nor in what somebody copies or shows to others, and lives in memory as long as the page does.
 */

let token: string | undefined

/** @returns undefined when the page was opened without one */
export function takeToken(): string | undefined {
  const { hash, pathname, search } = window.location
  if (hash.length <= 1) return token
  token = new URLSearchParams(hash.slice(1)).get('token') ?? token
  window.history.replaceState(window.history.state, '', pathname + search)
  return token
}

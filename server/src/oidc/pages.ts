/**
 * What people see of the provider itself: what went wrong with a request, and signing out. Views only; they are drawn where
 * all pages of signing in are, which app.ts introduces. Pure.
 */
import type { Language } from '../errors.ts'

export type ProviderView =
  /** `error` is OAuth's, for whoever has to find out why. `signOutHref`: signing out is what was asked for. */
  | {
      readonly kind: 'application-error'
      readonly signOutHref: string | null
      readonly error: string
      readonly description: null
      readonly requestId: string | null
    }
  /** `isAsked`: the application has shown that it speaks for the person. Then the page goes on by itself. */
  | {
      readonly kind: 'confirm-sign-out'
      readonly action: string
      readonly token: { readonly name: string; readonly value: string }
      readonly displayName: null
      readonly isAsked: boolean
    }
  | { readonly kind: 'signed-out'; readonly againHref: null }

export interface ProviderViewContext {
  readonly language: Language
  readonly application: { readonly name: string; readonly logoUrl: string | null } | null
  readonly cancel: null
  readonly embedOrigins: readonly []
  readonly nonce: string
  /** Where the answer to a form leads, as a policy names it. */
  readonly formTargets: readonly string[]
}

export type RenderProviderView = (
  view: ProviderView,
  context: ProviderViewContext,
) => { readonly html: string; readonly csp: string }

/** @param form as the provider writes it, with its protection against being sent by others */
export function confirmation(form: string, isAsked: boolean): ProviderView {
  const action = /action="([^"]+)"/.exec(form)?.[1]
  const value = /name="xsrf" value="([^"]+)"/.exec(form)?.[1]
  if (action === undefined || value === undefined) throw new Error('the form of the provider is another than it was')
  return { kind: 'confirm-sign-out', action, token: { name: 'xsrf', value }, displayName: null, isAsked }
}

/** Nothing may be loaded, framed or sent; each answer adds what it needs. */
export const STRICT_CSP = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"

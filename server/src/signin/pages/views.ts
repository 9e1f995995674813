/**
 * What the pages of signing in and out show, as data. signin/ and oidc/ fill it, pages.ts turns it into HTML and knows no
 * rules. Addresses are paths of ours unless they lead to WeCom or an application, and every form carries its token.
 */
import type { SignInReason } from '@muster/contracts'
import type { Language, Text } from '../../errors.ts'
import type { Page } from '../../html.ts'

export interface ShownApplication {
  readonly name: string
  readonly logoUrl: string | null
}

/** A form of ours: where it is posted to, and what it carries as `token`. */
export interface Form {
  readonly action: string
  readonly token: string
}

/** What the panel of `@wecom/jssdk` is given; the SDK encodes it. How it comes back is the script's choice. */
export interface PanelParameters {
  readonly login_type: 'CorpApp' | 'ServiceApp'
  readonly appid: string
  /** null for a suite, which has another one in each company. */
  readonly agentid: string | null
  readonly redirect_uri: string
  readonly state: string
  readonly lang: 'zh' | 'en'
}

export type Way =
  | {
      readonly kind: 'panel'
      readonly parameters: PanelParameters
      /** Origin of WeCom's login pages. The SDK knows one only; with another there is the link alone. */
      readonly loginUrl: string
      readonly linkHref: string
    }
  | { readonly kind: 'open-in-wecom'; readonly link: string }
  | { readonly kind: 'open-app'; readonly href: string }

export type PasswordProblem =
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy' }

export type PasswordForm = Form & { readonly username: string; readonly problem: PasswordProblem | null }

export type SignInView =
  | {
      readonly kind: 'sign-in'
      /** All that may be used. */
      readonly connections: readonly {
        readonly displayName: string
        /** Whose people it is for, where several companies use the connection; null where there is no choice. */
        readonly company: string | null
        /** Of ours; null for the drawing. */
        readonly iconHref: string | null
        readonly href: string
        readonly isChosen: boolean
      }[]
      /** How the chosen one goes on; null while there is a choice, or no connection at all. */
      readonly way: Way | null
      readonly password: PasswordForm | null
      /** Whether something has changed since: `{"state": "here" | "elsewhere"}`. */
      readonly statusHref: string
    }
  /** The first browser: `number` is to be entered where WeCom has sent the person. */
  | { readonly kind: 'number-shown'; readonly number: string; readonly refreshSeconds: number }
  /** The second browser. */
  | {
      readonly kind: 'number-asked'
      readonly form: Form
      readonly applicationName: string | null
      readonly isWrong: boolean
    }
  | { readonly kind: 'number-right' }
  | {
      readonly kind: 'bind'
      readonly memberName: string
      readonly connectionName: string
      readonly form: PasswordForm
      /** null where no new account may be made. */
      readonly create: Form | null
    }
  | { readonly kind: 'waiting'; readonly refreshSeconds: number }
  /**
   * The answer to a form whose end lies elsewhere. Chromium holds every redirect after a form to the page's `form-action`;
   * this page begins a navigation of its own.
   */
  | { readonly kind: 'going-on'; readonly href: string }
  | {
      readonly kind: 'refused'
      readonly reason: SignInReason
      readonly referenceId: string
      /** To try again; null where that makes no sense. */
      readonly againHref: string | null
    }
  /** Nobody here knows what the person came for. */
  | { readonly kind: 'expired' }

/** Everything else that people see of signing in and out. */
export type OtherView =
  /** Forced after a reset, or wished; fields `current` (unless null), `password`, `repeated`. */
  | {
      readonly kind: 'change-password'
      readonly form: Form
      readonly username: string
      readonly isForced: boolean
      readonly asksCurrent: boolean
      readonly minimumLength: number
      readonly problem: NewPasswordProblem | null
    }
  /** RP-initiated logout: the field `logout=yes` is sent with the one button, nothing with the other. */
  | {
      readonly kind: 'confirm-sign-out'
      readonly action: string
      /** Name and value of the hidden field. */
      readonly token: { readonly name: string; readonly value: string }
      readonly displayName: string | null
      /** The application speaks for the person: the page sends its form by itself, where scripts run. */
      readonly isAsked: boolean
    }
  | { readonly kind: 'signed-out'; readonly againHref: string | null }
  /** For the administrator of a company, after authorising our app in WeCom. */
  | { readonly kind: 'authorised' }
  /** An error of the table in errors.ts. */
  | {
      readonly kind: 'error'
      readonly code: string
      readonly title: Text
      readonly remedy: Text
      readonly requestId: string | null
    }
  /**
   * What an application asked for and could not be answered to it: `error` and `error_description` of OAuth. When it was to
   * sign somebody out, `signOutHref` is where they can do so themselves.
   */
  | {
      readonly kind: 'application-error'
      readonly signOutHref: string | null
      readonly error: string
      readonly description: string | null
      readonly requestId: string | null
    }
  /** The end in a pop-up: tells the page that opened it, and closes. `origin` was checked against the listed ones. */
  | { readonly kind: 'pop-up-done'; readonly origin: string; readonly outcome: 'signed-in' | 'refused' }

export type NewPasswordProblem =
  | PasswordProblem
  | { readonly kind: 'too-short' }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'differs' }
  | { readonly kind: 'same' }
  | { readonly kind: 'too-common' }
  /** By the policy, in its own words. */
  | { readonly kind: 'refused'; readonly text: Text }

export interface ViewContext {
  readonly language: Language
  readonly application: ShownApplication | null
  /** Back to the application without signing in; null on a page of ours. */
  readonly cancel: Form | null
  /** Origins that may show the page in a frame. */
  readonly embedOrigins: readonly string[]
  /** A one-time value for inline scripts and styles. */
  readonly nonce: string
  /** Address of the page by GET, for the switch between languages; without one there is none. */
  readonly selfHref?: string | null
  /** Origins and schemes that redirects after a form of the page lead to; browsers hold them against its policy. */
  readonly formTargets?: readonly string[]
}

export type RenderView = (view: SignInView | OtherView, context: ViewContext) => Page

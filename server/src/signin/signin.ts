/**
 * Signing people in, through WeCom or with a password, for whoever asks: an application, or a page of ours. Puts the parts
 * together and mounts their routes. `/signin/{uid}` is dispatcher.ts, which decides what comes next, and no step calls
 * another: departures.ts sends browsers to WeCom, callback.ts takes what comes back, form-steps.ts and number-step.ts what
 * people type. What is decided about people is admitting.ts.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Connections } from '../connections/connections.ts'
import type { WecomAccess } from '../connections/wecom.ts'
import type { Database } from '../database/database.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { PasswordProof } from '../directory/password-proof.ts'
import { createAdmitting, type AdmittingParts } from './admitting.ts'
import { assetHref, mountAssets } from './assets.ts'
import { createAttempts } from './attempts.ts'
import { createBrowsers } from './browser.ts'
import { callbackRoutes } from './callback.ts'
import { createDepartures } from './departures.ts'
import { createDispatcher } from './dispatcher.ts'
import type { WecomHosts } from './doors.ts'
import { createFormSteps } from './form-steps.ts'
import { mountIcons } from './icons.ts'
import { createMobileDoor } from './mobile-door.ts'
import { createNumberStep } from './number-step.ts'
import { createOwnRequests } from './own-requests.ts'
import { createPace } from './pace.ts'
import { createPages } from './pages/pages.ts'
import { createPasswordDoor } from './password-door.ts'
import { mountPopUp } from './pop-up.ts'
import { createRedeeming } from './redeeming.ts'
import { createRefusals } from './refusals.ts'
import { createShowing } from './showing.ts'
import { createSignIns } from './sign-ins.ts'
import { createVisits, type Wish } from './visits.ts'

export type { Departure, LeaveAtOnce } from './departures.ts'

/** What somebody who wants a person signed in asks for: an application through oidc-provider, or a page of ours. */
export interface SignInRequest {
  readonly uid: string
  /** null: a page of ours */
  readonly application: { readonly id: string; readonly name: string; readonly logoUrl: string | null } | null
  readonly organizationId: string
  /** Ids of the connections that may be used, in the application's order. */
  readonly connections: readonly string[]
  /** `connection=` and `corp=` of the authorization request, not yet checked; null: neither. */
  readonly wish: Wish | null
  readonly skipSignInPage: boolean
  readonly passwordSignIn: boolean
  /** BCP 47 tags of `ui_locales`. */
  readonly locales: readonly string[]
  readonly loginHint: string | null
  /** A session that began before this moment (ms) is not enough: prompt=login, max_age. null: any session will do. */
  readonly authenticatedSince: number | null
}

export interface SignInRequests {
  /** undefined: unknown, expired, or not of this browser. */
  load(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<SignInRequest | undefined>
  /** For a browser whose session is enough. @returns where it goes next */
  complete(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<string>
  /** Where a browser goes that has just been let in for this request, without a look at the request itself. */
  wayOn(uid: string): Promise<string>
  /** Back to the application with `access_denied`. @returns where the browser goes next */
  refuse(request: FastifyRequest, reply: FastifyReply, uid: string): Promise<string>
}

export interface SignInParts extends Omit<AdmittingParts, 'attempts' | 'signIns'> {
  readonly database: Database
  readonly connections: Connections
  readonly organizations: Organizations
  readonly wecom: WecomAccess
  readonly hosts: WecomHosts
  readonly publicUrl: string
  readonly environmentRedirectUrl: string | undefined
  readonly passwords: PasswordProof
  readonly newId: Parameters<typeof createAttempts>[0]['newId']
  readonly log: Logger
}

export type SignIn = ReturnType<typeof createSignIn>

export function createSignIn(parts: SignInParts) {
  const { database, connections, organizations, sessions, publicUrl, now, newId } = parts
  const random = (bytes: Uint8Array) => void crypto.getRandomValues(bytes)
  const attempts = createAttempts({ database, newId, now, random })
  const signIns = createSignIns({ database, audit: parts.audit, newId, now, random })
  const admitting = createAdmitting({ ...parts, attempts, signIns })
  const passwordDoor = createPasswordDoor({ ...parts, signIns })
  const redeem = createRedeeming(parts.wecom)
  const browsers = createBrowsers({ publicUrl, random })
  const pace = createPace({ now })
  const own = createOwnRequests({
    publicUrl,
    organizations,
    now,
    random,
    connectionsOf: async (organizationId) => (await connections.openForSignIn(organizationId)).map(({ id }) => id),
  })
  const render = createPages({
    sdk: assetHref('wecom-jssdk.js'),
    signIn: assetHref('sign-in.js'),
    popUp: assetHref('pop-up.js'),
    signOut: assetHref('sign-out.js'),
  })
  const visits = createVisits({ database, connections, sessions, attempts, browsers, own })
  const showing = createShowing({ render, browsers, visits })
  const refusals = createRefusals({ database, connections, signIns, browsers, pace, showing })
  const departures = createDepartures({ ...parts, attempts, browsers, pace, own, visits, showing, refusals })
  const dispatcher = createDispatcher({
    connections,
    admitting,
    browsers,
    visits,
    showing,
    refusals,
    departures,
    now,
  })
  const formSteps = createFormSteps({ browsers, passwordDoor, visits, showing, dispatcher })
  const numberStep = createNumberStep({ attempts, admitting, browsers, showing })

  return {
    /** Requests that are not of our own pages. Given later, because oidc/ needs signing in, too. */
    serve: visits.serve,

    /** For oidc/, whose pages are drawn with the others. */
    render,
    languageOf: (request: FastifyRequest, locales: readonly string[]) => showing.languageFor(request, { locales }),

    /** The log, for the admin API. */
    signIns,

    /** Takes away attempts that are over. @returns how many */
    clear: () => attempts.clear(),

    /** Mounts the pages and callbacks. The scope parses cookies and forms. */
    mount(scope: FastifyInstance): void {
      mountAssets(scope)
      mountIcons(scope, connections)
      mountPopUp(scope, { connections, organizations, sessions, render })
      scope.addHook('onSend', (_request, reply, payload, done) => {
        if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
        void reply.header('referrer-policy', 'no-referrer')
        done(null, payload)
      })
      scope.route({ method: 'GET', url: '/signin/start', handler: own.start })
      scope.route({ method: 'GET', url: '/signin/refused', handler: refusals.showRefused })
      scope.route({ method: 'GET', url: '/signin/number', handler: numberStep.showNumberForm })
      scope.route({ method: 'POST', url: '/signin/number', handler: numberStep.takeNumber })
      scope.route({ method: 'GET', url: '/signin/:uid', handler: dispatcher.dispatch })
      scope.route({ method: 'GET', url: '/signin/:uid/go', handler: departures.go })
      scope.route({ method: 'GET', url: '/signin/:uid/status', handler: dispatcher.tellStatus })
      scope.route({ method: 'POST', url: '/signin/:uid/password', handler: formSteps.takePassword })
      scope.route({ method: 'POST', url: '/signin/:uid/new-password', handler: formSteps.takeNewPassword })
      scope.route({ method: 'POST', url: '/signin/:uid/bind', handler: formSteps.takeBinding })
      scope.route({ method: 'POST', url: '/signin/:uid/create', handler: formSteps.takeCreation })
      scope.route({ method: 'POST', url: '/signin/:uid/cancel', handler: formSteps.cancel })
      callbackRoutes(scope, {
        ...parts,
        attempts,
        signIns,
        redeem,
        admitting,
        browsers,
        pace,
        startAgain: departures.startAgain,
        claimOf: visits.claimOf,
        enter: visits.enter,
        wayOn: visits.wayOn,
      })
    },

    /** For the account page. */
    startBinding: departures.startBinding,

    /** For oidc/. */
    leaveAtOnce: departures.leaveAtOnce,

    /** A code of the SDK in a native app, for the grant `wecom-code`. */
    admitByCode: createMobileDoor({ ...parts, signIns, redeem, admitting, pace }),
  }
}

/** Every page of the console on one screen. Pages are loaded when somebody goes there. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router'
import { z } from 'zod'
import { ConnectionKind, SignInOutcome, SignInReason } from '@muster/contracts'
import { TABS } from './connections/tabs.ts'
import { STEPS } from './connections/wizard/wizard-steps.ts'
import { eventsSearch } from './events/search.ts'
import { reviewsSearch } from './reviews/search.ts'
import { changesSearch, runsSearch } from './runs/search.ts'
import { wordsOf } from './areas.ts'
import { Shell } from './shell/shell.tsx'

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: lazyRouteComponent(() => import('./shell/instead.tsx'), 'NotFound'),
  errorComponent: lazyRouteComponent(() => import('./shell/instead.tsx'), 'Broken'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  loader: wordsOf('setup'),
  component: lazyRouteComponent(() => import('./setup/setup.tsx'), 'Setup'),
})

/** Pages for people who are signed in and have a role. */
const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Shell })

/** What is not a word of a filter is no filter: an old link must still open. The router takes digits alone for a number. */
const text = z.coerce.string<string | undefined>().max(200).optional().catch(undefined)

const pages = [
  createRoute({
    getParentRoute: () => inside,
    path: '/',
    loader: wordsOf('overview', 'signIns'),
    validateSearch: z.object({
      days: z
        .union([z.literal(30), z.literal(90)])
        .optional()
        .catch(undefined),
    }),
    component: lazyRouteComponent(() => import('./overview/overview.tsx'), 'Overview'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/connections',
    loader: wordsOf('connections'),
    validateSearch: z.object({ q: text, organization: text }),
    component: lazyRouteComponent(() => import('./connections/connections.tsx'), 'Connections'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/connections/new',
    loader: wordsOf('connections'),
    validateSearch: z.object({
      step: z.enum(STEPS).optional().catch(undefined),
      kind: ConnectionKind.optional().catch(undefined),
      connection: text,
    }),
    component: lazyRouteComponent(() => import('./connections/wizard/wizard.tsx'), 'Wizard'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/connections/$id',
    loader: wordsOf('connections'),
    validateSearch: z.object({ tab: z.enum(TABS).optional().catch(undefined) }),
    component: lazyRouteComponent(() => import('./connections/details.tsx'), 'ConnectionDetails'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/runs',
    loader: wordsOf('runs'),
    validateSearch: runsSearch,
    component: lazyRouteComponent(() => import('./runs/runs.tsx'), 'Runs'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/runs/$id',
    loader: wordsOf('runs'),
    validateSearch: changesSearch,
    component: lazyRouteComponent(() => import('./runs/run.tsx'), 'RunPage'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/events',
    loader: wordsOf('events'),
    validateSearch: eventsSearch,
    component: lazyRouteComponent(() => import('./events/events.tsx'), 'Events'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/people',
    loader: wordsOf('directory'),
    validateSearch: z.object({
      organization: text,
      department: text,
      /** Without those below the department. */
      direct: z.literal(true).optional().catch(undefined),
      q: text,
      status: z.enum(['active', 'disabled', 'deleted']).optional().catch(undefined),
      origin: z.enum(['built_in', 'wecom']).optional().catch(undefined),
      connection: text,
    }),
    component: lazyRouteComponent(() => import('./directory/people.tsx'), 'People'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/people/$id',
    loader: wordsOf('directory', 'runs'),
    validateSearch: z.object({
      tab: z.enum(['access', 'timeline', 'explain']).optional().catch(undefined),
      q: text,
    }),
    component: lazyRouteComponent(() => import('./directory/person.tsx'), 'Person'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/reviews',
    loader: wordsOf('reviews'),
    validateSearch: reviewsSearch,
    component: lazyRouteComponent(() => import('./reviews/reviews.tsx'), 'Reviews'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/sign-ins',
    loader: wordsOf('signIns'),
    validateSearch: z.object({
      q: text,
      outcome: SignInOutcome.optional().catch(undefined),
      reason: SignInReason.optional().catch(undefined),
      connection: text,
      applicationId: text,
      userId: text,
    }),
    component: lazyRouteComponent(() => import('./sign-ins/sign-ins.tsx'), 'SignIns'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/applications',
    loader: wordsOf('applications'),
    validateSearch: z.object({ q: text }),
    component: lazyRouteComponent(() => import('./applications/applications.tsx'), 'Applications'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/applications/$id',
    loader: wordsOf('applications'),
    component: lazyRouteComponent(() => import('./applications/application.tsx'), 'ApplicationPage'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/audit',
    loader: wordsOf('audit'),
    validateSearch: z.object({ q: text, action: text, actorId: text, targetId: text, from: text, to: text }),
    component: lazyRouteComponent(() => import('./audit/audit.tsx'), 'Audit'),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/settings',
    loader: wordsOf('settings'),
    validateSearch: z.object({
      tab: z.enum(['administrators', 'tokens', 'organizations', 'keys', 'about']).optional().catch(undefined),
    }),
    component: lazyRouteComponent(() => import('./settings/settings.tsx'), 'Settings'),
  }),
] as const

const routeTree = root.addChildren([setup, inside.addChildren(pages)])

export const router = createRouter({
  routeTree,
  basepath: '/console',
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

/** Applications in the admin API (http-api.md §4.6). */
import {
  createApplication,
  createApplicationSecret,
  deleteApplication,
  deleteApplicationSecret,
  getApplication,
  listApplications,
  listApplicationSecrets,
  previewClaims,
  updateApplication,
} from '@muster/contracts'
import type { Application, Applications, ApplicationSecret } from '../applications/applications.ts'
import type { Organizations } from '../directory/organizations.ts'
import type { ClaimPreviews } from '../oidc/claim-previews.ts'
import { page, readCursor, readSearch } from './pages.ts'
import { route, type Route } from './routes.ts'

export function applicationRoutes({
  applications,
  claimPreviews,
  organizations,
}: {
  applications: Applications
  claimPreviews: ClaimPreviews
  organizations: Organizations
}): Route[] {
  return [
    route(listApplications, async ({ query }) => {
      const { id: organizationId } = await organizations.resolve(query.organizationId)
      const { items, hasMore, total } = await applications.list({
        organizationId,
        limit: query.limit,
        cursor: readCursor(query.cursor),
        q: readSearch(query.q),
      })
      return page(items.map(shown), hasMore, total, ({ id }) => id)
    }),
    route(createApplication, async ({ actor, body: { organizationId, ...input } }) => {
      const { id } = await organizations.resolve(organizationId)
      const { application, clientSecret } = await applications.create(actor, id, input)
      return { ...shown(application), clientSecret }
    }),
    route(getApplication, async ({ params }) => shown(await applications.get(params.id))),
    route(updateApplication, async ({ actor, params, body }) =>
      shown(await applications.update(actor, params.id, body)),
    ),
    route(deleteApplication, async ({ actor, params }) => {
      await applications.remove(actor, params.id)
      return undefined
    }),
    route(previewClaims, async ({ params, body, language }) => {
      const application = await applications.get(params.id)
      const { idToken, userinfo, scopes, refusal } = await claimPreviews.preview(
        application,
        body.userId,
        body.scope?.split(' '),
      )
      return {
        scopes,
        idToken: idToken === null ? null : { ...idToken },
        userinfo: userinfo === null ? null : { ...userinfo },
        admitted: refusal === null,
        refusal:
          refusal === null
            ? null
            : { code: refusal.code, title: refusal.title[language], detail: refusal.detail[language] },
      }
    }),
    route(listApplicationSecrets, async ({ params, query }) => {
      const secrets = await applications.secretsOf(params.id)
      const cursor = readCursor(query.cursor)
      const rest = cursor === null ? secrets : secrets.filter(({ id }) => id > cursor)
      const shownNow = rest.slice(0, query.limit).map(shownSecret)
      return page(shownNow, rest.length > query.limit, secrets.length, ({ id }) => id)
    }),
    route(createApplicationSecret, async ({ actor, params }) => {
      const { clientSecret, ...secret } = await applications.addSecret(actor, params.id)
      return { ...shownSecret(secret), clientSecret }
    }),
    route(deleteApplicationSecret, async ({ actor, params }) => {
      await applications.removeSecret(actor, params.id, params.secretId)
      return undefined
    }),
  ]
}

function shown(application: Application) {
  return {
    ...application,
    redirectUris: [...application.redirectUris],
    postLogoutRedirectUris: [...application.postLogoutRedirectUris],
    connections: application.connections.map(({ identifier }) => identifier),
    createdAt: new Date(application.createdAt).toISOString(),
    updatedAt: new Date(application.updatedAt).toISOString(),
  }
}

function shownSecret({ id, createdAt, lastUsedAt }: ApplicationSecret) {
  return {
    id,
    createdAt: new Date(createdAt).toISOString(),
    lastUsedAt: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  }
}

/** The picture in the tab of a browser, which asks for it at the root of every origin. */
import type { FastifyInstance } from 'fastify'

const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1668dc"/>' +
  '<g fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round">' +
  '<circle cx="16" cy="11" r="4"/><path d="M7.500 25c.6-5 4-7.500 8.500-7.500s7.900 2.500 8.500 7.500"/></g></svg>'

export function mountFavicon(scope: FastifyInstance): void {
  scope.get('/favicon.ico', (_, reply) =>
    reply.header('cache-control', 'public, max-age=86400').type('image/svg+xml').send(PICTURE),
  )
}

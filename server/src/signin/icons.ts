/**
 * The pictures that companies give their connections, served from our own origin, so that a sign-in page loads nothing from
 * elsewhere and needs no data URLs. Judged when they were saved (contracts/src/icon.ts); served so that a browser takes
 * them for nothing but pictures.
 */
import { createHash } from 'node:crypto'
import { readIcon } from '@muster/contracts'
import type { FastifyInstance } from 'fastify'
import type { Connections } from '../connections/connections.ts'
import { AppError } from '../errors.ts'

/** Another address for another picture: browsers keep one for a year. */
export function iconHref({ id, icon }: { readonly id: string; readonly icon: string | null }): string | null {
  return icon === null ? null : `/signin/icons/${id}?v=${versionOf(icon)}`
}

export function mountIcons(scope: FastifyInstance, connections: Connections): void {
  scope.get<{ Params: { id: string }; Querystring: { v?: unknown } }>('/signin/icons/:id', async (request, reply) => {
    const icon = (await connections.forSignIn(request.params.id))?.connection.icon ?? null
    const picture = icon === null ? null : readIcon(icon)
    if (icon === null || picture === null) throw new AppError('http/no-route')
    const isNamed = request.query.v === versionOf(icon)
    return reply
      .headers({
        'cache-control': isNamed ? 'public, max-age=31536000, immutable' : 'public, max-age=60',
        'content-security-policy': "default-src 'none'; sandbox",
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      })
      .type(picture.type)
      .send(Buffer.from(picture.bytes))
  })
}

function versionOf(icon: string): string {
  return createHash('sha256').update(icon).digest('hex').slice(0, 16)
}

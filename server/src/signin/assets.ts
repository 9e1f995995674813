/**
 * The scripts that pages refer to: read once, and named by their digest, so that browsers keep them for a year. Styles are
 * in the pages themselves. The one that other sites refer to, `embed.js`, has a fixed name and a short life.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'

/** The build of the SDK that defines `ww`: 53 kB, 17 kB compressed, and only on pages with a panel. */
const SDK = '@wecom/jssdk/dist/wecom.global.prod.js'

const SOURCES = {
  'wecom-jssdk.js': createRequire(import.meta.url).resolve(SDK),
  'sign-in.js': new URL('pages/browser/sign-in.js', import.meta.url),
  'pop-up.js': new URL('pages/browser/pop-up.js', import.meta.url),
  'sign-out.js': new URL('pages/browser/sign-out.js', import.meta.url),
  'embed.js': new URL('pages/browser/embed.js', import.meta.url),
} as const

export type AssetName = keyof typeof SOURCES

interface Asset {
  readonly href: string
  readonly plain: Buffer
  readonly packed: Buffer
  readonly etag: string
  /** For pages of other sites, too. */
  readonly isPublic: boolean
}

const assets: Readonly<Record<AssetName, Asset>> = {
  'wecom-jssdk.js': read('wecom-jssdk.js'),
  'sign-in.js': read('sign-in.js'),
  'pop-up.js': read('pop-up.js'),
  'sign-out.js': read('sign-out.js'),
  'embed.js': { ...read('embed.js'), href: '/signin/embed.js', isPublic: true },
}

export function assetHref(name: AssetName): string {
  return assets[name].href
}

/** Mounts the scripts. What is answered depends on nothing but the encodings that the browser takes. */
export function mountAssets(scope: FastifyInstance): void {
  for (const { href, plain, packed, etag, isPublic } of Object.values(assets)) {
    scope.get(href, async (request, reply) => {
      const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
      const tag = `"${etag}${takesGzip ? '-gzip' : ''}"`
      void reply.headers({
        'cache-control': isPublic ? 'public, max-age=300' : 'public, max-age=31536000, immutable',
        'cross-origin-resource-policy': isPublic ? 'cross-origin' : 'same-origin',
        vary: 'accept-encoding',
        etag: tag,
      })
      if (request.headers['if-none-match'] === tag) return reply.code(304).send()
      if (takesGzip) void reply.header('content-encoding', 'gzip')
      return reply.type('text/javascript; charset=utf-8').send(takesGzip ? packed : plain)
    })
  }
}

function read(name: AssetName): Asset {
  const plain = readFileSync(SOURCES[name])
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 16)
  return {
    href: `/signin/assets/${name.replace(/\.js$/, `.${digest}.js`)}`,
    plain,
    packed: gzipSync(plain, { level: 9 }),
    etag: digest,
    isPublic: false,
  }
}

/**
 * Serves the console below /console: one document for every page of it, and the files that it is made of. They are built by
 * `console/build.ts` and read here once; nothing else of that package is known. Who may do what, the admin API decides.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError, type Language } from './errors.ts'
import { html, page } from './html.ts'

/** Where the build puts its files. */
export const CONSOLE_FILES = join(import.meta.dirname, '../../console/dist')

const ENTRY = 'src/main.ts'
/** What the entry loads at once, and everything is in. */
const START = 'src/start.tsx'

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Of Vite: what an entry is made of. */
const Manifest = z.record(
  z.string(),
  z.object({ file: z.string(), css: z.array(z.string()).default([]), imports: z.array(z.string()).default([]) }),
)

interface Built {
  readonly script: string
  readonly styles: readonly string[]
  /** What is needed at once besides, so that browsers ask for all of it together. */
  readonly needed: readonly string[]
  readonly files: ReadonlyMap<
    string,
    { readonly type: string; readonly plain: Buffer; readonly packed: Buffer | undefined }
  >
}

export function mountConsole(
  scope: FastifyInstance,
  { languageOf, folder = CONSOLE_FILES }: { languageOf: (request: FastifyRequest) => Language; folder?: string },
): void {
  const built = read(folder)

  for (const url of ['/console', '/console/*']) {
    scope.get(url, async (request, reply) => {
      const { html: document, headers } = documentOf(built, languageOf(request))
      return reply
        .code(built === undefined ? 503 : 200)
        .headers(headers)
        .send(document)
    })
  }
  scope.get<{ Params: { '*': string } }>('/console/assets/*', async (request, reply) => {
    const file = built?.files.get(`assets/${request.params['*']}`)
    if (file === undefined) throw new AppError('http/no-route')
    // Names hold a digest of what is in them.
    void reply.headers({
      'cache-control': 'public, max-age=31536000, immutable',
      'cross-origin-resource-policy': 'same-origin',
      vary: 'accept-encoding',
    })
    const isPacked = file.packed !== undefined && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    if (isPacked) void reply.header('content-encoding', 'gzip')
    return reply.type(file.type).send(isPacked ? file.packed : file.plain)
  })
}

function documentOf(built: Built | undefined, language: Language) {
  const nonce = randomBytes(16).toString('base64')
  if (built === undefined) {
    const text =
      language === 'zh'
        ? '控制台尚未构建。请在服务器上运行 node console/build.ts，然后重新启动 Muster。'
        : 'The console is not built. Run `node console/build.ts` on the server, then start Muster again.'
    return page({
      language,
      title: 'Muster',
      nonce,
      body: html`<body>
        <p>${text}</p>
      </body>`,
    })
  }
  const noScript = language === 'zh' ? '控制台需要 JavaScript。' : 'The console needs JavaScript.'
  return page({
    language,
    title: 'Muster',
    nonce,
    head: html`<meta property="csp-nonce" nonce="${nonce}" />
      ${built.styles.map((file) => html`<link rel="stylesheet" href="/console/${file}" nonce="${nonce}" />`)}
      ${built.needed.map((file) => html`<link rel="modulepreload" href="/console/${file}" nonce="${nonce}" />`)}
      <script type="module" src="/console/${built.script}" nonce="${nonce}"></script>`,
    body: html`<body>
      <div id="console"></div>
      <noscript>${noScript}</noscript>
    </body>`,
    allows: { connections: ["'self'"], images: ["'self'"] },
  })
}

/** @returns undefined where nothing was built, as in a server that nobody looks at */
function read(folder: string): Built | undefined {
  const manifestFile = join(folder, 'manifest.json')
  if (!existsSync(manifestFile)) return undefined
  const manifest = Manifest.parse(JSON.parse(readFileSync(manifestFile, 'utf8')))
  const entry = manifest[ENTRY]
  if (entry === undefined) throw new Error(`${manifestFile} does not name ${ENTRY}: build the console again`)
  const needed = closure(manifest, [ENTRY, START])
  const paths = globSync('assets/*', { cwd: folder }).filter((path) => TYPES[extname(path)] !== undefined)
  const files = paths.map((path) => {
    const packed = join(folder, `${path}.gz`)
    return [
      path.replaceAll('\\', '/'),
      {
        type: TYPES[extname(path)]!,
        plain: readFileSync(join(folder, path)),
        packed: existsSync(packed) ? readFileSync(packed) : undefined,
      },
    ] as const
  })
  return {
    script: entry.file,
    styles: needed.flatMap(({ css }) => css),
    needed: needed.map(({ file }) => file).filter((file) => file !== entry.file),
    files: new Map(files),
  }
}

/** Chunks and everything that they import at once. */
function closure(manifest: z.output<typeof Manifest>, entries: readonly string[]) {
  const names = new Set(entries)
  for (const name of names) for (const imported of manifest[name]?.imports ?? []) names.add(imported)
  return [...names].flatMap((name) => manifest[name] ?? [])
}

/**
 * What the console costs before its first page is there, and whom its files speak to: read from what `console/build.ts`
 * built, as the server serves it.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import { CONSOLE_FILES } from '../server/src/console.ts'

const MOST_BYTES = 350 * 1000

/** Of Vite: what a chunk is made of. */
const Manifest = z.record(
  z.string(),
  z.object({
    file: z.string(),
    css: z.array(z.string()).default([]),
    imports: z.array(z.string()).default([]),
  }),
)

/** What is loaded at once, and the page that somebody sees first, with its words and the charts that it asks for by itself. */
const FIRST = [
  'src/main.ts',
  'src/start.tsx',
  'src/overview/overview.tsx',
  'src/overview/charts.tsx',
  'src/overview/texts.ts',
  'src/sign-ins/texts.ts',
]

before(async () => {
  await import('../console/build.ts')
})

test('the first page is there after less than 350 kB', () => {
  const manifest = Manifest.parse(JSON.parse(readFileSync(join(CONSOLE_FILES, 'manifest.json'), 'utf8')))
  const names = new Set(FIRST)
  for (const name of names) for (const imported of manifest[name]!.imports) names.add(imported)
  const files = new Set([...names].flatMap((name) => [manifest[name]!.file, ...manifest[name]!.css]))

  const bytes = [...files].reduce((sum, file) => sum + packedSize(file), 0)

  assert.ok(files.size >= FIRST.length)
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes in ${[...files].join(', ')}`)
})

test('every file has a packed twin, and the server knows its kind', () => {
  const scripts = globSync('assets/*.{js,css}', { cwd: CONSOLE_FILES })

  assert.ok(scripts.length > 10)
  assert.deepEqual(
    scripts.filter((file) => !existsSync(join(CONSOLE_FILES, `${file}.gz`))),
    [],
  )
})

/**
 * Addresses in the files that nobody asks: names of XML and JSON Schema, where messages of libraries point to, and what
 * people read as an example. A new one is looked at before it is added; what is asked for while pages run, the tests in a
 * browser see.
 */
const NEVER_ASKED: readonly RegExp[] = [
  /^http:\/\/www\.w3\.org\//,
  /^https?:\/\/json-schema\.org\//,
  /^https:\/\/react\.dev\/errors\//,
  /^https:\/\/react\.i18next\.com\//,
  /^https:\/\/open\.work\.weixin\.qq\.com\/3rdapp\/install\?suite_id=dk0123&pre_auth_code=…/,
  /^https:\/\/(?:[\w-]+\.)?(?:corp\.example|example\.com)(?![\w.])/,
]

test('no file names another host that a browser would ask', () => {
  const found = new Map<string, string>()
  for (const file of globSync('assets/*.{js,css,svg}', { cwd: CONSOLE_FILES })) {
    const text = readFileSync(join(CONSOLE_FILES, file), 'utf8')
    // Also those that begin with the host, as texts of a program: in quotes.
    for (const [, address] of text.matchAll(/((?:https?|wss?):\/\/[\w-]+(?:\.[\w-]+)+[^\s"'`)\\<>]*)/g))
      found.set(address!, file)
    for (const [, address] of text.matchAll(/["'`](\/\/[\w-]+(?:\.[\w-]+)+[^\s"'`]*)/g)) found.set(address!, file)
    for (const [, address] of text.matchAll(/url\(["']?([^)"']+)/g))
      assert.ok(!/^(?:https?:)?\/\//.test(address!), `${file}: ${address}`)
  }

  const unknown = [...found].filter(([address]) => !NEVER_ASKED.some((known) => known.test(address)))

  assert.deepEqual(unknown, [])
})

function packedSize(file: string): number {
  const packed = join(CONSOLE_FILES, `${file}.gz`)
  return existsSync(packed) ? readFileSync(packed).length : gzipSync(readFileSync(join(CONSOLE_FILES, file))).length
}

/**
 * Builds the console when its files are missing or older than what they were made of: `node console/build.ts`. The launcher
 * calls it before whatever serves the console. Several may call it at once: each builds in a folder of its own, and who is
 * last wins with the same files.
 */
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const HERE = import.meta.dirname
const DIST = join(HERE, 'dist')
/** Exists only in a build that came to its end. */
const STAMP = 'built-from'

const wanted = digestOfSources()
if (readStamp() !== wanted) await build()

async function build(): Promise<void> {
  process.stderr.write('muster: Building the console; this happens once per version.\n')
  const started = performance.now()
  const { build: buildWithVite } = await import('vite')
  const fresh = `${DIST}.${process.pid}`
  const old = `${fresh}.old`
  try {
    await buildWithVite({ configFile: join(HERE, 'vite.config.ts'), build: { outDir: fresh } })
    for (const file of globSync('**/*.{js,css,svg}', { cwd: fresh })) {
      const path = join(fresh, file)
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
    }
    writeFileSync(join(fresh, STAMP), wanted)
    mkdirSync(DIST, { recursive: true })
    renameSync(DIST, old)
    renameSync(fresh, DIST)
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true })
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  process.stderr.write(`muster: The console is built (${seconds} s).\n`)
}

/** Of everything that ends up in the files: our sources, the contracts, and the versions of what is installed. */
function digestOfSources(): string {
  const hash = createHash('sha256')
  const files = globSync(['console/src/**/*', 'console/*.{ts,json}', 'contracts/src/**/*.ts', 'package-lock.json'], {
    cwd: join(HERE, '..'),
    withFileTypes: true,
  })
  const paths = files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const path of paths.sort()) hash.update(`${path.slice(HERE.length)}\0`).update(readFileSync(path))
  return hash.digest('hex')
}

function readStamp(): string | undefined {
  try {
    return readFileSync(join(DIST, STAMP), 'utf8')
  } catch {
    return undefined
  }
}

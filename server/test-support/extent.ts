/**
 * How much a test tries where more finds more: kills, seeds, rounds, looks at a page. An everyday run tries as much as fits
 * into five minutes; with CI=true, and with `./muster test --thorough`, everything is tried. The tests and what they assert
 * are the same. Whoever tries less says so on the standard output, where `./muster test` collects it for its summary.
 */

/** Whether everything is tried. */
export function isThorough(env: NodeJS.ProcessEnv): boolean {
  return env['CI'] === 'true' || env['MUSTER_TEST_THOROUGH'] === 'true'
}

/**
 * @param of what is counted, to complete "6 of 50 …"
 * @param chosen the value of a variable that overrides both, where somebody has set one
 */
export function extent(of: string, counts: { everyday: number; thorough: number }, chosen?: string): number {
  const count = chosen === undefined ? (isThorough(process.env) ? counts.thorough : counts.everyday) : Number(chosen)
  if (!(count > 0)) throw new Error(`${chosen} ${of} cannot be tried.`)
  if (count < counts.thorough) process.stdout.write(`${SHORTER}${count} of ${counts.thorough} ${of}\n`)
  return count
}

const SHORTER = 'shorter than in CI: '

/** What the files that ran said of themselves, from their standard output. */
export function shorterIn(output: string): string[] {
  return output.split('\n').flatMap((line) => (line.startsWith(SHORTER) ? [line.slice(SHORTER.length)] : []))
}

/** Writes COVERAGE.md from coverage.ts. Run it after changing the table; a test compares the two. */

import { writeFileSync } from 'node:fs'

import { coveragePage } from './coverage.ts'

writeFileSync(new URL('../COVERAGE.md', import.meta.url), coveragePage())

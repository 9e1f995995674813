/**
 * The field mapping of a connection, ready for use: with the table of pronunciations when one of its rules asks for it.
 * Each is made once, because people who sign in are mapped one at a time.
 */
import type { MappingEntry } from '@muster/contracts'
import { loadPinyin } from '../directory/pinyin.ts'
import { compileMapping, usesPinyin, type CompiledMapping } from './plan/rules.ts'

/** By the mapping itself: connections/ hands out the same one as long as a connection's settings say the same. */
const known = new WeakMap<readonly MappingEntry[], CompiledMapping>()

/** @throws AppError `connections/mapping` */
export async function compile(mapping: readonly MappingEntry[]): Promise<CompiledMapping> {
  const before = known.get(mapping)
  if (before !== undefined) return before
  const compiled = compileMapping(mapping, usesPinyin(mapping) ? await loadPinyin() : null)
  known.set(mapping, compiled)
  return compiled
}

/** The field mapping of a connection, ready for use: with the table of pronunciations when one of its rules asks for it. */
import type { MappingEntry } from '@muster/contracts'
import { loadPinyin } from '../directory/pinyin.ts'
import { compileMapping, usesPinyin, type CompiledMapping } from './plan/rules.ts'

/** @throws AppError `connections/mapping` */
export async function compile(mapping: readonly MappingEntry[]): Promise<CompiledMapping> {
  return compileMapping(mapping, usesPinyin(mapping) ? await loadPinyin() : null)
}

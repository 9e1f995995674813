/**
 * The table of pronunciations behind the function `pinyin` of the field mapping. Owns pinyin-pro: it is loaded by the
 * first run whose mapping asks for it, so that nobody else pays its time and memory.
 */
import type { MappingEntry } from '@muster/contracts'
import { compileMapping, usesPinyin, type CompiledMapping } from './plan/rules.ts'

/** @throws AppError `connections/mapping` */
export async function compile(mapping: readonly MappingEntry[]): Promise<CompiledMapping> {
  return compileMapping(mapping, usesPinyin(mapping) ? await loadPinyin() : null)
}

/** 张三 → zhangsan, 吕布 → lvbu, 尉迟恭 → yuchigong. What is left is fit for a login name: other signs are dropped. */
export async function loadPinyin(): Promise<(text: string) => string> {
  const { pinyin } = await import('pinyin-pro')
  return (text) =>
    pinyin(text, { toneType: 'none', separator: '', surname: 'head', v: true, nonZh: 'consecutive' })
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9._-]/g, '')
}

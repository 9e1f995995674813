/**
 * The departments below whatever is open in the tree, asked for level by level. A level of many hundreds comes in pages,
 * one after the other; what has come is shown.
 */
import { listDepartments, type Result } from '@muster/contracts'
import { useQueries, useQueryClient } from '@tanstack/react-query'
import { useMemo, useRef } from 'react'
import { read } from '../api.ts'
import { ROOTS, type Children } from './tree-rows.ts'

const PAGE = 500

export interface TreeData {
  readonly childrenOf: ReadonlyMap<string, Children>
  retry(): void
}

export function useTree(organizationId: string, open: ReadonlySet<string>): TreeData {
  const client = useQueryClient()
  const pages = [ROOTS, ...open].flatMap((parentId) => pagesOf(parentId))
  const results = useQueries({ queries: pages.map(({ query }) => query) })
  const parents = useSame(pages.map(({ parentId }) => parentId))
  const answers = useSame(results.map(({ data, error }) => data ?? error))
  const childrenOf = useMemo(() => childrenIn(parents, answers), [parents, answers])

  return {
    childrenOf,
    retry() {
      for (const { error, refetch } of results) if (error) void refetch()
    },
  }

  /** The first page, and each that is known to follow. */
  function pagesOf(parentId: string) {
    const found: { parentId: string; query: ReturnType<typeof questionFor> }[] = []
    let cursor: string | null = null
    do {
      const query: ReturnType<typeof questionFor> = questionFor(organizationId, parentId, cursor)
      found.push({ parentId, query })
      cursor = client.getQueryData(query.queryKey)?.nextCursor ?? null
    } while (cursor !== null)
    return found
  }
}

/** @param answers to the page of the same place in `parents`: null until there is one */
function childrenIn(parents: readonly string[], answers: readonly (Page | Error | null)[]): Map<string, Children> {
  const map = new Map<string, Children>()
  for (const [index, parentId] of parents.entries()) {
    const answer = answers[index] ?? null
    const before = map.get(parentId)?.items ?? []
    if (answer === null || answer instanceof Error) {
      map.set(parentId, { items: before, total: before.length, isLoading: answer === null, error: answer })
    } else {
      const { items, total, nextCursor } = answer
      map.set(parentId, { items: [...before, ...items], total, isLoading: nextCursor !== null, error: null })
    }
  }
  return map
}

type Page = Result<typeof listDepartments>

/** The list of the last time while it holds the same, so that nothing is worked out again from it. */
function useSame<T>(list: readonly T[]): readonly T[] {
  const kept = useRef(list)
  const isSame = list.length === kept.current.length && list.every((item, index) => item === kept.current[index])
  if (!isSame) kept.current = list
  return kept.current
}

function questionFor(organizationId: string, parentId: string, cursor: string | null) {
  return read(listDepartments, {
    query: { organizationId, parentId, limit: PAGE, ...(cursor === null ? {} : { cursor }) },
  })
}

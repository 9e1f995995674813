/** A run and its changes as a JSON file: the API answers changes page by page, so they are collected here. */
import { call, listChanges, type Change, type Run } from '@muster/contracts'
import { transport } from '../api.ts'
import type { ChangesSearch } from './search.ts'

const PAGE = 500
const KEPT_MS = 60_000

export async function saveAsJson(
  run: Run,
  filters: ChangesSearch,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const changes: Change[] = []
  let cursor: string | null = null
  do {
    const query = { ...filters, limit: PAGE, ...(cursor === null ? {} : { cursor }) }
    const page: { items: Change[]; nextCursor: string | null; total: number } = await call(
      listChanges,
      { params: { id: run.id }, query },
      transport,
    )
    changes.push(...page.items)
    onProgress(changes.length, page.total)
    cursor = page.nextCursor
  } while (cursor !== null)
  save(`${run.id}.json`, JSON.stringify({ run, changes }, null, 2))
}

function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser reads it after the click, when it comes to that.
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS)
}

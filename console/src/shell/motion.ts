/**
 * Whether somebody wants pages to stand still. Told to the component library instead of a style sheet: where styles cut its
 * animations short, it waits for their end, and its menus never come into sight.
 */
import { useSyncExternalStore } from 'react'

const reduced = window.matchMedia('(prefers-reduced-motion: reduce)')

export function useMotion(): boolean {
  return useSyncExternalStore(listen, () => !reduced.matches)
}

function listen(listener: () => void): () => void {
  reduced.addEventListener('change', listener)
  return () => reduced.removeEventListener('change', listener)
}

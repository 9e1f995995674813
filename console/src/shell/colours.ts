/** Light or dark: what somebody chose here, else what their system says. */
import { useSyncExternalStore } from 'react'

export type Colours = 'light' | 'dark' | 'system'

const CHOSEN = 'muster.colours'

const system = window.matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

export function useColours(): { chosen: Colours; isDark: boolean } {
  const chosen = useSyncExternalStore(listen, read)
  const isSystemDark = useSyncExternalStore(listen, () => system.matches)
  return { chosen, isDark: chosen === 'dark' || (chosen === 'system' && isSystemDark) }
}

export function chooseColours(colours: Colours): void {
  localStorage.setItem(CHOSEN, colours)
  for (const listener of listeners) listener()
}

function read(): Colours {
  const stored = localStorage.getItem(CHOSEN)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  system.addEventListener('change', listener)
  return () => {
    listeners.delete(listener)
    system.removeEventListener('change', listener)
  }
}

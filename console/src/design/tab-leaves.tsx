/**
 * Around a list from which several things are chosen. There, antd takes the tab key for choosing, so that whoever wants to go
 * on takes their last choice back; inside of this it leaves the list, as everywhere else.
 */
import type { KeyboardEvent, ReactNode } from 'react'

export function TabLeaves({ children }: { children: ReactNode }) {
  const keepFromList = (event: KeyboardEvent) => {
    if (event.key === 'Tab') event.stopPropagation()
  }
  return <div onKeyDownCapture={keepFromList}>{children}</div>
}

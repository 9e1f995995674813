/** A panel with room below it. */
import type { ReactNode } from 'react'
import { Panel } from './panel.tsx'

export function Section({ title, extra, children }: { title: ReactNode; extra?: ReactNode; children: ReactNode }) {
  return (
    <div style={{ marginBlockEnd: 16 }}>
      <Panel title={title} extra={extra}>
        {children}
      </Panel>
    </div>
  )
}

/** A part of a page with a heading of its own. Lighter than antd's Card, which brings tabs along. */
import { theme } from 'antd'
import type { ReactNode } from 'react'

export function Panel({
  title,
  extra,
  isFilling = false,
  children,
}: {
  title?: ReactNode
  extra?: ReactNode
  /** As high as what is beside it. */
  isFilling?: boolean
  children: ReactNode
}) {
  const { token } = theme.useToken()
  const border = `1px solid ${token.colorBorderSecondary}`
  return (
    <section
      style={{
        background: token.colorBgContainer,
        border,
        borderRadius: token.borderRadiusLG,
        ...(isFilling ? { height: '100%', boxSizing: 'border-box' } : {}),
      }}
    >
      {title !== undefined && (
        <header
          style={{
            display: 'flex',
            justifyContent: 'space-between',
            alignItems: 'center',
            flexWrap: 'wrap',
            gap: 16,
            padding: `${token.padding}px ${token.paddingLG}px`,
            borderBlockEnd: border,
          }}
        >
          <h2 style={{ margin: 0, fontSize: 16, fontWeight: token.fontWeightStrong }}>{title}</h2>
          {extra}
        </header>
      )}
      <div style={{ padding: token.paddingLG }}>{children}</div>
    </section>
  )
}

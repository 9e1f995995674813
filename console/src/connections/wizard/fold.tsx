/** A part of a page that is folded up: its title, and in a sentence what it is set to. The platform's own, so the keys work. */
import { Typography, theme } from 'antd'
import { useState, type ReactNode } from 'react'

export function Fold({
  title,
  sentence,
  isWrong = false,
  onOpen,
  children,
}: {
  title: string
  /** What it is set to now. */
  sentence: ReactNode
  /** Something inside has to be mended. */
  isWrong?: boolean
  /** For the first time. */
  onOpen?: () => void
  children: ReactNode
}) {
  const { token } = theme.useToken()
  const [wasOpened, setOpened] = useState(false)
  return (
    <details
      className="fold"
      style={{ borderBlockStart: `1px solid ${token.colorBorderSecondary}` }}
      onToggle={({ currentTarget }) => {
        if (!currentTarget.open || wasOpened) return
        setOpened(true)
        onOpen?.()
      }}
    >
      <summary>
        <h3 style={{ display: 'inline', margin: 0, fontSize: 16 }}>{title}</h3>
        <Typography.Text type={isWrong ? 'danger' : 'secondary'} style={{ display: 'block', paddingInlineStart: 20 }}>
          {sentence}
        </Typography.Text>
      </summary>
      <div style={{ paddingBlock: '4px 16px', paddingInlineStart: 20 }}>{children}</div>
    </details>
  )
}

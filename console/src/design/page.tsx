/** The frame of a page: one heading, what can be done here, and what the page is about. */
import { Flex } from 'antd'
import { useEffect, type ReactNode } from 'react'

export function Page({
  title,
  heading = title,
  actions,
  children,
}: {
  /** For the window. */
  title: string
  /** Where it is more than the title. */
  heading?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Muster`
  }, [title])
  return (
    <>
      <Flex justify="space-between" align="center" gap={16} wrap style={{ marginBlockEnd: 16 }}>
        <h1 style={{ margin: 0, fontSize: 24, lineHeight: 1.35 }}>{heading}</h1>
        {actions && (
          <Flex gap={8} wrap>
            {actions}
          </Flex>
        )}
      </Flex>
      {children}
    </>
  )
}

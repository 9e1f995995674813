/** Asks before an act that somebody will feel: says exactly what it does, and shows beside the button what went wrong. */
import { Button, Flex, Modal } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from '../design/problem.tsx'

export function ActDialog({
  isOpen,
  title,
  consequences,
  go,
  isDangerous = false,
  isBusy,
  error,
  children,
  onGo,
  onClose,
  onClosed,
}: {
  isOpen: boolean
  title: string
  /** What happens, a sentence each. */
  consequences: readonly string[]
  go: string
  isDangerous?: boolean
  isBusy: boolean
  error: Error | null
  children?: ReactNode
  onGo: () => void
  onClose: () => void
  onClosed: () => void
}) {
  const { t } = useTranslation('directory')
  return (
    <Modal open={isOpen} title={title} footer={null} destroyOnHidden onCancel={onClose} afterClose={onClosed}>
      <ul style={{ paddingInlineStart: 20 }}>
        {consequences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {children}
      {error && <ProblemAlert error={error} />}
      <Flex justify="end" gap={8}>
        <Button onClick={onClose}>{t('cancel')}</Button>
        <Button type="primary" danger={isDangerous} loading={isBusy} onClick={onGo}>
          {go}
        </Button>
      </Flex>
    </Modal>
  )
}

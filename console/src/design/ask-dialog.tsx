/** Asks before something that cannot simply be taken back, says what it means, and shows what went wrong. */
import { Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from './problem.tsx'

export function AskDialog({
  title,
  why,
  go,
  act,
  onGo,
  onClose,
}: {
  title: string
  why: string
  /** What the button says. */
  go: string
  /** What `useAction` gave. */
  act: { readonly isPending: boolean; readonly error: Error | null }
  onGo: () => void
  onClose: () => void
}) {
  const { t } = useTranslation('design')
  return (
    <Modal
      open
      title={title}
      okText={go}
      okButtonProps={{ danger: true }}
      cancelText={t('cancel')}
      confirmLoading={act.isPending}
      onCancel={onClose}
      onOk={onGo}
    >
      {act.error && <ProblemAlert error={act.error} />}
      <p>{why}</p>
    </Modal>
  )
}

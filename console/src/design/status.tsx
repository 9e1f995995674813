/** The state of a run or of a connection's directory sync, in the words of the product and never by colour alone. */
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'

const COLOURS = {
  never: 'default',
  running: 'blue',
  succeeded: 'success',
  partially_succeeded: 'warning',
  failed: 'error',
  held: 'warning',
  rejected: 'default',
  superseded: 'default',
  cancelled: 'default',
  previewed: 'blue',
} as const

export type Status = keyof typeof COLOURS

export function StatusTag({ status }: { status: Status }) {
  const { t } = useTranslation('design')
  return <Tag color={COLOURS[status]}>{t(`status.${status}`)}</Tag>
}

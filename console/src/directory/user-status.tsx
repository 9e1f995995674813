/** Whether somebody can use their account, and who said so, in words. */
import type { User } from '@muster/contracts'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'

const COLOURS = { active: 'success', disabled: 'warning', deleted: 'error' } as const

export function UserStatusTag({ user: { status, disabledBy } }: { user: Pick<User, 'status' | 'disabledBy'> }) {
  const { t } = useTranslation('directory')
  const word =
    status === 'disabled' && disabledBy !== null ? (`disabledBy.${disabledBy}` as const) : (`status.${status}` as const)
  return (
    <Tag color={COLOURS[status]} style={{ marginInlineEnd: 0 }}>
      {t(word)}
    </Tag>
  )
}

export function OriginTag({ user: { origin } }: { user: Pick<User, 'origin'> }) {
  const { t } = useTranslation('directory')
  return <Tag style={{ marginInlineEnd: 0 }}>{t(`origin.${origin}`)}</Tag>
}

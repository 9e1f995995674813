/** Navigation where there is no room beside the page. Loaded only there. */
import { Drawer } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

export function NarrowNavigation({
  isOpen,
  onClose,
  children,
}: {
  isOpen: boolean
  onClose: () => void
  children: ReactNode
}) {
  const { t } = useTranslation('shell')
  return (
    <Drawer open={isOpen} onClose={onClose} placement="left" size={240} title={t('name')}>
      {children}
    </Drawer>
  )
}

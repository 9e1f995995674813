/** Whether a service is on, in a word. */
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'

export function OnOff({ isOn }: { isOn: boolean }) {
  const { t } = useTranslation('connections')
  return <Tag color={isOn ? 'success' : 'default'}>{t(isOn ? 'on' : 'off')}</Tag>
}

/** Which role, with what each may do. */
import { Role } from '@muster/contracts'
import { Radio, Space } from 'antd'
import { useTranslation } from 'react-i18next'

/** Takes `value` and `onChange` from the form around it. */
export function RoleChoice({ value, onChange }: { value?: Role; onChange?: (role: Role) => void }) {
  const { t } = useTranslation('settings')
  return (
    <Radio.Group value={value} onChange={({ target }) => onChange?.(target.value as Role)}>
      <Space orientation="vertical">
        {Role.options.map((role) => (
          <Radio key={role} value={role}>
            {t(`roles.${role}`)}
          </Radio>
        ))}
      </Space>
    </Radio.Group>
  )
}

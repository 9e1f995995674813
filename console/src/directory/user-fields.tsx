/** The fields of a user in a form, each with its rule; what WeCom owns is shown and not changed. */
import { Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { isAccepted, type UserField } from './user-values.ts'

const LONGEST = { username: 64, displayName: 128, email: 254, phone: 25, title: 128 } as const
const TEXTS = ['username', 'displayName', 'email', 'phone', 'title'] as const

export function UserFields({ isOwned = () => false }: { isOwned?: (field: UserField) => boolean }) {
  const { t } = useTranslation('directory')
  const rule = (field: UserField) => ({
    async validator(_rule: unknown, value: string | null | undefined) {
      if (!isAccepted(field, value)) throw new Error(t(`form.wrong.${field}`))
    },
  })
  const extra = (field: UserField) => (isOwned(field) ? { extra: t('form.ownedByWecom') } : {})
  return (
    <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(240px, 1fr))', columnGap: 16 }}>
      {TEXTS.map((field) => (
        <Form.Item
          key={field}
          name={field}
          label={t(`field.${field}`)}
          validateTrigger="onBlur"
          rules={[rule(field)]}
          {...extra(field)}
        >
          <Input maxLength={LONGEST[field]} disabled={isOwned(field)} autoComplete="off" spellCheck={false} />
        </Form.Item>
      ))}
      <Form.Item name="locale" label={t('field.locale')} extra={t('form.localeWhy')}>
        <Select
          allowClear
          placeholder={t('form.localeNone')}
          options={[
            { value: 'zh-CN', label: '中文' },
            { value: 'en', label: 'English' },
          ]}
        />
      </Form.Item>
    </div>
  )
}

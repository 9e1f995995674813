/** What WeCom knows of the company's own mobile app. */
import type { Connection } from '@muster/contracts'
import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { SettingsSection } from './settings-section.tsx'

type Mobile = Connection['mobile']

const FIELDS = ['schema', 'iosBundleId', 'androidPackage', 'androidSignature'] as const

export function MobileForm({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  return (
    <SettingsSection<Mobile>
      title={t('settings.mobile.title')}
      why={t('settings.mobile.why')}
      connection={connection}
      initial={connection.mobile}
      patchOf={(values) => ({
        mobile: Object.fromEntries(FIELDS.map((field) => [field, values[field]?.trim() || null])),
      })}
    >
      {FIELDS.map((field) => (
        <Form.Item
          key={field}
          name={field}
          label={t(`settings.mobile.${field}`)}
          extra={field === 'schema' ? t('settings.mobile.schemaHelp') : undefined}
        >
          <Input maxLength={field === 'schema' ? 128 : 255} spellCheck={false} style={{ maxWidth: 420 }} />
        </Form.Item>
      ))}
    </SettingsSection>
  )
}

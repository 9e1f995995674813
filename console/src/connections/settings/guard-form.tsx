/** From when on removals wait for a person. */
import type { Connection } from '@muster/contracts'
import { Alert, Flex, Form, InputNumber, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { numberText } from '../../design/when.tsx'
import { SettingsSection } from './settings-section.tsx'

type Guard = Connection['sync']['guard']

export function GuardForm({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  return (
    <SettingsSection<Guard>
      title={t('settings.guard.title')}
      why={t('settings.guard.why')}
      connection={connection}
      initial={connection.sync.guard}
      patchOf={({ percent, minimum, absolute }) => ({ sync: { guard: { percent, minimum, absolute } } })}
    >
      <Flex gap={24} wrap>
        <Form.Item name="minimum" label={t('settings.guard.minimum')}>
          <InputNumber min={0} max={1_000_000} precision={0} style={{ width: 140 }} />
        </Form.Item>
        <Form.Item name="percent" label={t('settings.guard.percent')}>
          <InputNumber min={0} max={100} precision={0} suffix="%" style={{ width: 140 }} />
        </Form.Item>
        <Form.Item name="absolute" label={t('settings.guard.absolute')}>
          <InputNumber min={0} max={1_000_000} precision={0} style={{ width: 140 }} />
        </Form.Item>
      </Flex>
      <Sentence />
      <Alert type="info" showIcon title={t('settings.guard.always')} style={{ marginBlockEnd: 20 }} />
    </SettingsSection>
  )
}

function Sentence() {
  const { t } = useTranslation('connections')
  const form = Form.useFormInstance<Guard>()
  const guard: Partial<Guard> = Form.useWatch((all: Guard) => all, form) ?? {}
  const { percent, minimum, absolute } = guard
  if (percent === undefined || minimum === undefined || absolute === undefined) return null
  return (
    <Typography.Paragraph aria-live="polite">
      {t('settings.guard.sentence', {
        percent: numberText(percent),
        minimum: numberText(minimum),
        absolute: numberText(absolute),
      })}
    </Typography.Paragraph>
  )
}

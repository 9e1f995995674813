/** Whether changes are followed between runs, as WeCom tells them. Can be switched on once there is a callback. */
import type { Connection } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Checkbox, Form, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { SettingsSection } from './settings-section.tsx'
import { hasCallback } from '../wizard/wizard-steps.ts'

interface Values {
  readonly realTime: boolean
}

export function RealTimeForm({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { realTime, enabled } = connection.sync
  const { kind } = connection
  // Who has it on may always switch it off.
  const isPossible = hasCallback(connection) || realTime
  return (
    <SettingsSection<Values>
      title={t('suite.realTime.title')}
      why={t('suite.realTime.why')}
      connection={connection}
      initial={{ realTime }}
      patchOf={(values) => ({ sync: { realTime: values.realTime } })}
    >
      <Form.Item
        name="realTime"
        valuePropName="checked"
        extra={
          <>
            {kind !== 'service_provider' && <div>{t(`suite.realTime.tells.${kind}`)}</div>}
            {!hasCallback(connection) && (
              <div>
                {t('suite.realTime.needs')}{' '}
                <Link
                  to="/connections/$id"
                  params={{ id: connection.identifier }}
                  search={{ tab: 'credentials' }}
                  style={{ textDecoration: 'underline' }}
                >
                  {t('suite.realTime.setUp')}
                </Link>
              </div>
            )}
            {!enabled && <Typography.Text type="secondary">{t('suite.realTime.syncOff')}</Typography.Text>}
          </>
        }
      >
        <Checkbox {...(isPossible ? {} : { disabled: true })}>{t('suite.realTime.switch')}</Checkbox>
      </Form.Item>
    </SettingsSection>
  )
}

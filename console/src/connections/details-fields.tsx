/** The parts of a connection's page about fields and differences, and about its name. */
import { readMapping, updateConnection, type Connection } from '@muster/contracts'
import { Button, Col, Flex, Form, Input, Row, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { useMay } from '../shell/session.tsx'
import {
  BindingFields,
  DifferenceFields,
  differencesOf,
  differencesPatch,
  type DifferenceValues,
} from './settings/differences.tsx'
import { IconField } from './settings/icon-field.tsx'
import { MappingEditor, MappingText } from './settings/mapping-editor.tsx'
import { entriesOf, rowsOf, type MappingRow } from './settings/mapping-rows.ts'
import { MemberSample } from './settings/member-sample.tsx'
import { Section, SettingsSection } from './settings/settings-section.tsx'

export function FieldsPart({ connection }: { connection: Connection }) {
  return (
    <Flex vertical gap={16}>
      <MappingSection connection={connection} />
      <DifferencesSection connection={connection} />
    </Flex>
  )
}

function MappingSection({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const mayChange = useMay('operator')
  const [rows, setRows] = useState(() => rowsOf(connection.sync.mapping))
  const save = useAction(updateConnection)
  const mapping = entriesOf(rows)
  const isWrong = readMapping(mapping).problems.length > 0

  function change(next: MappingRow[]): void {
    save.reset()
    setRows(next)
  }

  return (
    <Section title={t('settings.mapping.title')} why={t('settings.mapping.why')}>
      <Row gutter={[32, 24]}>
        <Col xs={24} xl={15}>
          {mayChange ? <MappingEditor rows={rows} onChange={change} /> : <MappingText rows={rows} />}
          {save.error && (
            <div style={{ marginBlockStart: 16 }}>
              <ProblemAlert error={save.error} />
            </div>
          )}
          {mayChange && (
            <Flex gap={12} align="center" style={{ marginBlockStart: 16 }}>
              <Button
                type="primary"
                disabled={isWrong}
                loading={save.isPending}
                onClick={() => save.mutate({ params: { id: connection.id }, body: { sync: { mapping } } })}
              >
                {t('save')}
              </Button>
              <span role="status">
                {save.isSuccess && <Typography.Text type="success">{t('saved')}</Typography.Text>}
              </span>
            </Flex>
          )}
        </Col>
        <Col xs={24} xl={9}>
          <MemberSample connection={connection} mapping={mapping} />
        </Col>
      </Row>
    </Section>
  )
}

function DifferencesSection({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  return (
    <SettingsSection<DifferenceValues>
      title={t('settings.difference.title')}
      why={t('settings.difference.why')}
      connection={connection}
      initial={differencesOf(connection.sync)}
      patchOf={(values) => ({ sync: differencesPatch(values) })}
    >
      <DifferenceFields />
      <Typography.Title level={3} style={{ margin: 0, fontSize: 16 }}>
        {t('settings.binding.title')}
      </Typography.Title>
      <Typography.Paragraph type="secondary" style={{ marginBlock: '4px 12px' }}>
        {t('settings.binding.why')}
      </Typography.Paragraph>
      <BindingFields />
    </SettingsSection>
  )
}

export function IdentityForm({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const mayChange = useMay('operator')
  return (
    <SettingsSection<Pick<Connection, 'displayName' | 'icon'>>
      title={t('details.general.title')}
      why={t('details.general.why', { identifier: connection.identifier })}
      connection={connection}
      initial={{ displayName: connection.displayName, icon: connection.icon }}
      patchOf={({ displayName, icon }) => ({ displayName: displayName.trim(), icon })}
    >
      <Form.Item
        name="displayName"
        label={t('wizard.identity.displayName')}
        extra={t('wizard.identity.displayNameHelp')}
        rules={[{ required: true, whitespace: true, message: t('wizard.identity.displayNameMissing') }]}
      >
        <Input maxLength={64} style={{ maxWidth: 420 }} />
      </Form.Item>
      <Form.Item name="icon" label={t('wizard.identity.icon')} extra={t('wizard.identity.iconHelp')}>
        <IconField name={connection.displayName} isDisabled={!mayChange} />
      </Form.Item>
    </SettingsSection>
  )
}

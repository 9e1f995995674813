/** One group of settings of a connection with its own button, so that what is saved is what somebody looks at. */
import { updateConnection, type Connection } from '@muster/contracts'
import { Alert, Button, Card, Flex, Form, Typography, type FormInstance } from 'antd'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import { useMay } from '../../shell/session.tsx'
import type { Patch } from '../credentials.ts'

/** The frame of a group, with or without a form. */
export function Section({
  title,
  why,
  extra,
  children,
}: {
  title: ReactNode
  why?: ReactNode
  extra?: ReactNode
  children: ReactNode
}) {
  return (
    <Card>
      <Flex justify="space-between" align="start" gap={16} wrap>
        <Typography.Title level={2} style={{ margin: 0, fontSize: 18 }}>
          {title}
        </Typography.Title>
        {extra}
      </Flex>
      {why !== undefined && (
        <Typography.Paragraph type="secondary" style={{ marginBlock: '4px 20px', maxWidth: 760 }}>
          {why}
        </Typography.Paragraph>
      )}
      {children}
    </Card>
  )
}

export function SettingsSection<Values extends object>({
  title,
  why,
  connection,
  initial,
  patchOf,
  onSaved,
  form: given,
  after,
  children,
}: {
  title: string
  why: string
  connection: Connection
  initial: Values
  /** What a request says for what the form holds. */
  patchOf: (values: Values) => Patch
  /** With what is stored now; `connection` is still what was before. */
  onSaved?: (saved: Connection) => void
  form?: FormInstance<Values>
  /** What stands below the button. */
  after?: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation('connections')
  const mayChange = useMay('operator')
  const [own] = Form.useForm<Values>()
  const form = given ?? own
  const [isSaved, setSaved] = useState(false)
  const save = useAction(updateConnection, (saved) => {
    setSaved(true)
    onSaved?.(saved)
  })
  return (
    <Section title={title} why={why}>
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        disabled={!mayChange}
        initialValues={initial}
        onValuesChange={() => setSaved(false)}
        onFinish={(values) => {
          setSaved(false)
          save.mutate({ params: { id: connection.id }, body: patchOf(values) })
        }}
        style={{ maxWidth: 760 }}
      >
        {children}
        {save.error && <ProblemAlert error={save.error} />}
        {mayChange && (
          <Flex gap={12} align="center">
            <Button type="primary" htmlType="submit" loading={save.isPending}>
              {t('save')}
            </Button>
            <span role="status">{isSaved && <Typography.Text type="success">{t('saved')}</Typography.Text>}</span>
          </Flex>
        )}
      </Form>
      {after}
    </Section>
  )
}

/** Said wherever the environment has the last word. */
export function EnvironmentNotice({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  if (!connection.managedByEnvironment) return null
  return (
    <Alert
      type="info"
      showIcon
      title={t('environment.title')}
      description={t('environment.why')}
      style={{ marginBlockEnd: 16 }}
    />
  )
}

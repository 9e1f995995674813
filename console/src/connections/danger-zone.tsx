/** Removing a connection: every consequence in words, and its identifier typed once more. */
import { deleteConnection, type Connection } from '@muster/contracts'
import { useNavigate } from '@tanstack/react-router'
import { Alert, Button, Card, Flex, Form, Input, Modal, Typography, theme } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { numberText } from '../design/when.tsx'
import { useMay } from '../shell/session.tsx'

const CONSEQUENCES = ['links', 'stay', 'signIn', 'sessions', 'password', 'files'] as const

export function DangerZone({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  const mayRemove = useMay('owner')
  const [isOpen, setOpen] = useState(false)
  return (
    <Card style={{ borderColor: token.colorErrorBorder }}>
      <Typography.Title level={2} style={{ margin: 0, fontSize: 18 }}>
        {t('details.danger.title')}
      </Typography.Title>
      <Typography.Paragraph style={{ marginBlock: '4px 12px' }}>
        {t('details.danger.what', { name: nameText(connection.displayName) })}
      </Typography.Paragraph>
      <Consequences connection={connection} />
      {connection.managedByEnvironment ? (
        <Alert type="info" showIcon title={t('details.danger.environment')} />
      ) : mayRemove ? (
        <Button danger onClick={() => setOpen(true)}>
          {t('details.danger.remove')}
        </Button>
      ) : (
        <Typography.Text type="secondary">{t('details.danger.owner')}</Typography.Text>
      )}
      <Modal
        open={isOpen}
        title={t('details.danger.remove')}
        footer={null}
        destroyOnHidden
        onCancel={() => setOpen(false)}
      >
        <RemoveForm connection={connection} onCancel={() => setOpen(false)} />
      </Modal>
    </Card>
  )
}

function Consequences({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  return (
    <ul style={{ marginBlock: '0 16px', paddingInlineStart: 20 }}>
      {CONSEQUENCES.map((consequence) => (
        <li key={consequence}>
          {t(`details.danger.${consequence}`, { linked: numberText(connection.status.linkedUsers) })}
        </li>
      ))}
      {connection.suite !== null && (
        <li>{t('details.danger.corps', { corps: numberText(connection.suite.authorizedCorps) })}</li>
      )}
    </ul>
  )
}

function RemoveForm({ connection, onCancel }: { connection: Connection; onCancel: () => void }) {
  const { t } = useTranslation('connections')
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const remove = useAction(deleteConnection, () => void navigate({ to: '/connections' }))
  const isConfirmed = typed === connection.identifier
  return (
    <Form
      layout="vertical"
      requiredMark={false}
      onFinish={() => {
        if (isConfirmed) remove.mutate({ params: { id: connection.id }, query: { confirm: typed } })
      }}
    >
      <Typography.Paragraph>
        {t('details.danger.what', { name: nameText(connection.displayName) })}
      </Typography.Paragraph>
      <Consequences connection={connection} />
      <Form.Item
        label={t('details.danger.confirm', { identifier: connection.identifier })}
        htmlFor="confirm-identifier"
      >
        <Input
          id="confirm-identifier"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          autoFocus
          autoComplete="off"
          spellCheck={false}
        />
      </Form.Item>
      {remove.error && <ProblemAlert error={remove.error} />}
      <Flex gap={8} justify="end">
        <Button onClick={onCancel}>{t('details.danger.cancel')}</Button>
        <Button type="primary" danger htmlType="submit" disabled={!isConfirmed} loading={remove.isPending}>
          {t('details.danger.go')}
        </Button>
      </Flex>
    </Form>
  )
}

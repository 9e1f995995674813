/**
 * The callback of a connection: the addresses to paste into WeCom, and the token and key by which Muster knows that it is
 * WeCom who calls. Both are made up here, saved, and shown this once; WeCom asks for them as soon as it saves the address.
 */
import { updateConnection, type Connection } from '@muster/contracts'
import { Alert, Button, Flex, Form, Input, Popconfirm, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { CopyButton } from '../../design/copy-button.tsx'
import { ProblemAlert } from '../../design/problem.tsx'
import { When } from '../../design/when.tsx'
import { useMay } from '../../shell/session.tsx'
import { newCallbackSecrets } from './callback-secrets.ts'
import { PRINTABLE } from '../credential-fields.tsx'
import { EnteredElsewhere } from '../entered-elsewhere.tsx'
import { hasCallback } from '../wizard/wizard-steps.ts'

export function CallbackPanel({ connection }: { connection: Connection }) {
  return (
    <Flex vertical gap={24} style={{ maxWidth: 760 }}>
      <Secrets connection={connection} />
      <Addresses connection={connection} />
    </Flex>
  )
}

/** A company's own app has one address, a suite one for what concerns it and one for what happens in companies. */
function Addresses({ connection: { kind, callback } }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const addresses =
    kind === 'self_built'
      ? [{ label: t('suite.callback.url'), where: t('suite.callback.urlWhere'), value: callback.url }]
      : [
          {
            label: t('suite.callback.commandUrl'),
            where: t(`suite.callback.commandUrlWhere.${kind}`),
            value: callback.commandUrl,
          },
          {
            label: t('suite.callback.dataUrl'),
            where: t(`suite.callback.dataUrlWhere.${kind}`),
            value: callback.dataUrl,
          },
        ]
  return (
    <Flex vertical gap={16}>
      {addresses.map((address) => (
        <EnteredElsewhere key={address.label} {...address} />
      ))}
    </Flex>
  )
}

interface Secret {
  token: string
  aesKey: string
  providerCorpId?: string
}

function Secrets({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const mayChange = useMay('operator')
  const isStored = hasCallback(connection)
  const [isChanging, setChanging] = useState(false)
  const [shown, setShown] = useState<Secret>()
  const remove = useAction(updateConnection)
  const { previousUntil } = connection.callback

  if (shown !== undefined) return <Shown secret={shown} onDone={() => setShown(undefined)} />
  if (mayChange && (!isStored || isChanging)) {
    return (
      <SecretsForm
        connection={connection}
        onSaved={(saved) => {
          setShown(saved)
          setChanging(false)
        }}
        {...(isStored ? { onCancel: () => setChanging(false) } : {})}
      />
    )
  }
  return (
    <div>
      <Alert
        type={isStored ? 'success' : 'info'}
        showIcon
        title={t(isStored ? 'suite.callback.stored' : 'suite.callback.missing')}
        description={
          previousUntil !== null && (
            <>
              {t('suite.callback.previous')} <When at={previousUntil} />
            </>
          )
        }
      />
      {remove.error && (
        <div style={{ marginBlockStart: 12 }}>
          <ProblemAlert error={remove.error} />
        </div>
      )}
      {mayChange && (
        <Flex gap={8} wrap style={{ marginBlockStart: 12 }}>
          <Button onClick={() => setChanging(true)}>{t('suite.callback.change')}</Button>
          <Popconfirm
            title={t('suite.callback.removeTitle')}
            description={<div style={{ maxWidth: 360 }}>{t('suite.callback.removeMeans')}</div>}
            okText={t('suite.callback.remove')}
            okButtonProps={{ danger: true }}
            onConfirm={() => remove.mutate({ params: { id: connection.id }, body: { callback: null } })}
          >
            <Button type="text" danger loading={remove.isPending}>
              {t('suite.callback.remove')}
            </Button>
          </Popconfirm>
        </Flex>
      )}
    </div>
  )
}

/** @param onCancel where there are stored ones to keep */
function SecretsForm({
  connection,
  onSaved,
  onCancel,
}: {
  connection: Connection
  onSaved: (saved: Secret) => void
  onCancel?: () => void
}) {
  const { t } = useTranslation('connections')
  const [form] = Form.useForm<Secret>()
  const [made] = useState(() => newCallbackSecrets())
  // Once the connection is read again, this form gives way to what says that there is a callback.
  const save = useAction(updateConnection, (_, { body }) => {
    const { token, aesKey } = body?.callback ?? {}
    if (typeof token === 'string' && typeof aesKey === 'string') onSaved({ token, aesKey })
  })
  // WeCom verifies the address of a suite in the name of its provider, as long as there is no suite.
  const asksProvider = connection.kind !== 'self_built' && connection.providerCorpId === null

  function saveNow({ providerCorpId, ...callback }: Secret): void {
    const provider = providerCorpId?.trim() ?? ''
    save.mutate({
      params: { id: connection.id },
      body: { callback, ...(provider === '' ? {} : { providerCorpId: provider }) },
    })
  }

  return (
    <Form<Secret> form={form} layout="vertical" requiredMark={false} initialValues={made} onFinish={saveNow}>
      <strong>{t('suite.callback.secrets')}</strong>
      <Typography.Paragraph type="secondary" style={{ marginBlock: '4px 12px' }}>
        {t('suite.callback.secretsWhy')}
      </Typography.Paragraph>
      {onCancel !== undefined && (
        <Alert type="info" showIcon title={t('suite.callback.changeMeans')} style={{ marginBlockEnd: 16 }} />
      )}
      <SecretField name="token" label={t('suite.callback.token')} form={/^[A-Za-z0-9]{1,32}$/} />
      <SecretField name="aesKey" label={t('suite.callback.aesKey')} form={/^[A-Za-z0-9]{43}$/} />
      {asksProvider && (
        <Form.Item
          name="providerCorpId"
          label={t('suite.callback.provider')}
          extra={t('suite.callback.providerWhy')}
          rules={[{ pattern: PRINTABLE, message: t('settings.credentials.badText') }]}
        >
          <Input maxLength={128} autoComplete="off" spellCheck={false} style={{ maxWidth: 420 }} />
        </Form.Item>
      )}
      {save.error && <ProblemAlert error={save.error} />}
      <Flex gap={8} wrap>
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {t('suite.callback.save')}
        </Button>
        <Button onClick={() => form.setFieldsValue(newCallbackSecrets())}>{t('suite.callback.generate')}</Button>
        {onCancel !== undefined && (
          <Button type="text" onClick={onCancel}>
            {t('suite.callback.keep')}
          </Button>
        )}
      </Flex>
    </Form>
  )
}

function SecretField({ name, label, form }: { name: 'token' | 'aesKey'; label: string; form: RegExp }) {
  const { t } = useTranslation('connections')
  const message = t(name === 'token' ? 'suite.callback.badToken' : 'suite.callback.badAesKey')
  return (
    <Form.Item
      name={name}
      label={label}
      rules={[
        { pattern: form, message },
        { required: true, message },
      ]}
      normalize={(typed: string) => typed.trim()}
    >
      <Input maxLength={64} autoComplete="off" spellCheck={false} style={{ fontFamily: 'monospace', maxWidth: 520 }} />
    </Form.Item>
  )
}

function Shown({ secret, onDone }: { secret: Secret; onDone: () => void }) {
  const { t } = useTranslation('connections')
  const values = [
    { label: t('suite.callback.token'), value: secret.token },
    { label: t('suite.callback.aesKey'), value: secret.aesKey },
  ]
  return (
    <div>
      <Alert type="warning" showIcon role="status" title={t('suite.callback.shownOnce')} />
      {values.map(({ label, value }) => (
        <div key={label} style={{ marginBlockStart: 12 }}>
          <strong>{label}</strong>
          <Flex gap={8} align="center">
            <code style={{ overflowWrap: 'anywhere' }}>{value}</code>
            <CopyButton text={value} label={label} />
          </Flex>
        </div>
      ))}
      <Button style={{ marginBlockStart: 12 }} onClick={onDone}>
        {t('suite.callback.done')}
      </Button>
    </div>
  )
}

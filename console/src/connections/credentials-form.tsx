/**
 * The credentials of a company's own app. As soon as they are enough to be tried they are saved and the doctor asks WeCom, once
 * for each thing that was entered; what it found stands beside the field that it is about.
 */
import { updateConnection, type Connection } from '@muster/contracts'
import { Button, Flex, Form, Input, InputNumber, Spin, Typography } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { useMay } from '../shell/session.tsx'
import { PRINTABLE, SecretInput, useDoctor, Verdict } from './credential-fields.tsx'
import {
  credentialsPatch,
  isComplete,
  secretsToRepeat,
  verdictOf,
  type CredentialField,
  type Credentials,
  type Patch,
} from './credentials.ts'
import { StepFooter } from './wizard/step-frame.tsx'

/** @param onNext with it, the form ends with the ways back and on of the wizard; what was entered is saved before */
export function CredentialsForm({
  connection,
  onBack,
  onNext,
}: {
  connection: Connection
  onBack?: () => void
  onNext?: () => void
}) {
  const { t } = useTranslation('connections')
  const mayChange = useMay('operator')
  const [form] = Form.useForm<Credentials>()
  const [isChanged, setChanged] = useState(false)
  const { doctor, found } = useDoctor(connection)
  const isLeaving = useRef(false)
  /** A field was left while WeCom was asked, and has its turn when it has answered. */
  const wasLeft = useRef(false)
  const isSending = useRef(false)
  const save = useAction(updateConnection)
  const isAsking = save.isPending || doctor.isPending
  const checks = isChanged || isAsking ? [] : found
  const isOwned = connection.managedByEnvironment

  /** Nothing is sent twice, and nothing that is not enough yet: WeCom bans an address for wrong secrets. */
  async function saveWhenComplete(stored: Connection): Promise<void> {
    const values = form.getFieldsValue()
    if (!isComplete(stored, values)) return
    const patch = credentialsPatch(stored, values)
    if (Object.keys(patch).length === 0) return
    if (await isValid()) send(patch)
  }

  function onFieldLeft(): void {
    if (isAsking) wasLeft.current = true
    else void saveWhenComplete(connection)
  }

  function saveLeftField(stored: Connection): void {
    if (!wasLeft.current) return
    wasLeft.current = false
    void saveWhenComplete(stored)
  }

  /** Leaving a field for the button sends once: both happen before anything of it is seen here. */
  function send(patch: Patch): void {
    if (isSending.current) {
      wasLeft.current = true
      return
    }
    isSending.current = true
    save.mutate(
      { params: { id: connection.id }, body: patch },
      {
        onSuccess: (saved) => void onSaved(saved, patch),
        onError: () => (isLeaving.current = false),
        onSettled: () => (isSending.current = false),
      },
    )
  }

  /** Somebody may have entered more while it was saved; that stays, and is saved next. */
  async function onSaved(saved: Connection, sent: Patch): Promise<void> {
    for (const name of ['secret', 'contactsSecret'] as const) {
      if (form.getFieldValue(name)?.trim() === sent[name]) form.setFieldValue(name, '')
    }
    const rest = credentialsPatch(saved, form.getFieldsValue())
    const isAllSaved = Object.keys(rest).length === 0
    setChanged(!isAllSaved)
    if (isLeaving.current) {
      if (isAllSaved) onNext?.()
      else if (await isValid()) send(rest)
      else isLeaving.current = false
      return
    }
    if (wasLeft.current && !isAllSaved) {
      saveLeftField(saved)
      return
    }
    if (isComplete(saved, { corpId: saved.corpId ?? '', agentId: saved.agentId })) ask(saved)
  }

  function ask(stored: Connection): void {
    doctor.mutate({ params: { id: stored.id } }, { onSettled: () => saveLeftField(stored) })
  }

  function isValid(): Promise<boolean> {
    return form.validateFields().then(
      () => true,
      () => false,
    )
  }

  /** Leaving a field for the button may have saved it already; a refusal keeps the person here. */
  async function leave(): Promise<void> {
    const patch = credentialsPatch(connection, form.getFieldsValue())
    if (Object.keys(patch).length === 0) {
      onNext?.()
      return
    }
    if (!(await isValid())) return
    isLeaving.current = true
    if (!save.isPending) send(patch)
  }

  /** By the button everything is saved, also what is not enough yet: it is a draft. */
  function saveNow(): void {
    if (isAsking) {
      wasLeft.current = true
      return
    }
    const patch = credentialsPatch(connection, form.getFieldsValue())
    if (Object.keys(patch).length > 0) send(patch)
    else ask(connection)
  }

  const field = (name: CredentialField, where: string) => ({
    name,
    extra: (
      <>
        <div>{isOwned && name !== 'contactsSecret' ? t('environment.field') : where}</div>
        <Verdict check={verdictOf(name, checks)} />
      </>
    ),
  })
  const secretRules = (name: 'secret' | 'contactsSecret') => [
    { pattern: PRINTABLE, message: t('settings.credentials.badText') },
    {
      validator: () =>
        secretsToRepeat(connection, form.getFieldsValue()).includes(name)
          ? Promise.reject(new Error(t('settings.secretAgain')))
          : Promise.resolve(),
    },
  ]

  return (
    <Form<Credentials>
      form={form}
      layout="vertical"
      requiredMark={false}
      disabled={!mayChange}
      style={{ maxWidth: 640 }}
      initialValues={{
        corpId: connection.corpId ?? '',
        agentId: connection.agentId,
        secret: '',
        contactsSecret: '',
      }}
      onValuesChange={() => {
        setChanged(true)
        wasLeft.current = false // nothing half-typed is sent
      }}
      onBlur={onFieldLeft}
      onFinish={saveNow}
    >
      <Form.Item
        label={t('settings.credentials.corpId')}
        rules={[{ pattern: PRINTABLE, message: t('settings.credentials.badText') }]}
        {...field('corpId', t('settings.credentials.corpIdWhere'))}
      >
        <Input maxLength={128} autoComplete="off" spellCheck={false} disabled={isOwned || !mayChange} />
      </Form.Item>
      <Form.Item
        label={t('settings.credentials.agentId')}
        {...field('agentId', t('settings.credentials.agentIdWhere'))}
      >
        <InputNumber
          min={1}
          max={4_294_967_295}
          precision={0}
          controls={false}
          style={{ width: 240 }}
          disabled={isOwned || !mayChange}
        />
      </Form.Item>
      <Form.Item
        label={t('settings.credentials.secret')}
        rules={secretRules('secret')}
        {...field('secret', t('settings.credentials.secretWhere'))}
      >
        <SecretInput isStored={connection.hasSecret} isDisabled={isOwned || !mayChange} />
      </Form.Item>
      <Form.Item
        label={t('settings.credentials.contactsSecret')}
        rules={secretRules('contactsSecret')}
        {...field('contactsSecret', t('settings.credentials.contactsSecretWhere'))}
      >
        <SecretInput isStored={connection.hasContactsSecret} isDisabled={!mayChange} />
      </Form.Item>
      {(save.error ?? doctor.error) && <ProblemAlert error={save.error ?? doctor.error} />}
      {mayChange && (
        <Flex gap={12} align="center" wrap>
          <Button htmlType="submit" disabled={isAsking}>
            {t('settings.credentials.save')}
          </Button>
          {connection.hasContactsSecret && (
            <Button type="text" onClick={() => send({ contactsSecret: null })}>
              {t('settings.credentials.clear')}
            </Button>
          )}
          <Typography.Text type="secondary" role="status">
            {isAsking ? (
              <Flex gap={8} align="center" component="span">
                <Spin size="small" /> {t('settings.credentials.saving')}
              </Flex>
            ) : (
              isChanged && t('settings.credentials.unsaved')
            )}
          </Typography.Text>
        </Flex>
      )}
      {!isComplete(connection, { corpId: connection.corpId ?? '', agentId: connection.agentId }) && (
        <Typography.Paragraph type="secondary" style={{ marginBlockStart: 12 }}>
          {t('settings.credentials.incomplete')}
        </Typography.Paragraph>
      )}
      {onNext !== undefined && <StepFooter onBack={onBack} onNext={() => void leave()} isSaving={save.isPending} />}
    </Form>
  )
}

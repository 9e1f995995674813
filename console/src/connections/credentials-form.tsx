/**
 * The credentials of a connection. As soon as they are enough to be tried they are saved and the doctor asks WeCom, once
 * for each thing that was entered; what it found stands beside the field that it is about.
 */
import { diagnoseConnection, getDiagnosis, updateConnection, type Connection, type Diagnosis } from '@muster/contracts'
import { CheckCircleFilled, CloseCircleFilled, WarningFilled } from '@ant-design/icons'
import { Button, Flex, Form, Input, InputNumber, Spin, Typography, theme } from 'antd'
import { useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { useMay } from '../shell/session.tsx'
import {
  credentialsPatch,
  isComplete,
  secretsToRepeat,
  verdictOf,
  type CredentialField,
  type Credentials,
} from './credentials.ts'
import { StepFooter } from './step-frame.tsx'

/** As the contract has it: printable characters without spaces. */
const PRINTABLE = /^[\x21-\x7e]*$/

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
  const last = useRead(getDiagnosis, { params: { id: connection.id } })
  const doctor = useAction(diagnoseConnection)
  const isLeaving = useRef(false)
  const save = useAction(updateConnection, (saved) => {
    setChanged(false)
    form.setFieldsValue({ secret: '', contactsSecret: '' })
    if (isComplete(saved, { corpId: saved.corpId ?? '', agentId: saved.agentId })) {
      doctor.mutate({ params: { id: connection.id } })
    }
    if (isLeaving.current) onNext?.()
  })
  const isAsking = save.isPending || doctor.isPending
  const known = doctor.data?.checks ?? (last.data?.diagnosis?.isOutdated === false ? last.data.diagnosis.checks : [])
  const checks = isChanged || isAsking ? [] : known
  const isOwned = connection.managedByEnvironment

  /** Nothing is sent twice, and nothing that is not enough yet: WeCom bans an address for wrong secrets. */
  async function saveWhenComplete(): Promise<void> {
    const values = form.getFieldsValue()
    if (isAsking || !isComplete(connection, values)) return
    const patch = credentialsPatch(connection, values)
    if (Object.keys(patch).length === 0) return
    if (await isValid()) save.mutate({ params: { id: connection.id }, body: patch })
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
    if (save.isPending) return
    save.mutate({ params: { id: connection.id }, body: patch }, { onError: () => (isLeaving.current = false) })
  }

  /** By the button everything is saved, also what is not enough yet: it is a draft. */
  function saveNow(values: Credentials): void {
    const patch = credentialsPatch(connection, values)
    if (Object.keys(patch).length > 0) save.mutate({ params: { id: connection.id }, body: patch })
    else doctor.mutate({ params: { id: connection.id } })
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
      onValuesChange={() => setChanged(true)}
      onBlur={() => void saveWhenComplete()}
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
            <Button
              type="text"
              onClick={() => save.mutate({ params: { id: connection.id }, body: { contactsSecret: null } })}
            >
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

/** A field of a form for what goes in and never comes out. */
function SecretInput({ isStored, isDisabled, ...field }: { isStored: boolean; isDisabled: boolean }) {
  const { t } = useTranslation('connections')
  return (
    <Input.Password
      {...field}
      maxLength={512}
      autoComplete="new-password"
      spellCheck={false}
      disabled={isDisabled}
      placeholder={isStored ? (isDisabled ? '••••••••' : t('settings.credentials.stored')) : ''}
    />
  )
}

function Verdict({ check }: { check: Diagnosis['checks'][number] | undefined }) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  if (check === undefined || check.result === 'skipped') return null
  const looks = {
    pass: { icon: <CheckCircleFilled aria-hidden style={{ color: token.colorSuccess }} />, type: 'success' },
    warn: { icon: <WarningFilled aria-hidden style={{ color: token.colorWarning }} />, type: 'warning' },
    fail: { icon: <CloseCircleFilled aria-hidden style={{ color: token.colorError }} />, type: 'danger' },
  } as const
  const { icon, type } = looks[check.result]
  const words: ReactNode =
    check.result === 'pass' ? `${t('settings.credentials.verified')} ${check.detail}` : check.detail
  return (
    <div role="status" style={{ marginBlockStart: 4 }}>
      {icon} <Typography.Text type={type}>{words}</Typography.Text>
      {check.remedy !== null && <div>{check.remedy}</div>}
    </div>
  )
}

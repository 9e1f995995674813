/**
 * The credentials of a template or of a login suite with its provider. Saved by a button, because WeCom answers nothing
 * before it has sent a ticket; with one, the doctor asks at once, and what it found stands beside the field.
 */
import { updateConnection, type Connection } from '@muster/contracts'
import { Button, Flex, Form, Input, Spin, Typography } from 'antd'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import { useMay } from '../../shell/session.tsx'
import { PRINTABLE, SecretInput, useDoctor, Verdict } from '../credential-fields.tsx'
import { StepFooter } from '../wizard/step-frame.tsx'
import {
  hasSuiteCredentials,
  SUITE_FIELDS,
  suitePatch,
  suiteSecretsToRepeat,
  suiteVerdictOf,
  type SuiteCredentials,
  type SuiteField,
  type SuiteKind,
} from './suite-credentials.ts'

/** @param onNext with it, the form ends with the ways back and on of the wizard; what was entered is saved before */
export function SuiteForm({
  connection,
  onBack,
  onNext,
}: {
  connection: Connection & { kind: SuiteKind }
  onBack?: () => void
  onNext?: () => void
}) {
  const { t } = useTranslation('connections')
  const mayChange = useMay('operator')
  const [form] = Form.useForm<SuiteCredentials>()
  const [isChanged, setChanged] = useState(false)
  const { doctor, found } = useDoctor(connection)
  const save = useAction(updateConnection)
  const isAsking = save.isPending || doctor.isPending
  const checks = isChanged || isAsking ? [] : found
  const { kind } = connection
  const canVerify = connection.suite?.ticketAt != null

  const { mutate: ask } = doctor
  const isAwaited = useRef(false)
  useEffect(() => {
    // What was saved before the first ticket came is tried as soon as it has come, as the form says.
    if (!canVerify || !isAwaited.current) return
    isAwaited.current = false
    ask({ params: { id: connection.id } })
  }, [canVerify, connection.id, ask])

  /** @param then what to do when everything is saved, which it may be already */
  function saveThen(then: (saved: Connection) => void): void {
    const patch = suitePatch(connection, form.getFieldsValue())
    if (Object.keys(patch).length === 0) {
      then(connection)
      return
    }
    save.mutate(
      { params: { id: connection.id }, body: patch },
      {
        onSuccess(saved) {
          setChanged(false)
          form.setFieldsValue({ suiteSecret: '', providerSecret: '' })
          then(saved)
        },
      },
    )
  }

  function verify(saved: Connection): void {
    if (!hasSuiteCredentials(saved)) return
    if (saved.suite?.ticketAt == null) isAwaited.current = true
    else ask({ params: { id: saved.id } })
  }

  return (
    <Form<SuiteCredentials>
      form={form}
      layout="vertical"
      requiredMark={false}
      disabled={!mayChange}
      style={{ maxWidth: 640 }}
      initialValues={{
        suiteId: connection.suiteId ?? '',
        providerCorpId: connection.providerCorpId ?? '',
        suiteSecret: '',
        providerSecret: '',
      }}
      onValuesChange={() => setChanged(true)}
      onFinish={() => saveThen(verify)}
    >
      {SUITE_FIELDS[kind].map((name) => (
        <Field key={name} name={name} connection={connection} isDisabled={!mayChange}>
          <Verdict check={suiteVerdictOf(name, checks)} />
        </Field>
      ))}
      {(save.error ?? doctor.error) && <ProblemAlert error={save.error ?? doctor.error} />}
      {mayChange && (
        <Flex gap={12} align="center" wrap>
          <Button htmlType="submit" disabled={isAsking}>
            {t(canVerify ? 'suite.form.saveVerify' : 'suite.form.save')}
          </Button>
          <Typography.Text type="secondary" role="status">
            {isAsking ? (
              <Flex gap={8} align="center" component="span">
                <Spin size="small" /> {t('suite.form.saving')}
              </Flex>
            ) : isChanged ? (
              t('settings.credentials.unsaved')
            ) : (
              save.isSuccess && t(canVerify ? 'saved' : 'suite.form.saved')
            )}
          </Typography.Text>
        </Flex>
      )}
      {onNext !== undefined && (
        <StepFooter
          onBack={onBack}
          onNext={() => {
            void form.validateFields().then(
              () => saveThen(onNext),
              () => undefined, // what is wrong stands beside the fields
            )
          }}
          isSaving={save.isPending}
        />
      )}
    </Form>
  )
}

function Field({
  name,
  connection,
  isDisabled,
  children,
}: {
  name: SuiteField
  connection: Connection & { kind: SuiteKind }
  isDisabled: boolean
  children: ReactNode
}) {
  const { t } = useTranslation('connections')
  const { kind } = connection
  const words = {
    suiteId: [t(`suite.form.suiteId.${kind}`), t(`suite.form.suiteIdWhere.${kind}`)],
    suiteSecret: [t(`suite.form.suiteSecret.${kind}`), t('suite.form.suiteSecretWhere')],
    providerCorpId: [t(`suite.form.providerCorpId.${kind}`), t('suite.form.providerCorpIdWhere')],
    providerSecret: [t(`suite.form.providerSecret.${kind}`), t(`suite.form.providerSecretWhere.${kind}`)],
  } as const
  const [label, where] = words[name]
  return (
    <Form.Item
      name={name}
      label={label}
      extra={
        <>
          <div>{where}</div>
          {children}
        </>
      }
      rules={[
        { pattern: PRINTABLE, message: t('settings.credentials.badText') },
        ({ getFieldsValue }) => ({
          validator: () =>
            suiteSecretsToRepeat(connection, getFieldsValue() as SuiteCredentials).some((secret) => secret === name)
              ? Promise.reject(new Error(t('suite.form.secretAgain')))
              : Promise.resolve(),
        }),
      ]}
    >
      {name === 'suiteSecret' || name === 'providerSecret' ? (
        <SecretInput
          isStored={name === 'suiteSecret' ? connection.hasSuiteSecret : connection.hasProviderSecret}
          isDisabled={isDisabled}
        />
      ) : (
        <Input maxLength={128} autoComplete="off" spellCheck={false} />
      )}
    </Form.Item>
  )
}

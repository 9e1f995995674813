/** Step 2: identifier, display name and icon. Creates the draft, with both services off. */
import {
  checkIdentifier,
  createConnection,
  Identifier,
  listOrganizations,
  updateConnection,
  type Connection,
} from '@muster/contracts'
import { Form, Input, Select, Typography } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../../api.ts'
import { nameText } from '../../design/name.tsx'
import { ProblemAlert } from '../../design/problem.tsx'
import { IconField } from '../settings/icon-field.tsx'
import { StepFooter, StepIntro } from './step-frame.tsx'

/** How long somebody has to pause before the server is asked. */
const PAUSE_MS = 250

interface Identity {
  identifier: string
  displayName: string
  icon: string | null
  organizationId?: Connection['organizationId']
}

export function IdentityStep({
  draft,
  kind,
  onBack,
  onNext,
}: {
  draft: Connection | undefined
  /** Of the draft that is made here. */
  kind: Connection['kind']
  onBack: () => void
  /** With the draft, as it is now. */
  onNext: (draft: Connection) => void
}) {
  const { t } = useTranslation('connections')
  const [form] = Form.useForm<Identity>()
  const create = useAction(createConnection, onNext)
  const update = useAction(updateConnection, onNext)
  const organizations = useRead(listOrganizations, { query: { limit: 500 } }, { enabled: draft === undefined })
  const displayName = Form.useWatch('displayName', form) ?? ''
  const error = create.error ?? update.error

  function save({ identifier, displayName: name, icon, organizationId }: Identity): void {
    if (draft !== undefined) {
      update.mutate({ params: { id: draft.id }, body: { displayName: name.trim(), icon } })
      return
    }
    create.mutate({
      body: {
        identifier,
        kind,
        displayName: name.trim(),
        icon,
        ...(organizationId === undefined ? {} : { organizationId }),
      },
    })
  }

  return (
    <Form<Identity>
      form={form}
      layout="vertical"
      requiredMark={false}
      style={{ maxWidth: 640 }}
      initialValues={{
        identifier: draft?.identifier ?? '',
        displayName: draft?.displayName ?? '',
        icon: draft?.icon ?? null,
      }}
      onFinish={save}
    >
      <StepIntro>{t('wizard.identity.intro')}</StepIntro>
      {draft === undefined && organizations.data !== undefined && organizations.data.total > 1 && (
        <Form.Item
          name="organizationId"
          label={t('organization')}
          initialValue={organizations.data.items.find(({ slug }) => slug === 'default')?.id}
        >
          <Select options={organizations.data.items.map(({ id, name }) => ({ value: id, label: nameText(name) }))} />
        </Form.Item>
      )}
      {draft === undefined ? (
        <IdentifierField />
      ) : (
        <Form.Item name="identifier" label={t('wizard.identity.identifier')} extra={t('wizard.identity.fixed')}>
          <Input disabled />
        </Form.Item>
      )}
      <Form.Item
        name="displayName"
        label={t('wizard.identity.displayName')}
        extra={t('wizard.identity.displayNameHelp')}
        rules={[{ required: true, whitespace: true, message: t('wizard.identity.displayNameMissing') }]}
      >
        <Input maxLength={64} />
      </Form.Item>
      <Form.Item
        name="icon"
        label={t('wizard.identity.icon')}
        extra={`${t('wizard.identity.iconHelp')} ${t('wizard.identity.iconDefault')}`}
      >
        <IconField name={displayName} />
      </Form.Item>
      {error && <ProblemAlert error={error} />}
      <StepFooter
        onBack={onBack}
        next={t(draft === undefined ? 'wizard.identity.create' : 'wizard.saveNext')}
        isSaving={create.isPending || update.isPending}
      />
    </Form>
  )
}

/** Asked while somebody types; creating the connection has the last word. */
function IdentifierField() {
  const { t } = useTranslation('connections')
  const typed: string = Form.useWatch('identifier') ?? ''
  const settled = useSettled(typed)
  const isPlausible = Identifier.safeParse(settled).success
  const check = useRead(checkIdentifier, { params: { identifier: settled } }, { enabled: isPlausible })
  const answer = check.data?.identifier === typed ? check.data : undefined
  const isShaped = typed === '' || Identifier.safeParse(typed).success
  const state = typed === '' ? undefined : !isShaped ? 'invalid' : (answer?.state ?? 'checking')
  const words = {
    checking: t('wizard.identity.checking'),
    free: t('wizard.identity.free'),
    taken: answer?.reason,
  }
  return (
    <Form.Item
      name="identifier"
      label={t('wizard.identity.identifier')}
      extra={
        <>
          {state !== undefined && state !== 'invalid' && (
            <div role="status">
              <Typography.Text type={state === 'free' ? 'success' : state === 'checking' ? 'secondary' : 'danger'}>
                {words[state]}
              </Typography.Text>
            </div>
          )}
          <Typography.Text type={state === 'invalid' ? 'danger' : 'secondary'}>
            {t('wizard.identity.identifierHelp')}
          </Typography.Text>
        </>
      }
      rules={[
        { required: true, message: t('wizard.identity.identifierMissing') },
        {
          // Silent: what stands below says it while somebody types.
          validator: (_, value: string) =>
            value === '' || Identifier.safeParse(value).success ? Promise.resolve() : Promise.reject(new Error()),
        },
      ]}
      validateTrigger="onSubmit"
      hasFeedback={state !== undefined}
      validateStatus={
        state === undefined ? '' : state === 'free' ? 'success' : state === 'checking' ? 'validating' : 'error'
      }
    >
      <Input maxLength={64} autoFocus autoComplete="off" spellCheck={false} />
    </Form.Item>
  )
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}

/** Who the first owner is, and the password. What the server refuses stands beside its field. */
import { ApiProblem, SetUp } from '@muster/contracts'
import { Button, Form, Input, Typography } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { NewPasswordFields, type NewPassword } from '../design/new-password.tsx'
import { ProblemAlert } from '../design/problem.tsx'

interface Owner {
  readonly username: string
  readonly displayName: string
}
type Values = Owner & NewPassword

export function OwnerForm({
  isBusy,
  error,
  onDone,
}: {
  isBusy: boolean
  error: Error | null
  onDone: (owner: Owner & { password: string }) => void
}) {
  const { t } = useTranslation('setup')
  const [form] = Form.useForm<Values>()
  const username: string = Form.useWatch('username', form) ?? ''
  useEffect(() => {
    if (error instanceof ApiProblem && error.code === 'passwords/weak') {
      form.setFields([{ name: 'password', errors: [error.problem.detail ?? error.problem.title] }])
    }
  }, [error, form])
  return (
    <Form<Values>
      form={form}
      layout="vertical"
      requiredMark={false}
      onFinish={({ username, displayName, password }) => onDone({ username, displayName, password })}
    >
      <Form.Item
        name="username"
        label={t('username')}
        extra={t('usernameRule')}
        validateTrigger="onBlur"
        rules={[
          {
            async validator(_rule, value: string = '') {
              if (value === '') throw new Error(t('usernameMissing'))
              if (!SetUp.shape.username.safeParse(value).success) throw new Error(t('usernameBad'))
            },
          },
        ]}
      >
        <Input autoFocus autoComplete="username" autoCapitalize="none" spellCheck={false} maxLength={64} />
      </Form.Item>
      <Form.Item
        name="displayName"
        label={t('displayName')}
        extra={t('displayNameRule')}
        rules={[{ required: true, whitespace: true, message: t('displayNameMissing') }]}
      >
        <Input autoComplete="name" maxLength={128} />
      </Form.Item>
      <NewPasswordFields names={username === '' ? [] : [username]} />
      <Typography.Paragraph type="secondary">{t('keep')}</Typography.Paragraph>
      {error && <ProblemAlert error={error} />}
      <Button type="primary" size="large" htmlType="submit" block loading={isBusy}>
        {t('go')}
      </Button>
    </Form>
  )
}

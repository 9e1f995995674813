/** A user whom sync never touches. Where the organization allows none, the reason stands in the place of the form. */
import { createUser, type Organization, type User } from '@muster/contracts'
import { Link, useNavigate } from '@tanstack/react-router'
import { Alert, Button, Checkbox, Form, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { NewPasswordFields, type NewPassword } from '../design/new-password.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { May } from '../shell/session.tsx'
import { DepartmentSelect } from './department-select.tsx'
import { UserFields } from './user-fields.tsx'
import { sentValues, type UserValues } from './user-values.ts'

interface Values extends UserValues, NewPassword {
  readonly department: string | null
  readonly hasPassword: boolean
  readonly mustChangePassword: boolean
  readonly breakGlass?: boolean
}

export function NewUserButton({
  organization,
  departmentId,
}: {
  /** undefined while it is being read. */
  organization: Organization | undefined
  /** What is selected: the proposal. */
  departmentId: string | null
}) {
  const { t } = useTranslation('directory')
  const navigate = useNavigate()
  const [isOpen, setOpen] = useState(false)
  const create = useAction(createUser, ({ id }: User) => {
    setOpen(false)
    void navigate({ to: '/people/$id', params: { id } })
  })
  return (
    <>
      <Button type="primary" disabled={organization === undefined} onClick={() => setOpen(true)}>
        {t('newUser.button')}
      </Button>
      <Modal
        open={isOpen}
        title={t('newUser.title')}
        footer={null}
        width={640}
        destroyOnHidden
        onCancel={() => setOpen(false)}
        afterClose={() => create.reset()}
      >
        {organization?.builtInUsersAllowed === false ? (
          <Alert
            type="info"
            showIcon
            title={t('newUser.offTitle')}
            description={
              <>
                <p>{t('newUser.offWhy')}</p>
                <Link to="/settings" search={{ tab: 'organizations' }}>
                  {t('newUser.offGo')}
                </Link>
              </>
            }
          />
        ) : (
          organization && (
            <NewUserForm
              organization={organization}
              departmentId={departmentId}
              isBusy={create.isPending}
              error={create.error}
              onDone={(values) =>
                create.mutate({
                  body: {
                    organizationId: organization.id,
                    ...sentValues(values),
                    ...(values.hasPassword
                      ? { password: values.password, mustChangePassword: values.mustChangePassword }
                      : {}),
                    ...(values.breakGlass === true ? { breakGlass: true } : {}),
                    ...(values.department === null
                      ? {}
                      : { departments: [{ departmentId: values.department, isMain: true }] }),
                  },
                })
              }
            />
          )
        )}
      </Modal>
    </>
  )
}

function NewUserForm({
  organization,
  departmentId,
  isBusy,
  error,
  onDone,
}: {
  organization: Organization
  departmentId: string | null
  isBusy: boolean
  error: Error | null
  onDone: (values: Values) => void
}) {
  const { t } = useTranslation('directory')
  const [form] = Form.useForm<Values>()
  const username: string = Form.useWatch('username', form) ?? ''
  const hasPassword: boolean = Form.useWatch('hasPassword', form) ?? true
  return (
    <Form<Values>
      form={form}
      layout="vertical"
      requiredMark={false}
      initialValues={{ department: departmentId, hasPassword: true, mustChangePassword: true }}
      onFinish={(values) => onDone({ ...values, department: values.department ?? null })}
    >
      <p>{t('newUser.why')}</p>
      <UserFields />
      <Form.Item name="department" label={t('newUser.department')}>
        <DepartmentSelect organizationId={organization.id} />
      </Form.Item>
      <Form.Item
        name="hasPassword"
        valuePropName="checked"
        extra={hasPassword ? undefined : t('newUser.noPasswordWhy')}
      >
        <Checkbox>{t('newUser.hasPassword')}</Checkbox>
      </Form.Item>
      {hasPassword && (
        <>
          <NewPasswordFields names={[username, organization.name].filter((name) => name !== '')} />
          <Form.Item name="mustChangePassword" valuePropName="checked">
            <Checkbox>{t('password.mustChange')}</Checkbox>
          </Form.Item>
        </>
      )}
      <May role="owner">
        <Form.Item name="breakGlass" valuePropName="checked" extra={t('protection.why')}>
          <Checkbox>{t('protection.mark')}</Checkbox>
        </Form.Item>
      </May>
      {error && <ProblemAlert error={error} />}
      <Button type="primary" htmlType="submit" loading={isBusy} block>
        {t('newUser.create')}
      </Button>
    </Form>
  )
}

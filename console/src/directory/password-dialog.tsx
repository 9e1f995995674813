/** Sets or takes away the password of somebody else. Either ends all sessions. */
import { updateUser, type User } from '@muster/contracts'
import { Button, Checkbox, Flex, Form, Modal, Popconfirm } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { NewPasswordFields, type NewPassword } from '../design/new-password.tsx'
import { ProblemAlert } from '../design/problem.tsx'

type Values = NewPassword & { readonly mustChangePassword: boolean }

export function PasswordDialog({
  user,
  isOpen,
  onClose,
  onDone,
}: {
  user: User
  isOpen: boolean
  onClose: () => void
  onDone: (text: string) => void
}) {
  const { t } = useTranslation('directory')
  const set = useAction(updateUser, () => onDone(t('password.set')))
  const remove = useAction(updateUser, () => onDone(t('password.removed')))
  const params = { id: user.id }
  const error = set.error ?? remove.error
  return (
    <Modal
      open={isOpen}
      title={t('password.title', { name: nameText(user.displayName) })}
      footer={null}
      destroyOnHidden
      onCancel={onClose}
      afterClose={() => {
        set.reset()
        remove.reset()
      }}
    >
      <p>{t(user.hasPassword ? 'password.whyNew' : 'password.whyFirst')}</p>
      <Form<Values>
        layout="vertical"
        requiredMark={false}
        initialValues={{ mustChangePassword: true }}
        onFinish={({ password, mustChangePassword }) => set.mutate({ params, body: { password, mustChangePassword } })}
      >
        <NewPasswordFields label={t('password.new')} names={[user.username]} />
        <Form.Item name="mustChangePassword" valuePropName="checked">
          <Checkbox>{t('password.mustChange')}</Checkbox>
        </Form.Item>
        {error && <ProblemAlert error={error} />}
        <Flex justify="space-between" gap={8}>
          {user.hasPassword ? (
            <Popconfirm
              title={t('password.removeTitle')}
              description={t('password.removeWhy')}
              okText={t('password.remove')}
              okButtonProps={{ danger: true }}
              onConfirm={() => remove.mutate({ params, body: { password: null } })}
            >
              <Button danger loading={remove.isPending}>
                {t('password.remove')}
              </Button>
            </Popconfirm>
          ) : (
            <span />
          )}
          <Button type="primary" htmlType="submit" loading={set.isPending}>
            {t('password.go')}
          </Button>
        </Flex>
      </Form>
    </Modal>
  )
}

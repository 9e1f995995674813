/** Changes what may be changed here. What WeCom owns is shown, and says so. */
import { updateUser, type User } from '@muster/contracts'
import { Button, Form, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { UserFields } from './user-fields.tsx'
import { changedValues, isOwnedByWecom, startValues, type UserValues } from './user-values.ts'

export function EditUserDialog({
  user,
  isOpen,
  onClose,
  onDone,
}: {
  user: User
  isOpen: boolean
  onClose: () => void
  onDone: () => void
}) {
  const { t } = useTranslation('directory')
  const update = useAction(updateUser, onDone)
  return (
    <Modal
      open={isOpen}
      title={t('form.title', { name: nameText(user.displayName) })}
      footer={null}
      width={640}
      destroyOnHidden
      onCancel={onClose}
      afterClose={() => update.reset()}
    >
      <Form<UserValues>
        layout="vertical"
        requiredMark={false}
        initialValues={startValues(user)}
        onFinish={(values) => {
          const body = changedValues(user, values)
          if (Object.keys(body).length === 0) onClose()
          else update.mutate({ params: { id: user.id }, body })
        }}
      >
        {user.links.length > 0 && <p>{t('form.linkedWhy')}</p>}
        <UserFields isOwned={(field) => isOwnedByWecom(user, field)} />
        {update.error && <ProblemAlert error={update.error} />}
        <Button type="primary" htmlType="submit" loading={update.isPending} block>
          {t('save')}
        </Button>
      </Form>
    </Modal>
  )
}

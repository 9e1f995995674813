/** Who has a role here. */
import {
  createAdministrator,
  deleteAdministrator,
  listAdministrators,
  updateAdministrator,
  type Administrator,
  type Role,
  type UserId,
} from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Form, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { AskDialog } from '../design/ask-dialog.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { PersonChoice } from '../design/person-choice.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { May, useMay } from '../shell/session.tsx'
import { RoleChoice } from './role-choice.tsx'

export function Administrators() {
  const { t } = useTranslation(['settings', 'shell'])
  const isOwner = useMay('owner')
  const [open, setOpen] = useState<'add' | { change: Administrator } | { remove: Administrator }>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Flex justify="space-between" align="center" wrap gap={8} style={{ marginBlockEnd: 16 }}>
        <span>{t('administrators.why')}</span>
        <May role="owner">
          <Button type="primary" onClick={() => setOpen('add')}>
            {t('administrators.add')}
          </Button>
        </May>
      </Flex>
      <ListTable
        endpoint={listAdministrators}
        request={{}}
        label={t('administrators.label')}
        rowKey="userId"
        width={700}
        empty={t('administrators.none')}
        columns={[
          {
            title: t('administrators.person'),
            key: 'person',
            render: (_, { userId, displayName, username }) => (
              <Link to="/people/$id" params={{ id: userId }}>
                <Name>{displayName}</Name> (<Name>{username}</Name>)
              </Link>
            ),
          },
          { title: t('role'), dataIndex: 'role', width: 160, render: (role: Role) => t(`shell:role.${role}`) },
          ...(isOwner
            ? [
                {
                  title: <span className="visually-hidden">{t('acts')}</span>,
                  key: 'acts',
                  width: 280,
                  render: (_: unknown, administrator: Administrator) => (
                    <Flex gap={8}>
                      <Button
                        size="small"
                        aria-label={`${t('administrators.changeRole')}: ${nameText(administrator.displayName)}`}
                        onClick={() => setOpen({ change: administrator })}
                      >
                        {t('administrators.changeRole')}
                      </Button>
                      <Button
                        size="small"
                        danger
                        aria-label={`${t('administrators.takeAway')}: ${nameText(administrator.displayName)}`}
                        onClick={() => setOpen({ remove: administrator })}
                      >
                        {t('administrators.takeAway')}
                      </Button>
                    </Flex>
                  ),
                },
              ]
            : []),
        ]}
      />
      {open === 'add' && <Add onClose={close} />}
      {typeof open === 'object' && 'change' in open && <Change administrator={open.change} onClose={close} />}
      {typeof open === 'object' && 'remove' in open && <Remove administrator={open.remove} onClose={close} />}
    </>
  )
}

function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('settings')
  const [form] = Form.useForm<{ userId: UserId; role: Role }>()
  const add = useAction(createAdministrator, onClose)
  return (
    <Modal
      open
      title={t('administrators.add')}
      okText={t('save')}
      cancelText={t('cancel')}
      confirmLoading={add.isPending}
      onCancel={onClose}
      onOk={form.submit}
    >
      {add.error && <ProblemAlert error={add.error} />}
      <Form
        form={form}
        layout="vertical"
        initialValues={{ role: 'auditor' }}
        onFinish={({ userId, role }) => add.mutate({ body: { userId, role } })}
      >
        <Form.Item
          name="userId"
          label={t('administrators.person')}
          rules={[{ required: true, message: t('administrators.personHint') }]}
        >
          <PersonChoice placeholder={t('administrators.personHint')} nobody={t('administrators.nobody')} />
        </Form.Item>
        <Form.Item name="role" label={t('role')}>
          <RoleChoice />
        </Form.Item>
      </Form>
    </Modal>
  )
}

function Change({ administrator, onClose }: { administrator: Administrator; onClose: () => void }) {
  const { t } = useTranslation('settings')
  const [role, setRole] = useState(administrator.role)
  const change = useAction(updateAdministrator, onClose)
  return (
    <Modal
      open
      title={t('administrators.change', { name: nameText(administrator.displayName) })}
      okText={t('save')}
      cancelText={t('cancel')}
      confirmLoading={change.isPending}
      onCancel={onClose}
      onOk={() => change.mutate({ params: { id: administrator.userId }, body: { role } })}
    >
      {change.error && <ProblemAlert error={change.error} />}
      <RoleChoice value={role} onChange={setRole} />
    </Modal>
  )
}

function Remove({ administrator, onClose }: { administrator: Administrator; onClose: () => void }) {
  const { t } = useTranslation('settings')
  const remove = useAction(deleteAdministrator, onClose)
  return (
    <AskDialog
      title={t('administrators.takeAwayTitle', { name: nameText(administrator.displayName) })}
      why={t('administrators.takeAwayWhy')}
      go={t('administrators.takeAway')}
      act={remove}
      onGo={() => remove.mutate({ params: { id: administrator.userId } })}
      onClose={onClose}
    />
  )
}

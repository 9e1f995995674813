/** What programs present to the API. */
import { createApiToken, deleteApiToken, listApiTokens, type ApiToken, type Role } from '@muster/contracts'
import { Button, Flex, Form, Input, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { AskDialog } from '../design/ask-dialog.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { ShownOnce } from '../design/shown-once.tsx'
import { When } from '../design/when.tsx'
import { May, useMay } from '../shell/session.tsx'
import { RoleChoice } from './role-choice.tsx'

export function ApiTokens() {
  const { t } = useTranslation(['settings', 'shell'])
  const isOwner = useMay('owner')
  const [open, setOpen] = useState<'add' | { token: string; name: string } | { remove: ApiToken }>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Flex justify="space-between" align="center" wrap gap={8} style={{ marginBlockEnd: 16 }}>
        <span style={{ flex: '1 1 320px' }}>{t('tokens.why')}</span>
        <May role="owner">
          <Button type="primary" onClick={() => setOpen('add')}>
            {t('tokens.add')}
          </Button>
        </May>
      </Flex>
      <ListTable
        endpoint={listApiTokens}
        request={{}}
        label={t('tokens.label')}
        width={720}
        empty={t('tokens.none')}
        columns={[
          { title: t('name'), dataIndex: 'name', render: (name: string) => <Name>{name}</Name> },
          { title: t('role'), dataIndex: 'role', width: 90, render: (role: Role) => t(`shell:role.${role}`) },
          {
            title: t('tokens.createdBy'),
            dataIndex: 'createdBy',
            width: 110,
            render: (name: string | null) => <Name>{name ?? '–'}</Name>,
          },
          {
            title: t('tokens.createdAt'),
            dataIndex: 'createdAt',
            width: 170,
            render: (at: string) => <When at={at} />,
          },
          {
            title: t('tokens.lastUsed'),
            dataIndex: 'lastUsedAt',
            width: 170,
            render: (at: string | null) => <When at={at} />,
          },
          ...(isOwner
            ? [
                {
                  title: <span className="visually-hidden">{t('acts')}</span>,
                  key: 'acts',
                  width: 90,
                  render: (_: unknown, token: ApiToken) => (
                    <Button
                      size="small"
                      danger
                      aria-label={`${t('tokens.remove')}: ${nameText(token.name)}`}
                      onClick={() => setOpen({ remove: token })}
                    >
                      {t('tokens.remove')}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      {open === 'add' && <Add onClose={close} onMade={(token, name) => setOpen({ token, name })} />}
      {typeof open === 'object' && 'token' in open && (
        <ShownOnce
          title={nameText(open.name)}
          label={t('tokens.one')}
          secret={open.token}
          why={t('tokens.once')}
          done={t('tokens.done')}
          onDone={close}
        />
      )}
      {typeof open === 'object' && 'remove' in open && <Remove token={open.remove} onClose={close} />}
    </>
  )
}

function Add({ onClose, onMade }: { onClose: () => void; onMade: (token: string, name: string) => void }) {
  const { t } = useTranslation('settings')
  const [form] = Form.useForm<{ name: string; role: Role }>()
  const add = useAction(createApiToken, ({ token, name }) => onMade(token, name))
  return (
    <Modal
      open
      title={t('tokens.add')}
      okText={t('tokens.add')}
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
        onFinish={({ name, role }) => add.mutate({ body: { name, role } })}
      >
        <Form.Item name="name" label={t('name')} rules={[{ required: true, message: t('tokens.nameHint') }]}>
          <Input autoFocus placeholder={t('tokens.nameHint')} maxLength={128} />
        </Form.Item>
        <Form.Item name="role" label={t('role')}>
          <RoleChoice />
        </Form.Item>
      </Form>
    </Modal>
  )
}

function Remove({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const { t } = useTranslation('settings')
  const remove = useAction(deleteApiToken, onClose)
  return (
    <AskDialog
      title={t('tokens.removeTitle', { name: nameText(token.name) })}
      why={t('tokens.removeWhy')}
      go={t('tokens.remove')}
      act={remove}
      onGo={() => remove.mutate({ params: { id: token.id } })}
      onClose={onClose}
    />
  )
}

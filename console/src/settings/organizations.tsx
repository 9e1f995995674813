/** Directory boundaries, and whether they may have people who do not come from WeCom. */
import {
  createOrganization,
  deleteOrganization,
  listOrganizations,
  updateOrganization,
  type Organization,
} from '@muster/contracts'
import { Button, Flex, Form, Input, Modal, Switch } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { AskDialog } from '../design/ask-dialog.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { May, useMay } from '../shell/session.tsx'

export function Organizations() {
  const { t } = useTranslation('settings')
  const isOwner = useMay('owner')
  const [open, setOpen] = useState<'add' | { rename: Organization } | { remove: Organization }>()
  const allow = useAction(updateOrganization)
  const close = () => setOpen(undefined)
  return (
    <>
      <Flex justify="space-between" align="center" wrap gap={8} style={{ marginBlockEnd: 16 }}>
        <span style={{ flex: '1 1 320px' }}>{t('organizations.why')}</span>
        <May role="owner">
          <Button onClick={() => setOpen('add')}>{t('organizations.add')}</Button>
        </May>
      </Flex>
      {allow.error && <ProblemAlert error={allow.error} />}
      <ListTable
        endpoint={listOrganizations}
        request={{}}
        label={t('organizations.label')}
        width={720}
        columns={[
          { title: t('name'), dataIndex: 'name', render: (name: string) => <Name>{name}</Name> },
          {
            title: t('organizations.slug'),
            dataIndex: 'slug',
            width: 160,
            render: (slug: string) => <code>{slug}</code>,
          },
          {
            title: t('organizations.builtIn'),
            key: 'builtIn',
            width: 220,
            render: (_, { id, name, builtInUsersAllowed }) =>
              isOwner ? (
                <Switch
                  checked={builtInUsersAllowed}
                  checkedChildren={t('organizations.builtInOn')}
                  unCheckedChildren={t('organizations.builtInOff')}
                  aria-label={`${t('organizations.builtIn')}: ${nameText(name)}`}
                  loading={allow.isPending && allow.variables.params.id === id}
                  onChange={(isAllowed) => allow.mutate({ params: { id }, body: { builtInUsersAllowed: isAllowed } })}
                />
              ) : (
                t(builtInUsersAllowed ? 'organizations.builtInOn' : 'organizations.builtInOff')
              ),
          },
          ...(isOwner
            ? [
                {
                  title: <span className="visually-hidden">{t('acts')}</span>,
                  key: 'acts',
                  width: 200,
                  render: (_: unknown, organization: Organization) => (
                    <Flex gap={8}>
                      <Button
                        size="small"
                        aria-label={`${t('organizations.rename')}: ${nameText(organization.name)}`}
                        onClick={() => setOpen({ rename: organization })}
                      >
                        {t('organizations.rename')}
                      </Button>
                      {organization.slug !== 'default' && (
                        <Button
                          size="small"
                          danger
                          aria-label={`${t('organizations.remove')}: ${nameText(organization.name)}`}
                          onClick={() => setOpen({ remove: organization })}
                        >
                          {t('organizations.remove')}
                        </Button>
                      )}
                    </Flex>
                  ),
                },
              ]
            : []),
        ]}
      />
      <p>
        <strong>{t('organizations.builtIn')}:</strong> {t('organizations.builtInWhy')}
      </p>
      {open === 'add' && <Add onClose={close} />}
      {typeof open === 'object' && 'rename' in open && <Rename organization={open.rename} onClose={close} />}
      {typeof open === 'object' && 'remove' in open && <Remove organization={open.remove} onClose={close} />}
    </>
  )
}

function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('settings')
  const [form] = Form.useForm<{ slug: string; name: string }>()
  const add = useAction(createOrganization, onClose)
  return (
    <Modal
      open
      title={t('organizations.add')}
      okText={t('save')}
      cancelText={t('cancel')}
      confirmLoading={add.isPending}
      onCancel={onClose}
      onOk={form.submit}
    >
      {add.error && <ProblemAlert error={add.error} />}
      <Form form={form} layout="vertical" onFinish={(body) => add.mutate({ body })}>
        <Form.Item name="name" label={t('name')} rules={[{ required: true, message: t('name') }]}>
          <Input autoFocus maxLength={128} />
        </Form.Item>
        <Form.Item
          name="slug"
          label={t('organizations.slug')}
          extra={t('organizations.slugHint')}
          rules={[{ required: true, pattern: /^[a-z0-9-]{1,31}$/, message: t('organizations.slugHint') }]}
        >
          <Input maxLength={31} />
        </Form.Item>
      </Form>
    </Modal>
  )
}

function Rename({ organization: { id, name }, onClose }: { organization: Organization; onClose: () => void }) {
  const { t } = useTranslation('settings')
  const [typed, setTyped] = useState(name)
  const rename = useAction(updateOrganization, onClose)
  return (
    <Modal
      open
      title={t('organizations.rename')}
      okText={t('save')}
      okButtonProps={{ disabled: typed.trim() === '' }}
      cancelText={t('cancel')}
      confirmLoading={rename.isPending}
      onCancel={onClose}
      onOk={() => rename.mutate({ params: { id }, body: { name: typed } })}
    >
      {rename.error && <ProblemAlert error={rename.error} />}
      <Input
        autoFocus
        aria-label={t('name')}
        maxLength={128}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
      />
    </Modal>
  )
}

function Remove({ organization: { id, name }, onClose }: { organization: Organization; onClose: () => void }) {
  const { t } = useTranslation('settings')
  const remove = useAction(deleteOrganization, onClose)
  return (
    <AskDialog
      title={t('organizations.removeTitle', { name: nameText(name) })}
      why={t('organizations.removeWhy')}
      go={t('organizations.remove')}
      act={remove}
      onGo={() => remove.mutate({ params: { id } })}
      onClose={onClose}
    />
  )
}

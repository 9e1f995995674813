/** Binds a person to a member of WeCom by hand. Nobody asks WeCom here: the userid is believed, so the effect is said. */
import { createLink, listCorps, type Connection, type User } from '@muster/contracts'
import { Button, Form, Input, Modal, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'

interface Values {
  readonly connectionId: string
  readonly userid: string
  readonly corpId?: string
}

export function NewLinkButton({
  user,
  connections,
  onDone,
}: {
  user: User
  connections: readonly Connection[]
  onDone: (text: string) => void
}) {
  const { t } = useTranslation('directory')
  const [isOpen, setOpen] = useState(false)
  const [form] = Form.useForm<Values>()
  const chosen: string | undefined = Form.useWatch('connectionId', form)
  const create = useAction(createLink, () => {
    setOpen(false)
    onDone(t('links.made'))
  })
  const linked = new Set<string>(user.links.map(({ connectionId }) => connectionId))
  const free = connections.filter(({ id, organizationId }) => organizationId === user.organizationId && !linked.has(id))
  const hasCorps = free.some(({ id, kind }) => id === chosen && kind !== 'self_built')
  if (free.length === 0) return null
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('links.new')}</Button>
      <Modal
        open={isOpen}
        title={t('links.newTitle', { name: nameText(user.displayName) })}
        footer={null}
        destroyOnHidden
        onCancel={() => setOpen(false)}
        afterClose={() => create.reset()}
      >
        <p>{t('links.newWhy')}</p>
        <Form<Values>
          form={form}
          layout="vertical"
          requiredMark={false}
          initialValues={{ connectionId: free[0]!.id }}
          onFinish={({ connectionId, userid, corpId }) =>
            create.mutate({
              params: { id: user.id },
              body: {
                connectionId,
                userid: userid.trim(),
                ...(hasCorps && corpId?.trim() ? { corpId: corpId.trim() } : {}),
              },
            })
          }
        >
          <Form.Item name="connectionId" label={t('links.connection')}>
            <Select
              options={free.map(({ id, displayName }) => ({ value: id as string, label: nameText(displayName) }))}
            />
          </Form.Item>
          {hasCorps && chosen !== undefined && <CorpField key={chosen} connectionId={chosen} />}
          <Form.Item
            name="userid"
            label="userid"
            extra={t('links.useridWhy')}
            rules={[{ required: true, whitespace: true, message: t('links.useridMissing') }]}
          >
            <Input maxLength={64} autoComplete="off" spellCheck={false} />
          </Form.Item>
          {create.error && <ProblemAlert error={create.error} />}
          <Button type="primary" htmlType="submit" block loading={create.isPending}>
            {t('links.go')}
          </Button>
        </Form>
      </Modal>
    </>
  )
}

/** The same userid may be in each of several companies. */
function CorpField({ connectionId }: { connectionId: string }) {
  const { t } = useTranslation('directory')
  const corps = useRead(listCorps, { params: { id: connectionId }, query: { state: 'authorized', limit: 500 } })
  return (
    <Form.Item name="corpId" label={t('links.corp')} extra={t('links.corpWhy')}>
      <Select
        allowClear
        loading={corps.isPending}
        showSearch={{ optionFilterProp: 'label' }}
        options={(corps.data?.items ?? []).map(({ corpId, name }) => ({
          value: corpId,
          label: `${nameText(name)} (${corpId})`,
        }))}
      />
    </Form.Item>
  )
}

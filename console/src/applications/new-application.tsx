/** Connecting one more application: a known product by its address, or any other by its redirect addresses. */
import {
  applicationOf,
  applicationPresets,
  createApplication,
  listConnections,
  type ApplicationPreset,
  type NewApplication,
} from '@muster/contracts'
import { useNavigate } from '@tanstack/react-router'
import { Checkbox, Form, Input, Modal, Radio, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { z } from 'zod'
import { useAction, useRead } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { linesOf, originOf } from './addresses.ts'
import { ConnectionChoice } from './connection-choice.tsx'
import { MadeDialog, type Made } from './made.tsx'

interface Fields {
  readonly product: string
  readonly origin?: string
  readonly name?: string
  readonly redirectUris?: string
  readonly isPublic?: boolean
  readonly connections?: readonly string[]
}

const OWN = 'own'

export function NewApplicationDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('applications')
  const navigate = useNavigate()
  const [form] = Form.useForm<Fields>()
  const product = Form.useWatch('product', form) ?? OWN
  const preset = applicationPresets.find(({ id }) => id === product)
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const [made, setMade] = useState<Made>()
  const create = useAction(createApplication, (application) => {
    const origin = originOf((form.getFieldValue('origin') as string | undefined) ?? '') ?? ''
    setMade({ application, ...(preset === undefined ? {} : { preset, origin }) })
  })

  if (made !== undefined) {
    const { id } = made.application
    return <MadeDialog made={made} onDone={() => void navigate({ to: '/applications/$id', params: { id } })} />
  }
  return (
    <Modal
      open
      width={640}
      title={t('add.go')}
      okText={t('add.create')}
      cancelText={t('cancel')}
      confirmLoading={create.isPending}
      onCancel={onClose}
      onOk={form.submit}
    >
      {create.error && <ProblemAlert error={create.error} />}
      <Form<Fields>
        form={form}
        layout="vertical"
        initialValues={{ product: OWN, connections: [] }}
        onFinish={(fields) => create.mutate({ body: bodyOf(fields, preset) })}
      >
        <Form.Item name="product" label={t('add.product')}>
          <Radio.Group>
            <Space orientation="vertical">
              {applicationPresets.map(({ id, name }) => (
                <Radio key={id} value={id}>
                  {name}
                </Radio>
              ))}
              <Radio value={OWN}>
                {t('add.own')}: {t('add.ownHint')}
              </Radio>
            </Space>
          </Radio.Group>
        </Form.Item>
        {preset === undefined ? (
          <>
            <Form.Item name="name" label={t('name')} rules={[{ required: true, message: t('name') }]}>
              <Input maxLength={128} />
            </Form.Item>
            <Form.Item name="redirectUris" label={t('add.redirectUris')} extra={t('add.redirectHint')}>
              <Input.TextArea rows={3} spellCheck={false} />
            </Form.Item>
            <Form.Item name="isPublic" valuePropName="checked">
              <Checkbox>{t('add.isPublic')}</Checkbox>
            </Form.Item>
          </>
        ) : (
          <Form.Item
            name="origin"
            label={t('add.address')}
            extra={t('add.addressHint', { example: preset.exampleOrigin })}
            rules={[
              {
                required: true,
                validator: (_, text: string | undefined) =>
                  originOf(text ?? '') === undefined
                    ? Promise.reject(new Error(t('add.addressWrong')))
                    : Promise.resolve(),
              },
            ]}
          >
            <Input placeholder={preset.exampleOrigin} spellCheck={false} />
          </Form.Item>
        )}
        <Form.Item
          name="connections"
          label={t('connections')}
          extra={t(connections.data?.items.length === 0 ? 'add.noConnections' : 'add.connectionsHint')}
        >
          <ConnectionChoice connections={connections.data?.items} />
        </Form.Item>
      </Form>
    </Modal>
  )
}

function bodyOf(
  { origin = '', name = '', redirectUris = '', isPublic = false, connections = [] }: Fields,
  preset: ApplicationPreset | undefined,
): z.input<typeof NewApplication> {
  if (preset !== undefined) return { ...applicationOf(preset, originOf(origin) ?? ''), connections: [...connections] }
  return { name, redirectUris: linesOf(redirectUris), public: isPublic, connections: [...connections] }
}

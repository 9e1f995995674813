/** What a department made by hand is called and where it stands. */
import { Button, Form, Input, InputNumber } from 'antd'
import { useTranslation } from 'react-i18next'
import { ProblemAlert } from '../design/problem.tsx'
import { DepartmentSelect } from './department-select.tsx'

export interface DepartmentFields {
  readonly name: string
  readonly nameEn: string | null
  readonly parentId: string | null
  readonly order: number
}

export function DepartmentForm({
  organizationId,
  departmentId,
  start,
  isBusy,
  error,
  go,
  onDone,
}: {
  organizationId: string
  /** Of the department that is changed: it cannot stand below itself. */
  departmentId?: string
  start: DepartmentFields
  isBusy: boolean
  error: Error | null
  go: string
  onDone: (fields: DepartmentFields) => void
}) {
  const { t } = useTranslation('directory')
  return (
    <Form<DepartmentFields>
      layout="vertical"
      requiredMark={false}
      initialValues={start}
      onFinish={({ name, nameEn, parentId, order }) =>
        onDone({
          name,
          nameEn: nameEn?.trim() ? nameEn : null,
          parentId: parentId ?? null,
          order: order ?? 0,
        })
      }
    >
      <Form.Item
        name="name"
        label={t('department.name')}
        rules={[{ required: true, whitespace: true, message: t('department.nameMissing') }]}
      >
        <Input maxLength={128} autoFocus />
      </Form.Item>
      <Form.Item name="nameEn" label={t('department.nameEn')}>
        <Input maxLength={128} />
      </Form.Item>
      <Form.Item name="parentId" label={t('department.parent')} extra={t('department.parentWhy')}>
        <DepartmentSelect organizationId={organizationId} without={departmentId === undefined ? [] : [departmentId]} />
      </Form.Item>
      <Form.Item name="order" label={t('department.order')} extra={t('department.orderWhy')}>
        <InputNumber min={0} max={4_294_967_295} precision={0} style={{ width: 200 }} />
      </Form.Item>
      {error && <ProblemAlert error={error} />}
      <Button type="primary" htmlType="submit" loading={isBusy} block>
        {go}
      </Button>
    </Form>
  )
}

/** Departments made by hand: create, rename, move, delete. What WeCom owns is changed in WeCom. */
import {
  createDepartment,
  deleteDepartment,
  updateDepartment,
  type Department,
  type DepartmentWithPath,
} from '@muster/contracts'
import { Button, Flex, Modal, Popconfirm } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { DepartmentForm } from './department-form.tsx'

export function NewDepartmentButton({
  organizationId,
  parentId,
  onDone,
}: {
  organizationId: string
  parentId: string | null
  onDone: (made: Department) => void
}) {
  const { t } = useTranslation('directory')
  const [isOpen, setOpen] = useState(false)
  const create = useAction(createDepartment, (made) => {
    setOpen(false)
    onDone(made)
  })
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('department.new')}</Button>
      <Modal
        open={isOpen}
        title={t('department.new')}
        footer={null}
        destroyOnHidden
        onCancel={() => setOpen(false)}
        afterClose={() => create.reset()}
      >
        <p>{t('department.newWhy')}</p>
        <DepartmentForm
          organizationId={organizationId}
          start={{ name: '', nameEn: null, parentId, order: 0 }}
          isBusy={create.isPending}
          error={create.error}
          go={t('department.create')}
          onDone={(body) => create.mutate({ body: { ...body, organizationId } })}
        />
      </Modal>
    </>
  )
}

export function DepartmentActs({ department, onGone }: { department: DepartmentWithPath; onGone: () => void }) {
  const { t } = useTranslation('directory')
  const { id, organizationId } = department
  const [isOpen, setOpen] = useState(false)
  const update = useAction(updateDepartment, () => setOpen(false))
  const remove = useAction(deleteDepartment, onGone)
  return (
    <Flex vertical align="flex-end" gap={8}>
      <Flex gap={8}>
        <Button onClick={() => setOpen(true)}>{t('department.change')}</Button>
        <Popconfirm
          title={t('department.deleteTitle', { name: nameText(department.name) })}
          description={t('department.deleteWhy')}
          okText={t('department.delete')}
          okButtonProps={{ danger: true }}
          onConfirm={() => remove.mutate({ params: { id } })}
        >
          <Button danger>{t('department.delete')}</Button>
        </Popconfirm>
      </Flex>
      {remove.error && <ProblemAlert error={remove.error} />}
      <Modal
        open={isOpen}
        title={t('department.changeTitle', { name: nameText(department.name) })}
        footer={null}
        destroyOnHidden
        onCancel={() => setOpen(false)}
        afterClose={() => update.reset()}
      >
        <DepartmentForm
          organizationId={organizationId}
          departmentId={id}
          start={department}
          isBusy={update.isPending}
          error={update.error}
          go={t('save')}
          onDone={(body) => update.mutate({ params: { id }, body })}
        />
      </Modal>
    </Flex>
  )
}

/** Where a person belongs, and who says so. Memberships made by hand are changed here; those of WeCom stay as they are. */
import { updateUser, type User } from '@muster/contracts'
import { DeleteOutlined } from '@ant-design/icons'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Modal, Radio, Tag, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { Section } from '../design/section.tsx'
import { useSession } from '../shell/session.tsx'
import { DepartmentPath } from './department-path.tsx'
import { DepartmentSelect } from './department-select.tsx'
import { addMembership, handMade, makeMain, removeMembership, type HandMade } from './memberships.ts'
import { mayChange } from './user-facts.ts'

export function PersonDepartments({ user, onDone }: { user: User; onDone: (text: string) => void }) {
  const { t } = useTranslation('directory')
  const { data: session } = useSession()
  const [isOpen, setOpen] = useState(false)
  const isChangeable = session !== undefined && mayChange(user, session.role) && user.status !== 'deleted'
  return (
    <Section
      title={t('departments.title')}
      extra={isChangeable && <Button onClick={() => setOpen(true)}>{t('departments.change')}</Button>}
    >
      {user.departments.length === 0 ? (
        <Typography.Text type="secondary">{t('departments.none')}</Typography.Text>
      ) : (
        <Flex component="ul" vertical gap={8} style={{ listStyle: 'none', padding: 0, margin: 0 }}>
          {user.departments.map(({ departmentId, isMain, isLeader, origin }) => (
            <li key={`${departmentId} ${origin}`}>
              <Link
                to="/people"
                search={{ department: departmentId, organization: user.organizationId }}
                style={{ overflowWrap: 'anywhere' }}
              >
                <DepartmentPath id={departmentId} isWhole />
              </Link>{' '}
              {isMain && <Tag color="blue">{t('departments.main')}</Tag>}{' '}
              {isLeader && <Tag>{t('departments.leader')}</Tag>}{' '}
              <Typography.Text type="secondary">{t(`departments.origin.${origin}`)}</Typography.Text>
            </li>
          ))}
        </Flex>
      )}
      <MembershipsDialog
        user={user}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        onDone={() => {
          setOpen(false)
          onDone(t('departments.saved'))
        }}
      />
    </Section>
  )
}

function MembershipsDialog({
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
      title={t('departments.dialog', { name: nameText(user.displayName) })}
      footer={null}
      destroyOnHidden
      onCancel={onClose}
      afterClose={() => update.reset()}
    >
      <Memberships
        user={user}
        isBusy={update.isPending}
        error={update.error}
        onSave={(departments) =>
          update.mutate({
            params: { id: user.id },
            body: { departments: [...departments] },
          })
        }
      />
    </Modal>
  )
}

function Memberships({
  user,
  isBusy,
  error,
  onSave,
}: {
  user: User
  isBusy: boolean
  error: Error | null
  onSave: (departments: readonly HandMade[]) => void
}) {
  const { t } = useTranslation('directory')
  const [wanted, setWanted] = useState(() => handMade(user))
  const hasWecomMain = user.departments.some(({ isMain, origin }) => isMain && origin === 'wecom')
  return (
    <Flex vertical gap={12}>
      <Typography.Text type="secondary">{t('departments.why')}</Typography.Text>
      {wanted.length === 0 && <Typography.Text>{t('departments.noneByHand')}</Typography.Text>}
      <Flex component="ul" vertical gap={8} style={{ listStyle: 'none', padding: 0, margin: 0 }}>
        {wanted.map(({ departmentId, isMain }) => (
          <Flex component="li" key={departmentId} justify="space-between" align="center" gap={8}>
            <span style={{ overflowWrap: 'anywhere' }}>
              <DepartmentPath id={departmentId} isWhole />
            </span>
            <Flex gap={8} align="center" style={{ flex: 'none' }}>
              {!hasWecomMain && (
                <Radio checked={isMain} onChange={() => setWanted(makeMain(wanted, departmentId))}>
                  {t('departments.main')}
                </Radio>
              )}
              <Button
                type="text"
                icon={<DeleteOutlined aria-hidden />}
                aria-label={t('departments.remove')}
                onClick={() => setWanted(removeMembership(wanted, departmentId))}
              />
            </Flex>
          </Flex>
        ))}
      </Flex>
      <DepartmentSelect
        key={wanted.length}
        organizationId={user.organizationId}
        label={t('departments.add')}
        placeholder={t('departments.add')}
        without={wanted.map(({ departmentId }) => departmentId)}
        onChange={(id) => id !== null && setWanted(addMembership(wanted, id, { hasMain: hasWecomMain }))}
      />
      {error && <ProblemAlert error={error} />}
      <Button type="primary" block loading={isBusy} onClick={() => onSave(wanted)}>
        {t('save')}
      </Button>
    </Flex>
  )
}

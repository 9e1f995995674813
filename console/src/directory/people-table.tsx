/** The people of a department or of everybody; of 100,000 only those in sight are drawn. */
import { listUsers, type User } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Tag, Typography } from 'antd'
import type { TableProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { ListTable } from '../design/list-table.tsx'
import { Masked } from '../design/masked.tsx'
import { Name } from '../design/name.tsx'
import { When } from '../design/when.tsx'
import { isNarrowed, mainDepartment, peopleQuery, type PeopleSearch } from './people-search.ts'
import { OriginTag, UserStatusTag } from './user-status.tsx'

export function PeopleTable({
  organizationId,
  search,
  height,
  onReset,
}: {
  organizationId: string
  search: PeopleSearch
  height: number
  onReset: () => void
}) {
  const { t } = useTranslation('directory')
  if (organizationId === '') return null

  const columns: NonNullable<TableProps<User>['columns']> = [
    {
      title: t('people.name'),
      key: 'name',
      width: 175,
      render: (_, user) => (
        <>
          <Link to="/people/$id" params={{ id: user.id }}>
            <Name>{user.displayName}</Name>
          </Link>{' '}
          {user.role !== null && <Tag color="blue">{t(`role.${user.role}`)}</Tag>}
          <div style={{ lineHeight: '18px' }}>
            <Typography.Text type="secondary" style={SMALL}>
              <Name>{user.username}</Name>
            </Typography.Text>
          </div>
        </>
      ),
    },
    {
      title: t('people.status'),
      key: 'status',
      width: 165,
      render: (_, user) => (
        <Flex gap={4} wrap>
          <UserStatusTag user={user} />
          {user.origin === 'built_in' && <OriginTag user={user} />}
        </Flex>
      ),
    },
    {
      title: t('people.department'),
      key: 'department',
      width: 150,
      render: (_, user) => <Departments user={user} />,
    },
    {
      title: t('people.position'),
      dataIndex: 'title',
      width: 120,
      render: (title: User['title']) => <Name>{title ?? '–'}</Name>,
    },
    {
      title: t('people.email'),
      dataIndex: 'email',
      width: 255,
      render: (email: User['email']) => (
        <span style={{ whiteSpace: 'nowrap' }}>
          <Masked>{email}</Masked>
        </span>
      ),
    },
    {
      title: t('people.lastSignIn'),
      dataIndex: 'lastSignInAt',
      responsive: ['xxl'],
      width: 160,
      render: (at: User['lastSignInAt']) => <When at={at} />,
    },
  ]

  return (
    <ListTable
      endpoint={listUsers}
      request={{ query: peopleQuery(organizationId, search) }}
      label={t('people.label')}
      columns={columns}
      height={height}
      width={865}
      empty={
        isNarrowed(search) ? (
          <>
            <p>{t('people.nobodyFits')}</p>
            <Button onClick={onReset}>{t('people.reset')}</Button>
          </>
        ) : search.department === undefined ? (
          <>
            <p>{t('people.nobody')}</p>
            <Link to="/connections">{t('people.connect')}</Link>
          </>
        ) : (
          t('people.nobodyHere')
        )
      }
    />
  )
}

const SMALL = { fontSize: 12, lineHeight: '16px' } as const

function Departments({ user }: { user: User }) {
  const { t } = useTranslation('directory')
  const main = mainDepartment(user)
  if (main === undefined) return <span>–</span>
  return (
    <>
      <Name>{main.name}</Name>
      {user.departments.length > 1 && (
        <Typography.Text type="secondary" style={SMALL}>
          {' '}
          {t('people.andMore', { more: user.departments.length - 1 })}
        </Typography.Text>
      )}
    </>
  )
}

/** What is selected in the tree: its name, where it stands, who owns it, who leads it, and what can be done with it. */
import { getUser, listUsers, type Connection, type DepartmentWithPath } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Breadcrumb, Button, Card, Flex, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useList, useRead } from '../api.ts'
import { Name } from '../design/name.tsx'
import { numberText } from '../design/when.tsx'
import { May } from '../shell/session.tsx'
import { DepartmentActs } from './department-acts.tsx'
import { peopleQuery } from './people-search.ts'

const MOST_LEADERS = 10

export function DepartmentHeader({
  department,
  connections,
  isWhole,
  onGo,
  onGone,
}: {
  department: DepartmentWithPath
  connections: readonly Connection[]
  /** The list below shows everybody of it and of what is below it. */
  isWhole: boolean
  onGo: (id: string | null) => void
  /** It was deleted. */
  onGone: () => void
}) {
  const { t } = useTranslation('directory')
  const { name, nameEn, path, origin, externalId, leaderUserIds } = department
  const connection = connections.find(({ id }) => id === department.connectionId)
  return (
    <Card size="small" style={{ marginBlockEnd: 12 }}>
      {path.length > 0 && (
        <Breadcrumb
          style={{ marginBlockEnd: 4 }}
          items={path.map(({ id, name: above }) => ({
            key: id,
            title: (
              <Button type="link" size="small" style={{ padding: 0, height: 'auto' }} onClick={() => onGo(id)}>
                <Name>{above}</Name>
              </Button>
            ),
          }))}
        />
      )}
      <Flex justify="space-between" align="flex-start" gap={8} wrap>
        <div style={{ minWidth: 0 }}>
          <Typography.Title level={2} style={{ fontSize: 18, margin: 0 }}>
            <Name>{name}</Name>{' '}
            {nameEn !== null && (
              <Typography.Text type="secondary" style={{ fontSize: 14, fontWeight: 'normal' }}>
                <Name>{nameEn}</Name>
              </Typography.Text>
            )}
          </Typography.Title>
          <Flex gap={8} wrap align="center" style={{ marginBlockStart: 4 }}>
            {origin === 'wecom' ? (
              <Tag>
                {connection === undefined ? t('department.fromWecom') : t('department.from')}{' '}
                {connection && <Name>{connection.displayName}</Name>}
                {externalId != null && ` · ${t('department.externalId', { id: externalId })}`}
              </Tag>
            ) : (
              <Tag color="blue">{t('department.manual')}</Tag>
            )}
            <Counts department={department} isWhole={isWhole} />
            {leaderUserIds.length > 0 && (
              <span>
                <Typography.Text type="secondary">{t('department.leaders')} </Typography.Text>
                {leaderUserIds.slice(0, MOST_LEADERS).map((id, index) => (
                  <span key={id}>
                    {index > 0 && ', '}
                    <Person id={id} />
                  </span>
                ))}
                {leaderUserIds.length > MOST_LEADERS && ' …'}
              </span>
            )}
          </Flex>
        </div>
        <May role="operator">
          {origin === 'manual' ? (
            <DepartmentActs department={department} onGone={onGone} />
          ) : (
            <Typography.Text type="secondary">{t('department.inWecom')}</Typography.Text>
          )}
        </May>
      </Flex>
    </Card>
  )
}

/**
 * How many are directly in it, and with everything below it. The second is what the list of people has counted: of a large
 * company it is not worth counting again.
 */
function Counts({
  department: { id, organizationId, userCount, childCount },
  isWhole,
}: {
  department: DepartmentWithPath
  isWhole: boolean
}) {
  const { t } = useTranslation('directory')
  const { data } = useList(
    listUsers,
    { query: peopleQuery(organizationId, { department: id }) },
    { enabled: isWhole && childCount > 0 },
  )
  const total = data?.pages.at(-1)?.total
  return (
    <Typography.Text type="secondary">
      {t(childCount === 0 ? 'department.people' : 'department.counts', {
        people: numberText(userCount),
        departments: numberText(childCount),
      })}
      {childCount > 0 && total !== undefined && t('department.andBelow', { total: numberText(total) })}
    </Typography.Text>
  )
}

/** Somebody by name, with the way to their page. */
export function Person({ id }: { id: string }) {
  const { data } = useRead(getUser, { params: { id } })
  return (
    <Link to="/people/$id" params={{ id }}>
      <Name>{data?.displayName ?? '…'}</Name>
    </Link>
  )
}

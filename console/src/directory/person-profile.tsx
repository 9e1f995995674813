/** Who a person is here: each field with where it comes from, departments, and what the company added of its own. */
import type { Connection, User } from '@muster/contracts'
import { Col, Row, Table, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { Masked } from '../design/masked.tsx'
import { Name } from '../design/name.tsx'
import { Section } from '../design/section.tsx'
import { When } from '../design/when.tsx'
import { Person } from './department-header.tsx'
import { PersonDepartments } from './person-departments.tsx'
import { PROFILE_FIELDS, sourceOf, type ProfileField } from './user-facts.ts'

/** What a company added may be as long as it likes, and has no place to break. */
const BREAKING = { overflowWrap: 'anywhere' } as const

export function PersonProfile({
  user,
  connections,
  onDone,
}: {
  user: User
  connections: readonly Connection[]
  onDone: (text: string) => void
}) {
  const { t } = useTranslation('directory')
  return (
    <Row gutter={16}>
      <Col xs={24} xl={14}>
        <Section title={t('profile.fields')}>
          <Table
            size="small"
            pagination={false}
            rowKey="field"
            aria-label={t('profile.fields')}
            scroll={{ x: 480 }}
            dataSource={PROFILE_FIELDS.map((field) => ({ field }))}
            columns={[
              { title: t('profile.field'), width: 130, render: (_, { field }) => t(`field.${field}`) },
              { title: t('profile.value'), render: (_, { field }) => <Value user={user} field={field} /> },
              {
                title: t('profile.source'),
                width: 210,
                render: (_, { field }) => <SourceText user={user} field={field} connections={connections} />,
              },
            ]}
          />
          <Typography.Paragraph type="secondary" style={{ margin: '12px 0 0' }}>
            {t('profile.created')} <When at={user.createdAt} /> · {t('profile.updated')} <When at={user.updatedAt} />
          </Typography.Paragraph>
        </Section>
      </Col>
      <Col xs={24} xl={10}>
        <PersonDepartments user={user} onDone={onDone} />
        <Attributes attributes={user.attributes} />
      </Col>
    </Row>
  )
}

function Value({ user, field }: { user: User; field: ProfileField }) {
  const { t } = useTranslation('directory')
  switch (field) {
    case 'email':
      return (
        <>
          <Masked>{user.email}</Masked>{' '}
          {user.email !== null && (
            <Tag color={user.emailVerified ? 'success' : 'default'}>
              {t(user.emailVerified ? 'profile.verified' : 'profile.unverified')}
            </Tag>
          )}
        </>
      )
    case 'phone':
      return <Masked>{user.phone}</Masked>
    case 'gender':
      return user.gender === null ? '–' : t(`gender.${user.gender}`)
    case 'directLeader':
      return user.directLeaderUserId === null ? '–' : <Person id={user.directLeaderUserId} />
    case 'avatarUrl':
      // A text and no picture: the console asks no other host for anything.
      return user.avatarUrl === null ? '–' : <Address url={user.avatarUrl} />
    default:
      return <Name>{user[field] ?? '–'}</Name>
  }
}

function SourceText({
  user,
  field,
  connections,
}: {
  user: User
  field: ProfileField
  connections: readonly Connection[]
}) {
  const { t } = useTranslation('directory')
  const source = sourceOf(user, field)
  if (source === null) return null
  const linked = user.links[0]?.connectionId
  const connection = user.links.length === 1 ? connections.find(({ id }) => id === linked) : undefined
  return (
    <Typography.Text type="secondary">
      {t(`source.${source}`)}
      {source === 'wecom' && connection && (
        <>
          {' · '}
          <Name>{connection.displayName}</Name>
        </>
      )}
    </Typography.Text>
  )
}

function Address({ url }: { url: string }) {
  return (
    <Typography.Text copyable={{ text: url, tabIndex: 0 }} style={{ overflowWrap: 'anywhere' }}>
      <Name>{url}</Name>
    </Typography.Text>
  )
}

function Attributes({ attributes }: { attributes: User['attributes'] }) {
  const { t } = useTranslation('directory')
  const rows = Object.entries(attributes).map(([name, value]) => ({ name, value }))
  return (
    <Section title={t('profile.attributes')}>
      {rows.length === 0 ? (
        <Typography.Text type="secondary">{t('profile.noAttributes')}</Typography.Text>
      ) : (
        <Table
          size="small"
          pagination={false}
          rowKey="name"
          aria-label={t('profile.attributes')}
          tableLayout="fixed"
          dataSource={rows}
          columns={[
            {
              title: t('profile.attribute'),
              width: 140,
              onCell: () => ({ style: BREAKING }),
              render: (_, { name }) => <Name>{name}</Name>,
            },
            {
              title: t('profile.value'),
              onCell: () => ({ style: BREAKING }),
              render: (_, { value }) =>
                typeof value === 'string' ? (
                  <Masked>{value}</Masked>
                ) : (
                  <>
                    <Name>{value.title}</Name> <Address url={value.url} />
                  </>
                ),
            },
          ]}
        />
      )}
    </Section>
  )
}

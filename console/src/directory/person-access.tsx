/** How a person comes in: password, role, links to members of WeCom, and the browsers in which they are signed in. */
import {
  deleteLink,
  deleteUserSession,
  listUserSessions,
  type Connection,
  type Session,
  type User,
} from '@muster/contracts'
import { Link as PageLink } from '@tanstack/react-router'
import { Button, Descriptions, Popconfirm, Table, Typography, theme } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { ListTable } from '../design/list-table.tsx'
import { Name } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { Section } from '../design/section.tsx'
import { When } from '../design/when.tsx'
import { May, useSession } from '../shell/session.tsx'
import { NewLinkButton } from './new-link.tsx'
import { mayChange } from './user-facts.ts'

interface Props {
  user: User
  connections: readonly Connection[]
  onDone: (text: string) => void
}

export function PersonAccess(props: Props) {
  const { t } = useTranslation('directory')
  const { token } = theme.useToken()
  const { user } = props
  return (
    <>
      <Section title={t('access.account')}>
        <Descriptions
          size="small"
          column={{ xs: 1, md: 2 }}
          styles={{ label: { color: token.colorTextDescription } }}
          items={[
            {
              key: 'password',
              label: t('access.password'),
              children: t(
                !user.hasPassword
                  ? 'access.noPassword'
                  : user.mustChangePassword
                    ? 'access.mustChange'
                    : 'access.hasPassword',
              ),
            },
            {
              key: 'role',
              label: t('access.role'),
              children: (
                <span>
                  {t(user.role === null ? 'access.noRole' : `role.${user.role}`)}{' '}
                  <May role="owner">
                    <PageLink to="/settings" search={{ tab: 'administrators' }}>
                      {t('access.changeRole')}
                    </PageLink>
                  </May>
                </span>
              ),
            },
            { key: 'last', label: t('person.lastSignIn'), children: <When at={user.lastSignInAt} /> },
            {
              key: 'protection',
              label: t('access.protection'),
              children: t(user.breakGlass ? 'access.isProtected' : 'access.notProtected'),
            },
          ]}
        />
        <PageLink to="/sign-ins" search={{ userId: user.id }}>
          {t('access.signIns')}
        </PageLink>
      </Section>
      <Links {...props} />
      <Sessions {...props} />
    </>
  )
}

function useIsChangeable(user: User): boolean {
  const { data: session } = useSession()
  return session !== undefined && mayChange(user, session.role)
}

function Links({ user, connections, onDone }: Props) {
  const { t } = useTranslation('directory')
  const isChangeable = useIsChangeable(user)
  const remove = useAction(deleteLink, () => onDone(t('links.removed')))
  const nameOf = (id: string) => connections.find((connection) => connection.id === id)?.displayName ?? id
  return (
    <Section
      title={t('links.title')}
      extra={
        isChangeable &&
        user.status !== 'deleted' && <NewLinkButton user={user} connections={connections} onDone={onDone} />
      }
    >
      {remove.error && <ProblemAlert error={remove.error} />}
      <Table
        size="small"
        pagination={false}
        rowKey="id"
        aria-label={t('links.title')}
        scroll={{ x: 660 }}
        dataSource={user.links}
        locale={{ emptyText: t('links.none') }}
        columns={[
          {
            title: t('links.connection'),
            render: (_, { connectionId }) => (
              <PageLink to="/connections/$id" params={{ id: connectionId }}>
                <Name>{nameOf(connectionId)}</Name>
              </PageLink>
            ),
          },
          { title: 'userid', render: (_, { userid }) => <Name>{userid}</Name> },
          { title: 'CorpId', dataIndex: 'corpId' },
          {
            title: t('links.createdBy'),
            render: (_, { createdBy, createdAt }) => (
              <>
                {t(`links.by.${createdBy}`)}
                <div>
                  <Typography.Text type="secondary" style={{ fontSize: 12 }}>
                    <When at={createdAt} />
                  </Typography.Text>
                </div>
              </>
            ),
          },
          { title: t('person.lastSignIn'), render: (_, { lastSignInAt }) => <When at={lastSignInAt} /> },
          ...(isChangeable
            ? [
                {
                  title: <span className="visually-hidden">{t('links.remove')}</span>,
                  key: 'act',
                  render: (_: unknown, { id, userid }: User['links'][number]) => (
                    <Popconfirm
                      title={t('links.removeTitle', { userid })}
                      description={<div style={{ maxWidth: 320 }}>{t('links.removeWhy')}</div>}
                      okText={t('links.remove')}
                      okButtonProps={{ danger: true }}
                      onConfirm={() => remove.mutate({ params: { id } })}
                    >
                      <Button size="small" danger>
                        {t('links.remove')}
                      </Button>
                    </Popconfirm>
                  ),
                },
              ]
            : []),
        ]}
      />
    </Section>
  )
}

function Sessions({ user, connections, onDone }: Props) {
  const { t } = useTranslation('directory')
  const isChangeable = useIsChangeable(user)
  const end = useAction(deleteUserSession, () => onDone(t('sessions.ended')))
  const nameOf = (id: string | null) => connections.find((connection) => connection.id === id)?.displayName
  return (
    <Section title={t('sessions.title')}>
      {end.error && <ProblemAlert error={end.error} />}
      <ListTable
        endpoint={listUserSessions}
        request={{ params: { id: user.id } }}
        label={t('sessions.title')}
        width={860}
        height={320}
        empty={t('sessions.none')}
        columns={[
          {
            title: t('sessions.browser'),
            render: (_, { userAgent, address }: Session) => (
              <>
                <Typography.Text style={{ maxWidth: 300 }} ellipsis={{ tooltip: userAgent ?? '' }}>
                  <Name>{userAgent ?? '–'}</Name>
                </Typography.Text>
                <div>
                  <Typography.Text type="secondary">{address ?? '–'}</Typography.Text>
                </div>
              </>
            ),
          },
          {
            title: t('sessions.door'),
            width: 180,
            render: (_, { door, connectionId }: Session) => (
              <>
                {t(`door.${door}`)}
                {nameOf(connectionId) !== undefined && (
                  <div>
                    <Typography.Text type="secondary">
                      <Name>{nameOf(connectionId)}</Name>
                    </Typography.Text>
                  </div>
                )}
              </>
            ),
          },
          { title: t('sessions.since'), width: 150, render: (_, { createdAt }: Session) => <When at={createdAt} /> },
          {
            title: t('sessions.lastSeen'),
            width: 150,
            render: (_, { lastSeenAt }: Session) => <When at={lastSeenAt} />,
          },
          ...(isChangeable
            ? [
                {
                  title: <span className="visually-hidden">{t('sessions.end')}</span>,
                  key: 'act',
                  width: 110,
                  render: (_: unknown, { id }: Session) => (
                    <Popconfirm
                      title={t('sessions.endTitle')}
                      description={<div style={{ maxWidth: 320 }}>{t('sessions.endWhy')}</div>}
                      okText={t('sessions.end')}
                      okButtonProps={{ danger: true }}
                      onConfirm={() => end.mutate({ params: { id: user.id, sessionId: id } })}
                    >
                      <Button size="small" danger>
                        {t('sessions.end')}
                      </Button>
                    </Popconfirm>
                  ),
                },
              ]
            : []),
        ]}
      />
    </Section>
  )
}

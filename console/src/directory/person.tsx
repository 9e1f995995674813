/** One person: who they are and who says so, how they come in, what happened to them, and what sync would do now. */
import { getUser, listConnections, type User } from '@muster/contracts'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Alert, Flex, Skeleton, Tabs, Tag, Typography, message } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { momentText, When } from '../design/when.tsx'
import { Explain } from './explain.tsx'
import { PersonAccess } from './person-access.tsx'
import { PersonActs } from './person-acts.tsx'
import { PersonProfile } from './person-profile.tsx'
import { PersonTimeline } from './person-timeline.tsx'
import { restorableUntil } from './user-facts.ts'
import { OriginTag, UserStatusTag } from './user-status.tsx'

export function Person() {
  const { t } = useTranslation('directory')
  const { id } = useParams({ from: '/inside/people/$id' })
  const search = useSearch({ from: '/inside/people/$id' })
  const navigate = useNavigate()
  const user = useRead(getUser, { params: { id } })
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const [messages, contextHolder] = message.useMessage()
  if (user.error) {
    return (
      <Page title={t('person.title')}>
        <ProblemAlert error={user.error} onRetry={() => void user.refetch()} />
      </Page>
    )
  }
  if (user.data === undefined) {
    return (
      <Page title={t('person.title')}>
        <Skeleton active />
      </Page>
    )
  }
  const person = user.data
  const known = connections.data?.items ?? []
  const done = (text: string) => void messages.success(text)
  return (
    <Page
      title={nameText(person.displayName)}
      heading={<Name>{person.displayName}</Name>}
      actions={<PersonActs user={person} onDone={done} />}
    >
      {contextHolder}
      <Marks user={person} />
      <Circumstances user={person} />
      <Tabs
        activeKey={search.tab ?? 'profile'}
        destroyOnHidden
        onChange={(tab) =>
          void navigate({
            to: '/people/$id',
            params: { id },
            search: tab === 'profile' ? {} : { tab: tab as NonNullable<typeof search.tab> },
            replace: true,
          })
        }
        items={[
          {
            key: 'profile',
            label: t('person.profile'),
            children: <PersonProfile user={person} connections={known} onDone={done} />,
          },
          {
            key: 'access',
            label: t('person.access'),
            children: <PersonAccess user={person} connections={known} onDone={done} />,
          },
          {
            key: 'timeline',
            label: t('person.timeline'),
            children: <PersonTimeline userId={id} connections={known} q={search.q ?? ''} />,
          },
          {
            key: 'explain',
            label: t('person.explain'),
            children: <Explain key={id} user={person} connections={known} />,
          },
        ]}
      />
    </Page>
  )
}

function Marks({ user }: { user: User }) {
  const { t } = useTranslation('directory')
  return (
    <Flex gap={8} wrap align="center" style={{ marginBlockEnd: 16 }}>
      <Typography.Text type="secondary">
        <Name>{user.username}</Name>
      </Typography.Text>
      <UserStatusTag user={user} />
      <OriginTag user={user} />
      {user.role !== null && <Tag color="blue">{t(`role.${user.role}`)}</Tag>}
      {user.breakGlass && <Tag color="gold">{t('protection.tag')}</Tag>}
      <Typography.Text type="secondary">
        {t('person.lastSignIn')} <When at={user.lastSignInAt} />
      </Typography.Text>
      <Typography.Text type="secondary" copyable={{ text: user.id, tabIndex: 0 }}>
        {t('person.id')} <code>{user.id}</code>
      </Typography.Text>
    </Flex>
  )
}

/** What the status means for this person, and the next step. */
function Circumstances({ user }: { user: User }) {
  const { t } = useTranslation('directory')
  const style = { marginBlockEnd: 16 }
  if (user.status === 'deleted') {
    const until = restorableUntil(user)
    return (
      <Alert
        type="warning"
        showIcon
        style={style}
        title={t('circumstances.deleted')}
        description={t('circumstances.deletedWhy', { until: until === null ? '' : momentText(until) })}
      />
    )
  }
  if (user.status === 'disabled') {
    const by = user.disabledBy ?? 'administrator'
    return (
      <Alert
        type="info"
        showIcon
        style={style}
        title={t(`circumstances.disabled.${by}`)}
        description={t(`circumstances.disabledWhy.${by}`)}
      />
    )
  }
  return null
}

/** The first page: what needs a person, how the connections are, and the last weeks in numbers. */
import { getOverview, type Overview as Data } from '@muster/contracts'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Col, Empty, Flex, Row, Skeleton, Space, Statistic } from 'antd'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Page } from '../design/page.tsx'
import { Panel } from '../design/panel.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { numberText } from '../design/when.tsx'
import { May } from '../shell/session.tsx'
import { AttentionList } from './attention.tsx'
import { ConnectionCards } from './connection-cards.tsx'

/** The page says what is urgent before it has drawn anything. */
const Charts = lazy(async () => ({ default: (await import('./charts.tsx')).Charts }))

const REFRESH_MS = 30_000

export function Overview() {
  const { t } = useTranslation('overview')
  const { days = 30 } = useSearch({ from: '/inside/' })
  const navigate = useNavigate()
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const overview = useRead(getOverview, { query: { days, timeZone } }, { refetchInterval: REFRESH_MS })

  return (
    <Page
      title={t('title')}
      actions={
        <Space.Compact role="group" aria-label={t('days.label')}>
          {([30, 90] as const).map((count) => (
            <Button
              key={count}
              type={count === days ? 'primary' : 'default'}
              aria-pressed={count === days}
              onClick={() => void navigate({ to: '/', search: { days: count }, replace: true })}
            >
              {t(`days.${count}`)}
            </Button>
          ))}
        </Space.Compact>
      }
    >
      {overview.error && <ProblemAlert error={overview.error} onRetry={() => void overview.refetch()} />}
      {overview.isPending && <Skeleton active />}
      {overview.data && (
        <Flex vertical gap={16}>
          {overview.data.connections.length === 0 && <NothingYet />}
          <AttentionList attention={overview.data.attention} />
          <ConnectionCards connections={overview.data.connections} />
          <Numbers data={overview.data} />
          <Suspense fallback={<Skeleton active />}>
            <Charts data={overview.data} />
          </Suspense>
        </Flex>
      )}
    </Page>
  )
}

function NothingYet() {
  const { t } = useTranslation('overview')
  return (
    <Panel>
      <Empty
        image={Empty.PRESENTED_IMAGE_SIMPLE}
        description={
          <>
            <strong>{t('nothing.title')}</strong>
            <p>{t('nothing.why')}</p>
          </>
        }
      >
        <May role="owner">
          <Link to="/connections/new">
            <Button type="primary">{t('nothing.go')}</Button>
          </Link>
        </May>
      </Empty>
    </Panel>
  )
}

function Numbers({ data: { users, departments } }: { data: Data }) {
  const { t } = useTranslation('overview')
  const numbers = [
    [t('numbers.active'), users.active],
    [t('numbers.disabled'), users.disabled],
    [t('numbers.builtIn'), users.builtIn],
    [t('numbers.deleted'), users.deleted],
    [t('numbers.departments'), departments],
  ] as const
  return (
    <Panel title={t('numbers.title')}>
      <Row gutter={[16, 16]}>
        {numbers.map(([title, value]) => (
          <Col key={title} flex="1 0 130px">
            <Statistic title={title} value={value} formatter={() => numberText(value)} />
          </Col>
        ))}
      </Row>
    </Panel>
  )
}

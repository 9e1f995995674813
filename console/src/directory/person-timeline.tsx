/** What happened to a person, newest first: what runs did and decided against, what administrators did, how they came in. */
import { getUserTimeline, type Connection, type TimelineEntry } from '@muster/contracts'
import { SearchOutlined } from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Button, Empty, Flex, Input, Skeleton, Tag, Timeline, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useList } from '../api.ts'
import { Name } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { numberText, When } from '../design/when.tsx'
import { Differences } from './differences.tsx'
import { useTyping } from './typing.ts'

const COLOURS = {
  read: 'gray',
  scope: 'gray',
  match: 'blue',
  decide: 'orange',
  write: 'green',
  sign_in: 'cyan',
  administration: 'blue',
} as const satisfies Record<TimelineEntry['kind'], string>

const PAGE = 30

export function PersonTimeline({
  userId,
  connections,
  q,
}: {
  userId: string
  connections: readonly Connection[]
  q: string
}) {
  const { t } = useTranslation('directory')
  const navigate = useNavigate()
  const [typed, setTyped] = useTyping(q, (text) => {
    const search = { tab: 'timeline' as const, ...(text === '' ? {} : { q: text }) }
    void navigate({ to: '/people/$id', params: { id: userId }, search, replace: true })
  })
  const list = useList(
    getUserTimeline,
    { params: { id: userId }, ...(q === '' ? {} : { query: { q } }) },
    { limit: PAGE },
  )
  const entries = list.data?.pages.flatMap((page) => page.items) ?? []
  const total = list.data?.pages.at(-1)?.total ?? 0
  return (
    <>
      <Input
        type="search"
        allowClear
        prefix={<SearchOutlined aria-hidden />}
        value={typed}
        placeholder={t('timeline.search')}
        aria-label={t('timeline.search')}
        style={{ maxWidth: 360, marginBlockEnd: 16 }}
        onChange={({ target }) => setTyped(target.value)}
      />
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <Skeleton active />}
      {list.data && entries.length === 0 && (
        <Empty
          image={Empty.PRESENTED_IMAGE_SIMPLE}
          description={t(q === '' ? 'timeline.none' : 'timeline.nothingFits')}
        />
      )}
      <Timeline
        items={entries.map((entry) => ({
          key: entry.id,
          color: COLOURS[entry.kind],
          content: <Entry entry={entry} connections={connections} />,
        }))}
      />
      {entries.length > 0 && (
        <Flex justify="space-between" align="center">
          <Typography.Text type="secondary" aria-live="polite">
            {t('timeline.shown', { shown: numberText(entries.length), total: numberText(total) })}
          </Typography.Text>
          {list.hasNextPage && (
            <Button loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t('timeline.older')}
            </Button>
          )}
        </Flex>
      )}
    </>
  )
}

function Entry({ entry, connections }: { entry: TimelineEntry; connections: readonly Connection[] }) {
  const { t } = useTranslation('directory')
  const { at, kind, summary, runId, connectionId, before, after } = entry
  const connection = connections.find(({ id }) => id === connectionId)
  return (
    <>
      <Flex gap={8} wrap align="center">
        <Typography.Text type="secondary">
          <When at={at} />
        </Typography.Text>
        <Tag>{t(`timeline.kind.${kind}`)}</Tag>
        {connection && (
          <Typography.Text type="secondary">
            <Name>{connection.displayName}</Name>
          </Typography.Text>
        )}
        {runId !== null && (
          <Link to="/runs/$id" params={{ id: runId }}>
            {t('timeline.run')}
          </Link>
        )}
      </Flex>
      <div style={{ overflowWrap: 'anywhere' }}>
        <Name>{summary}</Name>
      </div>
      {(before !== null || after !== null) && (
        <details>
          <summary>{t('timeline.details')}</summary>
          <Differences before={before} after={after} />
        </details>
      )}
    </>
  )
}

/** Members about whom sync is not sure, each with the evidence side by side and what a person can decide. */
import { getReview, listConnections, listReviews, ReviewReason, ReviewState, type Review } from '@muster/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Collapse, Empty, Flex, Input, Skeleton, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useList, useRead } from '../api.ts'
import { ConnectionFilter } from '../design/connection-filter.tsx'
import { Filter } from '../design/filter.tsx'
import { Name } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { Section } from '../design/section.tsx'
import { numberText, When } from '../design/when.tsx'
import { withoutAbsent } from '../search-parameters.ts'
import { ReviewDetails } from './details.tsx'
import type { ReviewsSearch } from './search.ts'

const PAGE = 50

export function Reviews() {
  const { t } = useTranslation(['reviews', 'design'])
  const search = useSearch({ from: '/inside/reviews' })
  const navigate = useNavigate()
  const go = (wanted: ReviewsSearch) =>
    void navigate({ to: '/reviews', search: wanted, replace: true, resetScroll: false })
  const { review: unfolded, state = 'open', ...filters } = search
  const list = useList(listReviews, { query: { ...filters, ...(state === 'all' ? {} : { state }) } }, { limit: PAGE })
  const reviews = list.data?.pages.flatMap(({ items }) => items) ?? []
  const total = list.data?.pages.at(-1)?.total ?? 0
  const isElsewhere = unfolded !== undefined && list.data !== undefined && !reviews.some(({ id }) => id === unfolded)
  const isFiltered = search.state !== undefined || Object.keys(filters).length > 0

  return (
    <Page title={t('title')}>
      <Typography.Paragraph type="secondary">{t('intro')}</Typography.Paragraph>
      <Filters search={search} go={go} />
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      {isElsewhere && <LinkedReview id={unfolded} />}
      {list.isPending && <Skeleton active />}
      {list.data !== undefined && reviews.length === 0 && !isElsewhere && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t(isFiltered ? 'noMatch' : 'none')} />
      )}
      {reviews.length > 0 && (
        <Collapse
          destroyOnHidden
          activeKey={unfolded ?? []}
          // One at a time, so that the address can name it.
          onChange={(keys) => go(withoutAbsent({ ...search, review: keys.find((key) => key !== unfolded) }))}
          items={reviews.map((review) => ({
            key: review.id,
            label: <Heading review={review} />,
            children: <ReviewDetails review={review} />,
          }))}
        />
      )}
      {list.data !== undefined && reviews.length > 0 && (
        <Flex justify="space-between" align="center" style={{ marginBlockStart: 8, minHeight: 32 }}>
          <Typography.Text type="secondary" aria-live="polite">
            {t('shown', { ns: 'design', shown: numberText(reviews.length), total: numberText(total) })}
          </Typography.Text>
          {list.hasNextPage && (
            <Button loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {t('more', { ns: 'design' })}
            </Button>
          )}
        </Flex>
      )}
    </Page>
  )
}

function Filters({ search, go }: { search: ReviewsSearch; go: (wanted: ReviewsSearch) => void }) {
  const { t } = useTranslation('reviews')
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const filter = (change: { [Name in keyof ReviewsSearch]: ReviewsSearch[Name] | undefined }) =>
    go(withoutAbsent({ ...search, review: undefined, ...change }))
  return (
    <Flex gap={8} wrap style={{ marginBlockEnd: 16 }}>
      <Input.Search
        key={search.q ?? ''}
        allowClear
        defaultValue={search.q ?? ''}
        placeholder={t('search')}
        aria-label={t('search')}
        style={{ width: 220 }}
        onSearch={(q) => filter({ q: q === '' ? undefined : q })}
      />
      <Filter
        label={t('filter.state')}
        all={t('filter.anyState')}
        value={search.state === 'all' ? undefined : (search.state ?? 'open')}
        options={ReviewState.options.map((value) => ({ value, label: t(`state.${value}`) }))}
        onChange={(state) => filter({ state: state === 'open' ? undefined : (state ?? 'all') })}
      />
      <Filter
        label={t('filter.reason')}
        all={t('filter.anyReason')}
        width={230}
        value={search.reason}
        options={ReviewReason.options.map((value) => ({ value, label: t(`reason.${value}`) }))}
        onChange={(reason) => filter({ reason })}
      />
      <ConnectionFilter
        label={t('filter.connection')}
        all={t('filter.anyConnection')}
        connections={connections.data?.items ?? []}
        wanted={search.connection}
        onChange={(connection) => filter({ connection })}
      />
      {Object.keys(search).some((name) => name !== 'review') && (
        <Button type="text" onClick={() => go({})}>
          {t('filter.clear')}
        </Button>
      )}
    </Flex>
  )
}

const COLOURS = {
  open: 'warning',
  linked: 'success',
  created: 'success',
  ignored: 'default',
  outdated: 'default',
} as const

function Heading({ review: { memberName, userid, reason, state, createdAt } }: { review: Review }) {
  const { t } = useTranslation('reviews')
  return (
    <Flex gap={8} wrap align="center" justify="space-between">
      <Flex gap={8} wrap align="center">
        <strong>
          <Name>{memberName}</Name>
        </strong>
        {userid !== memberName && (
          <Typography.Text type="secondary">
            <Name>{userid}</Name>
          </Typography.Text>
        )}
        <Tag>{t(`reason.${reason}`)}</Tag>
      </Flex>
      <Flex gap={8} wrap align="center">
        <Typography.Text type="secondary">
          <When at={createdAt} />
        </Typography.Text>
        <Tag color={COLOURS[state]}>{t(`state.${state}`)}</Tag>
      </Flex>
    </Flex>
  )
}

/** Somebody followed a link to a review that the filters do not show. */
function LinkedReview({ id }: { id: string }) {
  const { t } = useTranslation('reviews')
  const { data, error } = useRead(getReview, { params: { id } })
  if (error) return <ProblemAlert error={error} />
  if (data === undefined) return <Skeleton active />
  return (
    <Section title={t('linkedHere')}>
      <Heading review={data} />
      <div style={{ marginBlockStart: 16 }}>
        <ReviewDetails review={data} />
      </div>
    </Section>
  )
}

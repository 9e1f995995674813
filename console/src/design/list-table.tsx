/**
 * The table of a list that may be long: only rows in sight are in the page, and the next ones are asked for before the end
 * is reached. Says how many there are, what went wrong, and what to do when there is nothing.
 */
import type { Endpoint, Sent } from '@muster/contracts'
import { Button, Empty, Flex, Table, Typography } from 'antd'
import type { TableProps } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useList, type ItemOf } from '../api.ts'
import { ProblemAlert } from './problem.tsx'
import { numberText } from './when.tsx'

/** More than that are long; what fits is better as a real table, for screen readers. */
const LONG = 100
/** How near to the end, in pixels, the next page is asked for. */
const NEAR_END = 600

export function ListTable<const E extends Endpoint>({
  endpoint,
  request,
  label,
  rowKey = 'id',
  columns,
  height = 560,
  width = 900,
  empty,
  onRow,
  refetchInterval,
}: {
  endpoint: E
  /** Without limit and cursor. */
  request: Sent<E>
  /** What the table lists, for who cannot see it. */
  label: string
  rowKey?: string
  columns: NonNullable<TableProps<ItemOf<E>>['columns']>
  /** Of the body of a long list, in pixels. */
  height?: number
  /** In pixels; narrower screens scroll sideways. */
  width?: number
  /** What it means that there is nothing, and the next step. */
  empty?: ReactNode
  onRow?: TableProps<ItemOf<E>>['onRow']
  /** When to look again, in milliseconds, by what is shown. */
  refetchInterval?: (shown: readonly ItemOf<E>[]) => number | false
}) {
  const { t } = useTranslation('design')
  const list = useList(endpoint, request, refetchInterval === undefined ? {} : { refetchInterval })
  const items = list.data?.pages.flatMap((page) => page.items) ?? []
  const total = list.data?.pages.at(-1)?.total
  // Of a long list only the rows in sight are in the page, from the first one on: it must not jump when more are there.
  const isLong = (total ?? 0) > LONG
  const loadMore = () => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  }
  if (list.error && items.length === 0) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />
  return (
    <>
      {list.error && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      <Table<ItemOf<E>>
        aria-label={label}
        virtual={isLong}
        size="middle"
        rowKey={rowKey}
        columns={columns}
        dataSource={items}
        loading={list.isPending}
        showHeader={items.length > 0}
        pagination={false}
        // Nothing to scroll to in an empty one, and nothing that the keyboard could reach it by.
        scroll={{ ...(items.length === 0 ? {} : { x: width }), ...(isLong ? { y: height } : {}) }}
        locale={{
          emptyText: list.isPending ? (
            <span>{t('loading')}</span>
          ) : (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty ?? t('none')} />
          ),
        }}
        {...(onRow === undefined ? {} : { onRow })}
        onScroll={({ currentTarget }) => {
          const { scrollTop, scrollHeight, clientHeight } = currentTarget
          if (scrollHeight - scrollTop - clientHeight < NEAR_END) loadMore()
        }}
      />
      {total !== undefined && (
        <Flex justify="space-between" align="center" style={{ marginBlockStart: 8, minHeight: 32 }}>
          <Typography.Text type="secondary" aria-live="polite">
            {t('shown', { shown: numberText(items.length), total: numberText(total) })}
          </Typography.Text>
          {list.hasNextPage && (
            <Button onClick={loadMore} loading={list.isFetchingNextPage}>
              {t('more')}
            </Button>
          )}
        </Flex>
      )}
    </>
  )
}

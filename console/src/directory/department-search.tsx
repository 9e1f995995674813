/** The search over the tree: while there is a text, what fits is shown in the tree's place, each with its path. */
import { listDepartments } from '@muster/contracts'
import { SearchOutlined } from '@ant-design/icons'
import { Button, Flex, Input, Typography } from 'antd'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useList } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { numberText } from '../design/when.tsx'
import { PlacedDepartment } from './department-path.tsx'
import { useTyping } from './typing.ts'

const PAGE = 20

export function DepartmentSearch({
  organizationId,
  selected,
  height,
  children,
  onSelect,
}: {
  organizationId: string
  selected: string | null
  height: number
  /** What is shown while nobody searches. */
  children: ReactNode
  onSelect: (id: string) => void
}) {
  const { t } = useTranslation('directory')
  const [q, setQ] = useState('')
  const [typed, setTyped] = useTyping(q, setQ)
  return (
    <>
      <Input
        type="search"
        allowClear
        prefix={<SearchOutlined aria-hidden />}
        value={typed}
        placeholder={t('tree.search')}
        aria-label={t('tree.search')}
        style={{ marginBlockEnd: 8 }}
        onChange={({ target }) => setTyped(target.value)}
      />
      {q === '' ? (
        children
      ) : (
        <Found
          organizationId={organizationId}
          q={q}
          selected={selected}
          height={height}
          onSelect={(id) => {
            setQ('')
            onSelect(id)
          }}
        />
      )}
    </>
  )
}

function Found({
  organizationId,
  q,
  selected,
  height,
  onSelect,
}: {
  organizationId: string
  q: string
  selected: string | null
  height: number
  onSelect: (id: string) => void
}) {
  const { t } = useTranslation('directory')
  const found = useList(listDepartments, { query: { organizationId, q } }, { limit: PAGE })
  const items = found.data?.pages.flatMap((page) => page.items) ?? []
  const total = found.data?.pages.at(-1)?.total ?? 0
  if (found.error) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />
  return (
    <div style={{ height, overflow: 'auto' }}>
      <Typography.Text type="secondary" aria-live="polite">
        {found.isPending ? t('tree.loading') : t('tree.found', { total: numberText(total) })}
      </Typography.Text>
      <Flex component="ul" vertical style={{ listStyle: 'none', padding: 0, margin: 0 }}>
        {items.map(({ id, name, parentId }) => (
          <li key={id}>
            <Button
              type={id === selected ? 'default' : 'text'}
              block
              style={{ height: 'auto', paddingBlock: 6, textAlign: 'start', justifyContent: 'flex-start' }}
              onClick={() => onSelect(id)}
            >
              <PlacedDepartment id={id} name={name} hasParent={parentId !== null} />
            </Button>
          </li>
        ))}
      </Flex>
      {found.hasNextPage && (
        <Button block type="link" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          {t('tree.more')}
        </Button>
      )}
    </div>
  )
}

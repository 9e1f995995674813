/** What narrows the list of people. All of it stands in the address. */
import type { Connection } from '@muster/contracts'
import { SearchOutlined } from '@ant-design/icons'
import { Checkbox, Flex, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import { Filter } from '../design/filter.tsx'
import { nameText } from '../design/name.tsx'
import type { PeopleSearch } from './people-search.ts'
import { useTyping } from './typing.ts'

export function PeopleFilters({
  search,
  connections,
  onChange,
}: {
  search: PeopleSearch
  connections: readonly Connection[]
  onChange: (part: PeopleSearch) => void
}) {
  const { t } = useTranslation('directory')
  return (
    <Flex gap={8} wrap align="center" style={{ marginBlockEnd: 12 }}>
      <SearchBox q={search.q ?? ''} onChange={(q) => onChange({ q })} />
      <Filter
        label={t('filter.status')}
        width={125}
        all={t('filter.anyStatus')}
        value={search.status}
        options={(['active', 'disabled', 'deleted'] as const).map((value) => ({ value, label: t(`status.${value}`) }))}
        onChange={(status) => onChange({ status })}
      />
      <Filter
        label={t('filter.origin')}
        width={125}
        all={t('filter.anyOrigin')}
        value={search.origin}
        options={(['wecom', 'built_in'] as const).map((value) => ({ value, label: t(`origin.${value}`) }))}
        onChange={(origin) => onChange({ origin })}
      />
      {connections.length > 0 && (
        <Filter
          label={t('filter.connection')}
          width={155}
          all={t('filter.anyConnection')}
          value={search.connection}
          options={connections.map(({ id, displayName }) => ({ value: id as string, label: nameText(displayName) }))}
          onChange={(connection) => onChange({ connection })}
        />
      )}
      {search.department !== undefined && (
        <Checkbox
          checked={search.direct !== true}
          onChange={({ target }) => onChange({ direct: target.checked ? undefined : true })}
        >
          {t('filter.nested')}
        </Checkbox>
      )}
    </Flex>
  )
}

function SearchBox({ q, onChange }: { q: string; onChange: (q: string | undefined) => void }) {
  const { t } = useTranslation('directory')
  const [typed, setTyped] = useTyping(q, (text) => onChange(text === '' ? undefined : text))
  return (
    <Input
      type="search"
      allowClear
      prefix={<SearchOutlined aria-hidden />}
      value={typed}
      placeholder={t('filter.search')}
      aria-label={t('filter.search')}
      style={{ flex: '1 1 220px', maxWidth: 360 }}
      onChange={({ target }) => setTyped(target.value)}
    />
  )
}

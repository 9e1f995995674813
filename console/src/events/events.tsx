/** What WeCom told us through callbacks, newest first, with what became of each; one of them in full beside the list. */
import { EventState, listConnections, listEvents, type Event } from '@muster/contracts'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Flex, Input, Typography } from 'antd'
import type { TableProps } from 'antd'
import dayjs from 'dayjs'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { ConnectionFilter } from '../design/connection-filter.tsx'
import { Day } from '../design/day.tsx'
import { Filter } from '../design/filter.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { numberText, When } from '../design/when.tsx'
import { withoutAbsent } from '../search-parameters.ts'
import { EventDrawer } from './details.tsx'
import { EventStateTag, WhatBecame } from './event-state.tsx'
import { isUnderWay } from './outcome.ts'
import type { EventsSearch } from './search.ts'
import { EVENT_TYPES, useEventWords } from './event-words.ts'

const SOON_MS = 2_000
const LATER_MS = 5_000

export function Events() {
  const { t } = useTranslation('events')
  const search = useSearch({ from: '/inside/events' })
  const navigate = useNavigate()
  const { typeWord, objectWord } = useEventWords()
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const known = connections.data?.items ?? []
  const nameOf = new Map<string, string>(known.map(({ id, displayName }) => [id, displayName]))
  // A company's own app has only the one.
  const withCorps = new Set<string>(known.filter(({ kind }) => kind !== 'self_built').map(({ id }) => id))
  const { event: shown, from, to, ...filters } = search
  const isFiltered = Object.keys(search).some((name) => name !== 'event')
  const go = (change: { [Name in keyof EventsSearch]: EventsSearch[Name] | undefined }) =>
    void navigate({
      to: '/events',
      search: withoutAbsent({ ...search, ...change }),
      replace: true,
      resetScroll: false,
    })
  const query = {
    ...filters,
    ...(from === undefined ? {} : { from: dayjs(from).startOf('day').toISOString() }),
    ...(to === undefined ? {} : { to: dayjs(to).add(1, 'day').startOf('day').toISOString() }),
  }

  const columns: NonNullable<TableProps<Event>['columns']> = [
    {
      title: t('column.received'),
      key: 'received',
      width: 175,
      render: (_, { receivedAt }) => <When at={receivedAt} />,
    },
    {
      title: t('column.what'),
      key: 'what',
      width: 260,
      render: (_, { id, type, object }) => {
        const word = typeWord(type)
        return (
          <>
            <Link
              to="/events"
              search={{ ...search, event: id }}
              replace
              resetScroll={false}
              aria-label={t('details.open', {
                what: nameText(object === null ? word : `${word} ${objectWord(object)}`),
              })}
            >
              {word}
            </Link>
            {object !== null && (
              <div style={{ overflowWrap: 'anywhere' }}>
                <Name>{objectWord(object)}</Name>
              </div>
            )}
          </>
        )
      },
    },
    {
      title: t('column.connection'),
      key: 'connection',
      width: 200,
      render: (_, { connectionId, corpId }) => (
        <>
          <Name>{nameOf.get(connectionId) ?? '–'}</Name>
          {corpId !== null && withCorps.has(connectionId) && (
            <div>
              <Typography.Text type="secondary">
                <code style={{ overflowWrap: 'anywhere' }}>{corpId}</code>
              </Typography.Text>
            </div>
          )}
        </>
      ),
    },
    {
      title: t('column.state'),
      key: 'state',
      width: 150,
      render: (_, { state }) => <EventStateTag state={state} />,
    },
    { title: t('column.outcome'), key: 'outcome', width: 290, render: (_, event) => <WhatBecame event={event} /> },
    {
      title: t('column.attempts'),
      key: 'attempts',
      width: 100,
      align: 'end',
      render: (_, { attempts }) => numberText(attempts),
    },
  ]

  return (
    <Page title={t('title')}>
      <Typography.Paragraph type="secondary" style={{ maxWidth: 900 }}>
        {t('intro')}
      </Typography.Paragraph>
      <Flex gap={8} wrap style={{ marginBlockEnd: 16 }}>
        <Input.Search
          key={search.q ?? ''}
          allowClear
          defaultValue={search.q ?? ''}
          placeholder={t('search')}
          aria-label={t('search')}
          style={{ width: 230 }}
          onSearch={(q) => go({ q: q === '' ? undefined : q })}
        />
        <Filter
          label={t('filter.state')}
          all={t('filter.anyState')}
          value={search.state}
          options={EventState.options.map((value) => ({ value, label: t(`state.${value}`) }))}
          onChange={(state) => go({ state })}
        />
        <Filter
          label={t('filter.type')}
          all={t('filter.anyType')}
          value={search.type}
          options={typeOptions(search.type).map((value) => ({ value, label: typeWord(value) }))}
          onChange={(type) => go({ type })}
        />
        <ConnectionFilter
          label={t('filter.connection')}
          all={t('filter.anyConnection')}
          connections={known}
          wanted={search.connection}
          onChange={(connection) => go({ connection })}
        />
        <Day label={t('from')} value={from} onChange={(day) => go({ from: day })} />
        <Day label={t('to')} value={to} onChange={(day) => go({ to: day })} />
        {isFiltered && (
          <Button
            type="text"
            onClick={() => void navigate({ to: '/events', search: withoutAbsent({ event: shown }), replace: true })}
          >
            {t('clear')}
          </Button>
        )}
      </Flex>
      <ListTable
        endpoint={listEvents}
        request={{ query }}
        label={t('label')}
        columns={columns}
        width={1175}
        refetchInterval={(items) => (items.some(isUnderWay) ? SOON_MS : LATER_MS)}
        empty={<Nothing isFiltered={isFiltered} />}
      />
      <EventDrawer id={shown} nameOf={nameOf} onClose={() => go({ event: undefined })} />
    </Page>
  )
}

/** A link may name one that this version has no words for. */
function typeOptions(chosen: string | undefined): readonly string[] {
  return chosen === undefined || EVENT_TYPES.some((type) => type === chosen) ? EVENT_TYPES : [...EVENT_TYPES, chosen]
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  const { t } = useTranslation('events')
  if (isFiltered) return t('noMatch')
  return (
    <>
      <div>{t('none')}</div>
      <Link to="/connections">{t('setUp')}</Link>
    </>
  )
}

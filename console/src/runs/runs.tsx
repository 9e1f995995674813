/** The runs of all connections, newest first, by connection, result and trigger; and the way to start one. */
import { listAllRuns, listConnections, RunState, RunTrigger, type Connection, type Run } from '@muster/contracts'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Flex, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { ConnectionFilter } from '../design/connection-filter.tsx'
import { Filter } from '../design/filter.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { StatusTag } from '../design/status.tsx'
import { durationText, numberText, When } from '../design/when.tsx'
import { withoutAbsent } from '../search-parameters.ts'
import { May } from '../shell/session.tsx'
import { totalOf } from './counters-of.ts'
import type { RunsSearch } from './search.ts'
import { StartRun } from './start-run.tsx'
import { heldRemovals } from './stages.ts'

const WHILE_RUNNING_MS = 2_000

export function Runs() {
  const { t } = useTranslation(['runs', 'design'])
  const search = useSearch({ from: '/inside/runs' })
  const navigate = useNavigate()
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const known = new Map<string, Connection>(connections.data?.items.map((connection) => [connection.id, connection]))
  const isFiltered = Object.keys(search).length > 0
  const filter = (change: { [Name in keyof RunsSearch]: RunsSearch[Name] | undefined }) =>
    void navigate({ to: '/runs', search: withoutAbsent({ ...search, ...change }), replace: true })

  return (
    <Page
      title={t('list.title')}
      actions={
        <May role="operator">
          <StartRun {...withoutAbsent({ connection: search.connection })} />
        </May>
      }
    >
      <Flex gap={8} wrap style={{ marginBlockEnd: 16 }}>
        <ConnectionFilter
          label={t('list.connection')}
          all={t('list.anyConnection')}
          connections={connections.data?.items ?? []}
          wanted={search.connection}
          onChange={(connection) => filter({ connection })}
        />
        <Filter
          label={t('list.state')}
          all={t('list.anyState')}
          value={search.state}
          options={RunState.options.map((value) => ({ value, label: t(`status.${value}`, { ns: 'design' }) }))}
          onChange={(state) => filter({ state })}
        />
        <Filter
          label={t('list.trigger')}
          all={t('list.anyTrigger')}
          value={search.trigger}
          options={RunTrigger.options.map((value) => ({ value, label: t(`trigger.${value}`) }))}
          onChange={(trigger) => filter({ trigger })}
        />
        {isFiltered && (
          <Button type="text" onClick={() => void navigate({ to: '/runs', search: {}, replace: true })}>
            {t('list.clear')}
          </Button>
        )}
      </Flex>
      <ListTable
        endpoint={listAllRuns}
        request={{ query: search }}
        label={t('list.label')}
        width={1040}
        columns={columns(t, known)}
        refetchInterval={(shown) => (shown.some(({ state }) => state === 'running') ? WHILE_RUNNING_MS : false)}
        empty={<Nothing isFiltered={isFiltered} isConnected={connections.data?.total !== 0} />}
      />
    </Page>
  )
}

function columns(
  t: ReturnType<typeof useTranslation<['runs', 'design']>>['t'],
  known: ReadonlyMap<string, Connection>,
) {
  return [
    {
      title: t('list.started'),
      key: 'started',
      width: 190,
      render: (_: unknown, { id, startedAt }: Run) => (
        <Link to="/runs/$id" params={{ id }}>
          <When at={startedAt} />
        </Link>
      ),
    },
    {
      title: t('list.connection'),
      key: 'connection',
      width: 170,
      render: (_: unknown, { connectionId }: Run) => {
        const connection = known.get(connectionId)
        return connection === undefined ? '–' : <Name>{connection.displayName}</Name>
      },
    },
    {
      title: t('list.state'),
      key: 'state',
      width: 160,
      render: (_: unknown, { state }: Run) => <StatusTag status={state} />,
    },
    { title: t('list.what'), key: 'what', width: 230, render: (_: unknown, run: Run) => <Happened run={run} /> },
    {
      title: t('list.trigger'),
      key: 'trigger',
      width: 150,
      render: (_: unknown, { trigger, requestedBy }: Run) => (
        <>
          {t(`trigger.${trigger}`)}
          {requestedBy !== null && (
            <Typography.Text type="secondary" style={{ display: 'block' }}>
              <Name>{requestedBy}</Name>
            </Typography.Text>
          )}
        </>
      ),
    },
    {
      title: t('list.duration'),
      key: 'duration',
      width: 110,
      align: 'end' as const,
      render: (_: unknown, { startedAt, finishedAt }: Run) =>
        finishedAt === null ? '–' : durationText(Date.parse(finishedAt) - Date.parse(startedAt)),
    },
    {
      title: t('list.calls'),
      key: 'calls',
      width: 110,
      align: 'end' as const,
      render: (_: unknown, { apiCalls }: Run) => numberText(apiCalls),
    },
  ]
}

/** In a few words what a run did, or would do. */
function Happened({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const { users, departments } = run.counts
  const sums = {
    created: totalOf(run, ['created']),
    changed: totalOf(run, ['updated', 'enabled', 'restored', 'linked']),
    removed: totalOf(run, ['disabled', 'deleted', 'unlinked']),
    // What was decided, or replaced, waits for nobody any more.
    held: run.state === 'held' || run.state === 'previewed' ? heldRemovals(run) : 0,
    failed: users.failed + departments.failed,
  }
  const words = (Object.keys(sums) as (keyof typeof sums)[]).filter((word) => sums[word] > 0)
  if (words.length === 0) {
    if (run.state === 'running') return '–'
    return <>{t(run.mode === 'preview' ? 'list.nothingWouldChange' : 'list.noChange')}</>
  }
  const tense = run.mode === 'preview' ? 'would' : 'sum'
  return <>{words.map((word) => t(`list.${tense}.${word}`, { n: numberText(sums[word]) })).join(' · ')}</>
}

function Nothing({ isFiltered, isConnected }: { isFiltered: boolean; isConnected: boolean }) {
  const { t } = useTranslation('runs')
  if (isFiltered) return <>{t('list.noMatch')}</>
  if (isConnected) return <>{t('list.none')}</>
  return (
    <>
      <div>{t('list.noConnections')}</div>
      <Link to="/connections/new">{t('list.connect')}</Link>
    </>
  )
}

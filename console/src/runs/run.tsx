/** One run: how far it is, what it did and why, what waits for somebody, and what can be done about it. */
import { getConnection, getRun, type Run } from '@muster/contracts'
import { Link, useParams } from '@tanstack/react-router'
import { Card, Flex, Skeleton } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { StatusTag } from '../design/status.tsx'
import { momentText } from '../design/when.tsx'
import { RunActions } from './actions.tsx'
import { Changes } from './changes.tsx'
import { Counters } from './counters.tsx'
import { Decided, Held } from './held.tsx'
import { PreviewNote } from './preview.tsx'
import { RunCorps } from './run-corps.tsx'
import { RunFacts } from './run-facts.tsx'
import { StageBar } from './stage-bar.tsx'
import { Failure, Unread, Warnings } from './trouble.tsx'

const WHILE_RUNNING_MS = 1_000
/** A newer run, or somebody else's decision, takes the list away that is looked at. */
const WHILE_HELD_MS = 10_000

export function RunPage() {
  const { t } = useTranslation('runs')
  const { id } = useParams({ from: '/inside/runs/$id' })
  const { data: run, error, refetch } = useRead(getRun, { params: { id } }, { refetchInterval: intervalOf })
  if (run === undefined) {
    return (
      <Page title={t('run.title.apply')}>
        {error ? <ProblemAlert error={error} onRetry={() => void refetch()} /> : <Skeleton active />}
      </Page>
    )
  }
  const name = t(`run.title.${kindOf(run)}`)
  return (
    <Page
      title={`${name} ${momentText(run.startedAt)}`}
      heading={
        <Flex gap={12} align="center" wrap>
          {name}
          <StatusTag status={run.state} />
        </Flex>
      }
      actions={<RunActions run={run} />}
    >
      <p style={{ marginBlockStart: 0 }}>
        <Link to="/runs">{t('run.all')}</Link>
      </p>
      {error && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      <Failure run={run} />
      <PreviewNote run={run} />
      <Decided run={run} />
      <Card style={{ marginBlockEnd: 16 }}>
        <StageBar run={run} />
      </Card>
      {run.state === 'held' && <Held run={run} />}
      <Unread run={run} />
      <Warnings run={run} />
      <RunCorps run={run} />
      <RunFacts run={run} />
      <Counters run={run} next={<NextRun run={run} />} />
      <Changes run={run} />
    </Page>
  )
}

function intervalOf(run: Run | undefined): number | false {
  if (run?.state === 'running') return WHILE_RUNNING_MS
  return run?.state === 'held' ? WHILE_HELD_MS : false
}

export function kindOf({ trigger, mode }: Pick<Run, 'trigger' | 'mode'>) {
  if (trigger === 'revert') return mode === 'preview' ? 'revertPreview' : 'revert'
  return trigger === 'approval' ? 'approval' : mode
}

/** What comes next, where this run had nothing to do. */
function NextRun({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const connection = useRead(getConnection, { params: { id: run.connectionId } })
  const next = connection.data?.status.nextRunAt
  return next ? <> {t('counters.next', { at: momentText(next) })}</> : null
}

/** What else is known of a run: who asked, how WeCom was read and why, what it cost, which run it belongs to. */
import { getConnection, getUser, type Run } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Descriptions, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Name } from '../design/name.tsx'
import { Section } from '../design/section.tsx'
import { durationText, numberText, When } from '../design/when.tsx'

export function RunFacts({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const { counts, reading, finishedAt, startedAt } = run
  const items = [
    { key: 'connection', label: t('run.connection'), children: <ConnectionLink id={run.connectionId} /> },
    { key: 'trigger', label: t('run.trigger'), children: t(`trigger.${run.trigger}`) },
    { key: 'by', label: t('run.requestedBy'), children: <Asker run={run} /> },
    { key: 'started', label: t('run.started'), children: <When at={startedAt} /> },
    {
      key: 'finished',
      label: t('run.finished'),
      children: finishedAt === null ? t('run.stillRunning') : <When at={finishedAt} />,
    },
    {
      key: 'duration',
      label: t('run.duration'),
      children:
        finishedAt === null ? t('run.stillRunning') : durationText(Date.parse(finishedAt) - Date.parse(startedAt)),
    },
    {
      key: 'strategy',
      label: t('run.strategy'),
      span: 'filled' as const,
      children: <Reading run={run} />,
    },
    {
      key: 'calls',
      label: t('run.calls'),
      children:
        reading === null
          ? numberText(run.apiCalls)
          : t('run.callsOf', { made: numberText(run.apiCalls), expected: numberText(reading.expectedCalls) }),
    },
    {
      key: 'read',
      label: t('run.read'),
      children: t('run.readOf', {
        members: numberText(counts.membersRead),
        departments: numberText(counts.departmentsRead),
      }),
    },
    ...(run.originRunId === null
      ? []
      : [
          {
            key: 'origin',
            label: t('run.origin'),
            children: (
              <Link to="/runs/$id" params={{ id: run.originRunId }}>
                {t(run.trigger === 'revert' ? 'run.originRevert' : 'run.originApproval')}
              </Link>
            ),
          },
        ]),
    ...(run.onlyUserId === null
      ? []
      : [{ key: 'person', label: t('run.onlyPerson'), children: <PersonLink id={run.onlyUserId} /> }]),
    {
      key: 'id',
      label: t('run.id'),
      children: (
        <Typography.Text copyable={{ text: run.id, tabIndex: 0 }} style={{ wordBreak: 'break-all' }}>
          <code>{run.id}</code>
        </Typography.Text>
      ),
    },
  ]
  return (
    <Section title={t('run.facts')}>
      <Descriptions column={{ xs: 1, md: 2, xl: 3 }} layout="vertical" size="small" colon={false} items={items} />
    </Section>
  )
}

function Reading({ run: { trigger, strategy, reading } }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (trigger === 'revert') return t('run.noReading')
  if (trigger === 'event') return t('run.byName')
  return (
    <div>
      <div>{strategy === null ? t('run.strategyUnknown') : t(`strategy.${strategy}`)}</div>
      {reading !== null && <Typography.Text type="secondary">{reading.reason.detail}</Typography.Text>}
    </div>
  )
}

function ConnectionLink({ id }: { id: string }) {
  const { t } = useTranslation('runs')
  const { data, error } = useRead(getConnection, { params: { id } })
  if (error) return <>{t('list.removed')}</>
  return (
    <Link to="/connections/$id" params={{ id }}>
      <Name>{data?.displayName ?? id}</Name>
    </Link>
  )
}

function Asker({ run: { requestedBy, trigger } }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (requestedBy !== null) return <Name>{requestedBy}</Name>
  if (trigger === 'event') return <>{t('run.nobodyEvent')}</>
  return <>{t(trigger === 'schedule' ? 'run.nobodySchedule' : 'run.nobody')}</>
}

export function PersonLink({ id }: { id: string }) {
  const { data } = useRead(getUser, { params: { id } })
  return (
    <Link to="/people/$id" params={{ id }}>
      <Name>{data?.displayName ?? id}</Name>
    </Link>
  )
}

/** The first preview, what it would do in words, and the first run after it. */
import { getRun, startRun, type Connection, type Run } from '@muster/contracts'
import { Link, useNavigate } from '@tanstack/react-router'
import { Alert, Button, Flex, Progress, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import { StatusTag } from '../../design/status.tsx'
import { numberText } from '../../design/when.tsx'
import { outcomes } from './outcomes.ts'

const WATCH_MS = 700

export function FirstRun({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const navigate = useNavigate()
  const [previewId, setPreviewId] = useState<Run['id']>()
  const preview = useAction(startRun, ({ id }) => setPreviewId(id))
  const apply = useAction(startRun, ({ id }) => void navigate({ to: '/runs/$id', params: { id } }))
  const run = useRead(
    getRun,
    { params: { id: previewId ?? '' } },
    {
      enabled: previewId !== undefined,
      refetchInterval: (latest) => (latest === undefined || latest.state === 'running' ? WATCH_MS : false),
    },
  )
  const params = { id: connection.id }
  if (!connection.sync.enabled) return <Alert type="info" showIcon title={t('wizard.check.previewOff')} />
  const isRunning = preview.isPending || run.data?.state === 'running'
  return (
    <>
      <Typography.Paragraph type="secondary">{t('wizard.check.previewWhy')}</Typography.Paragraph>
      <Button
        type={run.data === undefined ? 'primary' : 'default'}
        loading={isRunning}
        onClick={() => preview.mutate({ params, body: { mode: 'preview', force: true } })}
      >
        {t(run.data === undefined ? 'wizard.check.previewStart' : 'wizard.check.previewAgain')}
      </Button>
      <div aria-live="polite" style={{ marginBlockStart: 16 }}>
        {(preview.error ?? run.error) && <ProblemAlert error={preview.error ?? run.error} />}
        {run.data?.state === 'running' && <Reading run={run.data} />}
        {run.data !== undefined && run.data.state !== 'running' && (
          <>
            <Outcome run={run.data} />
            {apply.error && <ProblemAlert error={apply.error} />}
            {run.data.state === 'previewed' && (
              <Button
                type="primary"
                loading={apply.isPending}
                onClick={() => apply.mutate({ params, body: { mode: 'apply' } })}
              >
                {t('wizard.check.apply')}
              </Button>
            )}
          </>
        )}
      </div>
    </>
  )
}

function Reading({ run: { progress } }: { run: Run }) {
  const { t } = useTranslation('connections')
  const percent = progress.total === 0 ? 0 : Math.floor((progress.done / progress.total) * 100)
  return (
    <>
      <Typography.Text>{t('wizard.check.running')}</Typography.Text>
      <Progress percent={percent} aria-label={t('wizard.check.running')} style={{ maxWidth: 480 }} />
    </>
  )
}

function Outcome({ run }: { run: Run }) {
  const { t } = useTranslation('connections')
  const { counts, apiCalls, error, complete, warnings, state } = run
  const would = outcomes(counts)
  return (
    <Flex vertical gap={8} style={{ marginBlockEnd: 16 }}>
      <div>
        <StatusTag status={state} />{' '}
        {t('wizard.check.read', {
          members: numberText(counts.membersRead),
          departments: numberText(counts.departmentsRead),
          calls: numberText(apiCalls),
        })}
      </div>
      {error !== null && <Alert type="error" showIcon title={error.title} description={error.remedy ?? error.detail} />}
      {!complete && error === null && <Alert type="warning" showIcon title={t('wizard.check.incomplete')} />}
      {error === null && (
        <div>
          <strong>{t('wizard.check.would')}</strong>
          <ul style={{ marginBlock: 4, paddingInlineStart: 20 }}>
            {would.length === 0 && <li>{t('wizard.check.nothing')}</li>}
            {would.map(({ entity, actions }) => (
              <li key={entity}>
                {t(`wizard.check.${entity}`)}:{' '}
                {actions
                  .map(({ action, count }) => t(`wizard.check.action.${action}`, { n: numberText(count) }))
                  .join(t('wizard.check.and'))}
              </li>
            ))}
          </ul>
        </div>
      )}
      {warnings.map(({ code, detail }) => (
        <Alert key={code + detail} type="warning" showIcon title={detail} />
      ))}
      <div>
        <Link to="/runs/$id" params={{ id: run.id }}>
          {t('wizard.check.open')}
        </Link>
      </div>
    </Flex>
  )
}

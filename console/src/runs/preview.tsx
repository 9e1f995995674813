/** Over a preview: that nothing was written, what the list below means, and the way to make it real. */
import { getConnection, revertRun, startRun, type Run } from '@muster/contracts'
import { useNavigate } from '@tanstack/react-router'
import { Alert, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { May } from '../shell/session.tsx'
import { hasEffect } from './counters-of.ts'
import { heldRemovals } from './stages.ts'
import { StartProblem } from './start-run.tsx'

export function PreviewNote({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (run.state !== 'previewed') return null
  const isHeld = heldRemovals(run) > 0
  const isEmpty = !hasEffect(run) && !isHeld
  const isRevert = run.trigger === 'revert'
  return (
    <Alert
      type="info"
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={t('preview.title')}
      description={
        <>
          <div>
            {isEmpty && !isRevert ? t('preview.nothing') : t('preview.changes')} {isHeld && t('preview.held')}
          </div>
          {!isEmpty && (
            <May role="operator">
              {!isRevert && <div>{t('preview.again')}</div>}
              <div style={{ marginBlockStart: 12 }}>{isRevert ? <UndoNow run={run} /> : <ApplyNow run={run} />}</div>
            </May>
          )}
        </>
      }
    />
  )
}

function ApplyNow({ run: { connectionId } }: { run: Run }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const connection = useRead(getConnection, { params: { id: connectionId } })
  const start = useAction(startRun, ({ id }) => void navigate({ to: '/runs/$id', params: { id } }))
  return (
    <>
      {start.error && <StartProblem error={start.error} />}
      <Button
        type="primary"
        loading={start.isPending}
        disabled={connection.data?.sync.enabled !== true}
        onClick={() => start.mutate({ params: { id: connectionId }, body: { mode: 'apply' } })}
      >
        {t('preview.apply')}
      </Button>
    </>
  )
}

function UndoNow({ run: { originRunId, onlyUserId } }: { run: Run }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const revert = useAction(revertRun, ({ id }) => void navigate({ to: '/runs/$id', params: { id } }))
  if (originRunId === null) return null
  return (
    <>
      {revert.error && <StartProblem error={revert.error} />}
      <Button
        type="primary"
        danger
        loading={revert.isPending}
        onClick={() =>
          revert.mutate({
            params: { id: originRunId },
            body: { mode: 'apply', ...(onlyUserId === null ? {} : { userId: onlyUserId }) },
          })
        }
      >
        {t('preview.undo')}
      </Button>
    </>
  )
}

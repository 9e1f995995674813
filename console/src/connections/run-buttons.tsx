/** Starts a run or a preview. Asks first when the last run is less than an hour old, and says what the server warns of. */
import { startRun, type Connection } from '@muster/contracts'
import { Button, Flex, Popconfirm } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { May } from '../shell/session.tsx'
import { RunStarted } from './run-started.tsx'

const HOUR_MS = 3_600_000

export function RunButtons({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const start = useAction(startRun)
  const { lastRunAt, activeRunId } = connection.status
  const go = (mode: 'apply' | 'preview') => start.mutate({ params: { id: connection.id }, body: { mode } })
  const isActive = activeRunId !== null || start.isPending
  return (
    <May role="operator">
      {start.error && <ProblemAlert error={start.error} />}
      {start.data && <RunStarted run={start.data} />}
      <Flex gap={8} wrap>
        <RunButton
          isRecent={lastRunAt !== null && Date.now() - Date.parse(lastRunAt) < HOUR_MS}
          isActive={isActive}
          onGo={() => go('apply')}
        />
        <Button disabled={isActive} onClick={() => go('preview')}>
          {t('details.service.preview')}
        </Button>
      </Flex>
    </May>
  )
}

function RunButton({ isRecent, isActive, onGo }: { isRecent: boolean; isActive: boolean; onGo: () => void }) {
  const { t } = useTranslation('connections')
  if (!isRecent) {
    return (
      <Button disabled={isActive} onClick={onGo}>
        {t('details.service.now')}
      </Button>
    )
  }
  return (
    <Popconfirm title={t('details.service.recent')} okText={t('details.service.now')} onConfirm={onGo}>
      <Button disabled={isActive}>{t('details.service.now')}</Button>
    </Popconfirm>
  )
}

/** What can be done with a run: stop it, do it again, take it back, carry its changes away as a file. */
import { cancelRun, getConnection, listChanges, startRun, type Run } from '@muster/contracts'
import { DownloadOutlined, RedoOutlined, StopOutlined } from '@ant-design/icons'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Dropdown, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { exportAddress, useAction, useRead } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { numberText } from '../design/when.tsx'
import { May } from '../shell/session.tsx'
import { hasEffect } from './counters-of.ts'
import { saveAsJson } from './export.ts'
import { Revert } from './revert.tsx'
import type { ChangesSearch } from './search.ts'
import { StartProblem } from './start-run.tsx'

export function RunActions({ run }: { run: Run }) {
  const isRunning = run.state === 'running'
  return (
    <>
      <May role="operator">
        {isRunning && <Stop run={run} />}
        {mayBeRepeated(run) && <Again run={run} />}
        {!isRunning && run.mode === 'apply' && hasEffect(run) && <Revert run={run} />}
      </May>
      {!isRunning && <Export run={run} />}
    </>
  )
}

/** What carries out somebody's decision is decided again where it was decided. */
function mayBeRepeated({ trigger, state }: Run): boolean {
  return state !== 'running' && state !== 'held' && trigger !== 'revert' && trigger !== 'approval'
}

function Stop({ run: { id } }: { run: Run }) {
  const { t } = useTranslation('runs')
  const [isOpen, setOpen] = useState(false)
  const cancel = useAction(cancelRun, () => setOpen(false))
  return (
    <>
      <Button icon={<StopOutlined />} onClick={() => setOpen(true)}>
        {t('run.cancel')}
      </Button>
      <Modal
        open={isOpen}
        title={t('run.cancelTitle')}
        okText={t('run.cancel')}
        cancelText={t('run.cancelKeep')}
        okButtonProps={{ danger: true, loading: cancel.isPending }}
        onOk={() => cancel.mutate({ params: { id } })}
        onCancel={() => setOpen(false)}
      >
        {cancel.error && <ProblemAlert error={cancel.error} />}
        <p>{t('run.cancelMeans')}</p>
      </Modal>
    </>
  )
}

function Again({ run: { connectionId, mode } }: { run: Run }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const connection = useRead(getConnection, { params: { id: connectionId } })
  const start = useAction(startRun, ({ id }) => void navigate({ to: '/runs/$id', params: { id } }))
  return (
    <>
      <Button
        icon={<RedoOutlined />}
        loading={start.isPending}
        disabled={connection.data?.sync.enabled !== true}
        onClick={() => start.mutate({ params: { id: connectionId }, body: { mode } })}
      >
        {t(mode === 'preview' ? 'run.previewAgain' : 'run.retry')}
      </Button>
      <Modal open={start.error !== null} footer={null} title={t('run.retry')} onCancel={() => start.reset()}>
        {start.error && <StartProblem error={start.error} />}
      </Modal>
    </>
  )
}

function Export({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const filters: ChangesSearch = useSearch({ from: '/inside/runs/$id' })
  const [collected, setCollected] = useState<{ done: number; total: number }>()
  const [error, setError] = useState<unknown>()
  const request = { params: { id: run.id }, query: filters }
  const saveJson = async () => {
    setError(undefined)
    setCollected({ done: 0, total: 0 })
    try {
      await saveAsJson(run, filters, (done, total) => setCollected({ done, total }))
    } catch (failure) {
      setError(failure)
    } finally {
      setCollected(undefined)
    }
  }
  return (
    <>
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            {
              key: 'csv',
              label: (
                <a href={exportAddress(listChanges, request)} download={`${run.id}.csv`}>
                  {t('run.exportCsv')}
                </a>
              ),
            },
            { key: 'json', label: t('run.exportJson'), onClick: () => void saveJson() },
            { type: 'divider' },
            { key: 'note', disabled: true, label: t('run.exportFollows') },
          ],
        }}
      >
        <Button icon={<DownloadOutlined />} loading={collected !== undefined}>
          {collected === undefined
            ? t('run.export')
            : t('run.exporting', { done: numberText(collected.done), total: numberText(collected.total) })}
        </Button>
      </Dropdown>
      <Modal open={error !== undefined} footer={null} title={t('run.exportJson')} onCancel={() => setError(undefined)}>
        <ProblemAlert error={error} />
      </Modal>
    </>
  )
}

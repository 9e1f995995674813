/**
 * Starting a run or a preview of a connection: which one, what it does in words, and a warning when the last run is
 * hardly an hour old. Goes to the page of the run that began.
 */
import { ApiProblem, listAllRuns, listConnections, startRun, type Connection, type Run } from '@muster/contracts'
import { PlayCircleOutlined } from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Alert, Button, Flex, Form, Modal, Radio, Select, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** @param connection chosen at first: id or identifier */
export function StartRun({ connection }: { connection?: string }) {
  const { t } = useTranslation('runs')
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button type="primary" icon={<PlayCircleOutlined />} onClick={() => setOpen(true)}>
        {t('start.open')}
      </Button>
      <Modal open={isOpen} title={t('start.title')} footer={null} onCancel={() => setOpen(false)} destroyOnHidden>
        <StartForm connection={connection} onCancel={() => setOpen(false)} />
      </Modal>
    </>
  )
}

function StartForm({ connection: wished, onCancel }: { connection: string | undefined; onCancel: () => void }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const start = useAction(startRun, ({ id }) => void navigate({ to: '/runs/$id', params: { id } }))
  const [chosen, choose] = useState<string>()
  const [mode, setMode] = useState<Run['mode']>('preview')

  const able = connections.data?.items.filter(isAble) ?? []
  const first = able.find(({ id, identifier }) => id === wished || identifier === wished) ?? only(able)
  const id = chosen ?? first?.id
  if (connections.error) {
    return <ProblemAlert error={connections.error} onRetry={() => void connections.refetch()} />
  }
  if (connections.data !== undefined && able.length === 0) {
    return (
      <Alert type="info" showIcon title={t(connections.data.total === 0 ? 'list.noConnections' : 'start.allOff')} />
    )
  }
  return (
    <Form
      layout="vertical"
      requiredMark={false}
      onFinish={() => {
        if (id !== undefined) start.mutate({ params: { id }, body: { mode } })
      }}
    >
      {start.error && <StartProblem error={start.error} />}
      <Form.Item label={t('start.connection')} htmlFor="start-connection">
        <Select
          id="start-connection"
          loading={connections.isPending}
          placeholder={t('start.choose')}
          {...(id === undefined ? {} : { value: id })}
          onChange={(value: string) => choose(value)}
          options={connections.data?.items.map((connection) => ({
            value: connection.id,
            disabled: !isAble(connection),
            label: isAble(connection)
              ? nameText(connection.displayName)
              : t('start.off', { name: nameText(connection.displayName) }),
          }))}
        />
      </Form.Item>
      <Form.Item label={t('start.mode')}>
        <Radio.Group
          value={mode}
          aria-label={t('start.mode')}
          onChange={({ target }) => setMode(target.value as Run['mode'])}
        >
          <Flex vertical gap={12}>
            <Choice value="preview" word={t('start.preview')} means={t('start.previewMeans')} />
            <Choice value="apply" word={t('start.apply')} means={t('start.applyMeans')} />
          </Flex>
        </Radio.Group>
      </Form.Item>
      {id !== undefined && <SoonWarning connectionId={id} />}
      <Flex justify="end" gap={8}>
        <Button onClick={onCancel}>{t('start.cancel')}</Button>
        <Button type="primary" htmlType="submit" loading={start.isPending} disabled={id === undefined}>
          {t(mode === 'preview' ? 'start.goPreview' : 'start.goApply')}
        </Button>
      </Flex>
    </Form>
  )
}

function Choice({ value, word, means }: { value: Run['mode']; word: string; means: string }) {
  return (
    <Radio value={value} style={{ alignItems: 'flex-start' }}>
      <div>{word}</div>
      <Typography.Text type="secondary">{means}</Typography.Text>
    </Radio>
  )
}

function SoonWarning({ connectionId }: { connectionId: string }) {
  const { t } = useTranslation(['runs', 'design'])
  const last = useRead(listAllRuns, { query: { connection: connectionId, limit: 1 } }).data?.items[0]
  // The moment at which the form was opened.
  const [now] = useState(() => Date.now())
  if (last === undefined) return null
  if (last.state === 'running') {
    return (
      <Alert
        type="warning"
        showIcon
        style={{ marginBlockEnd: 16 }}
        title={t('start.active')}
        description={
          <Link to="/runs/$id" params={{ id: last.id }}>
            {t('start.seeActive')}
          </Link>
        }
      />
    )
  }
  const age = now - Date.parse(last.startedAt)
  if (age >= HOUR_MS) return null
  return (
    <Alert
      type="warning"
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={t('start.soon')}
      description={t('start.soonMeans', {
        ago: Math.max(0, Math.round(age / MINUTE_MS)),
        state: t(`status.${last.state}`, { ns: 'design' }),
      })}
    />
  )
}

/** Why no run began; where one is active, the way to it. */
export function StartProblem({ error }: { error: Error }) {
  const { t } = useTranslation('runs')
  const active = error instanceof ApiProblem ? error.problem.runId : undefined
  return (
    <>
      <ProblemAlert error={error} />
      {active && (
        <p>
          <Link to="/runs/$id" params={{ id: active }}>
            {t('start.seeActive')}
          </Link>
        </p>
      )}
    </>
  )
}

function isAble({ kind, sync }: Connection): boolean {
  return kind !== 'service_provider' && sync.enabled
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined
}

/** One event beside the list: everything that is known of it, why it failed, and the way to work it off again. */
import { getEvent, replayEvent, type Event } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { RedoOutlined } from '@ant-design/icons'
import { Alert, Button, Descriptions, Drawer, Flex, Skeleton, Typography, theme } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { Name } from '../design/name.tsx'
import { ProblemAlert, RecordedProblem } from '../design/problem.tsx'
import { durationText, numberText, When } from '../design/when.tsx'
import { May } from '../shell/session.tsx'
import { EventStateTag, WhatBecame } from './event-state.tsx'
import { isUnderWay, tookMs } from './outcome.ts'
import { useEventWords } from './event-words.ts'

const LOOK_MS = 1_000

export function EventDrawer({
  id,
  nameOf,
  onClose,
}: {
  /** undefined: closed. */
  id: string | undefined
  nameOf: ReadonlyMap<string, string>
  onClose: () => void
}) {
  const { t } = useTranslation('events')
  return (
    <Drawer
      open={id !== undefined}
      title={t('details.title')}
      size={560}
      destroyOnHidden
      closable={{ 'aria-label': t('details.close') }}
      onClose={onClose}
    >
      {id !== undefined && <EventDetails key={id} id={id} nameOf={nameOf} />}
    </Drawer>
  )
}

function EventDetails({ id, nameOf }: { id: string; nameOf: ReadonlyMap<string, string> }) {
  const { t } = useTranslation('events')
  const read = useRead(
    getEvent,
    { params: { id } },
    { refetchInterval: (latest) => (latest !== undefined && isUnderWay(latest) ? LOOK_MS : false) },
  )
  const replay = useAction(replayEvent)
  const event = read.data
  if (event === undefined) {
    return read.error ? <ProblemAlert error={read.error} onRetry={() => void read.refetch()} /> : <Skeleton active />
  }
  return (
    <Flex vertical gap={20}>
      <section>
        <Typography.Title level={2} style={{ margin: '0 0 8px', fontSize: 16 }}>
          {t('details.became')}
        </Typography.Title>
        <div aria-live="polite">
          <EventStateTag state={event.state} /> <WhatBecame event={event} isFull={false} />
        </div>
      </section>
      {event.error !== null && <Failure error={event.error} />}
      <Facts event={event} nameOf={nameOf} />
      <May role="operator">
        <div>
          {replay.error && <ProblemAlert error={replay.error} />}
          <Flex gap={12} align="center" wrap>
            <Button
              icon={<RedoOutlined aria-hidden />}
              type={event.state === 'parked' ? 'primary' : 'default'}
              loading={replay.isPending}
              disabled={event.state === 'pending'}
              onClick={() => replay.mutate({ params: { id } })}
            >
              {t('details.replay')}
            </Button>
            <span role="status">
              {replay.isSuccess && isUnderWay(event) && (
                <Typography.Text type="success">{t('details.replayed')}</Typography.Text>
              )}
            </span>
          </Flex>
          <Typography.Paragraph type="secondary" style={{ marginBlock: '8px 0' }}>
            {t('details.replayMeans')}
          </Typography.Paragraph>
        </div>
      </May>
    </Flex>
  )
}

function Failure({ error }: { error: NonNullable<Event['error']> }) {
  const { t } = useTranslation('events')
  return (
    <Alert
      type="error"
      showIcon
      title={`${t('details.error')}: ${error.title}`}
      description={<RecordedProblem problem={error} />}
    />
  )
}

function Facts({ event, nameOf }: { event: Event; nameOf: ReadonlyMap<string, string> }) {
  const { t } = useTranslation('events')
  const { token } = theme.useToken()
  const { typeWord, objectWord } = useEventWords()
  const { type, object, corpId, channel, connectionId, nextAttemptAt } = event
  const took = tookMs(event)
  const word = typeWord(type)
  const items = [
    {
      key: 'type',
      label: t('details.type'),
      children: (
        <span>
          {word !== type && `${word} `}
          <code>{type}</code>
        </span>
      ),
    },
    { key: 'object', label: t('details.object'), children: object === null ? '–' : <Name>{objectWord(object)}</Name> },
    {
      key: 'company',
      label: t('details.company'),
      children: corpId === null ? t('details.suite') : <code style={{ overflowWrap: 'anywhere' }}>{corpId}</code>,
    },
    {
      key: 'connection',
      label: t('details.connection'),
      children: (
        <Link to="/connections/$id" params={{ id: connectionId }}>
          <Name>{nameOf.get(connectionId) ?? connectionId}</Name>
        </Link>
      ),
    },
    { key: 'channel', label: t('details.channel'), children: t(`details.channelWord.${channel}`) },
    { key: 'happened', label: t('details.happened'), children: <When at={event.happenedAt} /> },
    { key: 'received', label: t('details.received'), children: <When at={event.receivedAt} /> },
    {
      key: 'finished',
      label: t('details.finished'),
      children: event.finishedAt === null ? t('details.notYet') : <When at={event.finishedAt} />,
    },
    ...(took === undefined ? [] : [{ key: 'took', label: t('details.took'), children: durationText(took) }]),
    { key: 'attempts', label: t('details.attempts'), children: numberText(event.attempts) },
    ...(nextAttemptAt === null
      ? []
      : [{ key: 'next', label: t('details.next'), children: <When at={nextAttemptAt} /> }]),
    {
      key: 'id',
      label: t('details.id'),
      children: (
        <Typography.Text copyable={{ text: event.id, tabIndex: 0 }} style={{ wordBreak: 'break-all' }}>
          <code>{event.id}</code>
        </Typography.Text>
      ),
    },
  ]
  return (
    <section>
      <Typography.Title level={2} style={{ margin: '0 0 8px', fontSize: 16 }}>
        {t('details.what')}
      </Typography.Title>
      <Descriptions
        size="small"
        column={1}
        items={items}
        styles={{ label: { color: token.colorTextSecondary, minWidth: 120 } }}
      />
    </section>
  )
}

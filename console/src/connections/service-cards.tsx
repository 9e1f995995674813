/** The two services of a connection: whether each is on, how it is, and the ways to change that. */
import { updateConnection, type Connection } from '@muster/contracts'
import { Link, useNavigate } from '@tanstack/react-router'
import { Alert, Button, Card, Col, Descriptions, Flex, Popconfirm, Row, Typography, theme } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { Name } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { StatusTag } from '../design/status.tsx'
import { numberText, When } from '../design/when.tsx'
import { May, useMay } from '../shell/session.tsx'
import { OnOff } from './on-off.tsx'
import { RunButtons } from './run-buttons.tsx'
import { useScheduleText } from './settings/schedule-text.tsx'
import { isSuite } from './suites/suite-credentials.ts'
import { ticketState } from './suites/suite-state.ts'
import { SuiteTicket } from './suites/suite-ticket.tsx'
import type { Tab } from './tabs.ts'
import { useNow } from './use-now.ts'
import { isDraft } from './wizard/wizard-steps.ts'

/** How often it is looked whether the ticket has become too old. */
const AGAIN_MS = 15_000

/** A link in the middle of a sentence is not told by its colour alone. */
const UNDERLINED = { textDecoration: 'underline' } as const

export function ServiceCards({ connection }: { connection: Connection }) {
  const now = useNow(AGAIN_MS)
  return (
    <Row gutter={[16, 16]}>
      {isSuite(connection) && !isDraft(connection) && ticketState(connection.suite, now) !== 'fresh' && (
        <Col span={24}>
          <SuiteTicket connection={connection} />
        </Col>
      )}
      {connection.kind !== 'service_provider' && (
        <Col xs={24} xl={12}>
          <SyncCard connection={connection} />
        </Col>
      )}
      <Col xs={24} xl={12}>
        <SignInCard connection={connection} />
      </Col>
    </Row>
  )
}

function SyncCard({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { sync, status } = connection
  const schedule = useScheduleText(sync.schedule)
  const { token } = theme.useToken()
  return (
    <Service
      title={t('details.service.sync')}
      isOn={sync.enabled}
      connection={connection}
      tab="sync"
      name="sync"
      actions={sync.enabled && <RunButtons connection={connection} />}
    >
      {status.activeRunId !== null && (
        <Notice words={t('details.service.active')}>
          <Link to="/runs/$id" params={{ id: status.activeRunId }} style={UNDERLINED}>
            {t('details.service.watch')}
          </Link>
        </Notice>
      )}
      {status.sync === 'held' && status.lastRunId !== null && (
        <Notice words={t('details.service.held')} isUrgent>
          <Link to="/runs/$id" params={{ id: status.lastRunId }} style={UNDERLINED}>
            {t('details.service.look')}
          </Link>
        </Notice>
      )}
      <Descriptions
        size="small"
        column={1}
        styles={{ label: { color: token.colorTextSecondary } }}
        items={[
          { key: 'status', label: t('details.service.status'), children: <StatusTag status={status.sync} /> },
          {
            key: 'last',
            label: t('details.service.last'),
            children:
              status.lastRunId === null ? (
                <When at={null} />
              ) : (
                <Link to="/runs/$id" params={{ id: status.lastRunId }}>
                  <When at={status.lastRunAt} />
                </Link>
              ),
          },
          {
            key: 'next',
            label: t('details.service.next'),
            children: status.nextRunAt === null ? t('notPlanned') : <When at={status.nextRunAt} />,
          },
          {
            key: 'schedule',
            label: t('details.service.schedule'),
            children: sync.schedule.kind === 'manual' ? schedule : `${schedule} (${sync.timeZone})`,
          },
          { key: 'linked', label: t('details.service.linked'), children: numberText(status.linkedUsers) },
          {
            key: 'realTime',
            label: t('details.service.realTime'),
            children: <OnOff isOn={sync.enabled && sync.realTime} />,
          },
        ]}
      />
      <Flex gap={16} wrap style={{ marginBlockStart: 8 }}>
        <Link to="/runs" search={{ connection: connection.identifier }}>
          {t('details.service.history')}
        </Link>
        <Link to="/events" search={{ connection: connection.identifier }}>
          {t('details.service.events')}
        </Link>
      </Flex>
    </Service>
  )
}

function SignInCard({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { signIn, redirectUrl, suite } = connection
  const { token } = theme.useToken()
  const unlinked = signIn.loginOnly ? 'loginOnly' : signIn.association
  return (
    <Service
      title={t('details.service.signIn')}
      isOn={signIn.enabled}
      connection={connection}
      tab="signIn"
      name="signIn"
    >
      <Descriptions
        size="small"
        column={1}
        styles={{ label: { color: token.colorTextSecondary } }}
        items={[
          ...(suite === null
            ? []
            : [
                {
                  key: 'corps',
                  label: t('details.service.corps'),
                  children: (
                    <Link
                      to="/connections/$id"
                      params={{ id: connection.identifier }}
                      search={{ tab: 'corps' }}
                      aria-label={`${t('details.service.corps')}: ${numberText(suite.authorizedCorps)}`}
                    >
                      {numberText(suite.authorizedCorps)}
                    </Link>
                  ),
                },
                {
                  key: 'ticket',
                  label: t('details.service.ticket'),
                  children: suite.ticketAt === null ? t('suite.ticket.none') : <When at={suite.ticketAt} />,
                },
              ]),
          {
            key: 'unlinked',
            label: t('details.service.unlinked'),
            children: t(`details.service.unlinkedWords.${unlinked}`),
          },
          {
            key: 'domains',
            label: t('details.service.domains'),
            children:
              signIn.allowedDomains.length === 0 ? (
                t('details.service.anyDomain')
              ) : (
                <Name>{signIn.allowedDomains.join(', ')}</Name>
              ),
          },
          {
            key: 'address',
            label: t('details.service.address'),
            children: (
              <Typography.Text copyable={{ text: redirectUrl, tabIndex: 0 }} style={{ overflowWrap: 'anywhere' }}>
                {redirectUrl}
              </Typography.Text>
            ),
          },
        ]}
      />
      {suite !== null && (
        <div style={{ marginBlockStart: 8 }}>
          <Link to="/events" search={{ connection: connection.identifier }}>
            {t('details.service.events')}
          </Link>
        </div>
      )}
    </Service>
  )
}

function Notice({ words, isUrgent = false, children }: { words: string; isUrgent?: boolean; children: ReactNode }) {
  return (
    <Alert
      type={isUrgent ? 'warning' : 'info'}
      showIcon
      title={
        <>
          {words} {children}
        </>
      }
      style={{ marginBlockEnd: 12 }}
    />
  )
}

function Service({
  title,
  isOn,
  connection,
  tab,
  name,
  actions,
  children,
}: {
  title: string
  isOn: boolean
  connection: Connection
  /** Where it is configured. */
  tab: Tab
  name: 'sync' | 'signIn'
  actions?: ReactNode
  children: ReactNode
}) {
  const { t } = useTranslation('connections')
  const navigate = useNavigate()
  const mayChange = useMay('operator')
  const change = useAction(updateConnection)
  const set = (enabled: boolean) =>
    change.mutate({
      params: { id: connection.id },
      body: name === 'sync' ? { sync: { enabled } } : { signIn: { enabled } },
    })
  const go = (to: Tab) =>
    void navigate({ to: '/connections/$id', params: { id: connection.identifier }, search: { tab: to } })
  const isIncomplete = change.error !== null && 'code' in change.error && change.error.code === 'connections/incomplete'
  return (
    <Card style={{ height: '100%' }}>
      <Flex justify="space-between" align="center" gap={12} wrap style={{ marginBlockEnd: 12 }}>
        <Flex gap={12} align="center">
          <Typography.Title level={2} style={{ margin: 0, fontSize: 18 }}>
            {title}
          </Typography.Title>
          <OnOff isOn={isOn} />
        </Flex>
        <Flex gap={8} wrap>
          <Button onClick={() => go(tab)}>{t(mayChange ? 'details.service.configure' : 'details.service.show')}</Button>
          <May role="operator">
            {isOn ? (
              <Popconfirm
                title={t(name === 'sync' ? 'details.service.disableSyncTitle' : 'details.service.disableSignInTitle')}
                description={
                  <div style={{ maxWidth: 360 }}>
                    {t(name === 'sync' ? 'details.service.disableSync' : 'details.service.disableSignIn')}
                  </div>
                }
                okText={t('details.service.disable')}
                okButtonProps={{ danger: true }}
                onConfirm={() => set(false)}
              >
                <Button danger loading={change.isPending}>
                  {t('details.service.disable')}
                </Button>
              </Popconfirm>
            ) : (
              <Button type="primary" loading={change.isPending} onClick={() => set(true)}>
                {t('details.service.enable')}
              </Button>
            )}
          </May>
        </Flex>
      </Flex>
      {change.error && <ProblemAlert error={change.error} />}
      {isIncomplete && (
        <Button type="link" style={{ paddingInline: 0, marginBlockEnd: 12 }} onClick={() => go('credentials')}>
          {t('details.service.complete')}
        </Button>
      )}
      {children}
      {actions && <div style={{ marginBlockStart: 16 }}>{actions}</div>}
    </Card>
  )
}

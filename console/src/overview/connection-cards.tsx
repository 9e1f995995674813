/** How each connection is, in words. */
import type { ConnectionOverview } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Col, Descriptions, Flex, Row, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { Name } from '../design/name.tsx'
import { Panel } from '../design/panel.tsx'
import { StatusTag } from '../design/status.tsx'
import { numberText, When } from '../design/when.tsx'

export function ConnectionCards({ connections }: { connections: readonly ConnectionOverview[] }) {
  if (connections.length === 0) return null
  return (
    <Row gutter={[16, 16]}>
      {connections.map((connection) => (
        <Col key={connection.id} xs={24} xl={connections.length === 1 ? 24 : 12}>
          <ConnectionCard connection={connection} />
        </Col>
      ))}
    </Row>
  )
}

function ConnectionCard({ connection }: { connection: ConnectionOverview }) {
  const { t } = useTranslation('overview')
  const { id, displayName, syncEnabled, signInEnabled, syncStatus, heldRunId, activeRunId } = connection
  return (
    <Panel
      isFilling
      title={
        <Link to="/connections/$id" params={{ id }}>
          <Name>{displayName}</Name>
        </Link>
      }
      extra={t('connections.people', { formatted: numberText(connection.linkedUsers) })}
    >
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2 }}
        items={[
          {
            key: 'sync',
            label: t('connections.sync'),
            children: (
              <Flex wrap gap={4}>
                {syncEnabled ? <StatusTag status={syncStatus} /> : <Tag>{t('connections.off')}</Tag>}
                {activeRunId && (
                  <Link to="/runs/$id" params={{ id: activeRunId }}>
                    {t('connections.running')}
                  </Link>
                )}
                {heldRunId && activeRunId === null && (
                  <Link to="/runs/$id" params={{ id: heldRunId }}>
                    {t('connections.held')}
                  </Link>
                )}
              </Flex>
            ),
          },
          {
            key: 'signIn',
            label: t('connections.signIn'),
            children: (
              <Tag color={signInEnabled ? 'success' : 'default'}>
                {t(signInEnabled ? 'connections.on' : 'connections.off')}
              </Tag>
            ),
          },
          {
            key: 'lastRun',
            label: t('connections.lastRun'),
            children:
              connection.lastRunId === null ? (
                <When at={null} />
              ) : (
                <Link to="/runs/$id" params={{ id: connection.lastRunId }}>
                  <When at={connection.lastRunAt} />
                </Link>
              ),
          },
          {
            key: 'nextRun',
            label: t('connections.nextRun'),
            children: connection.nextRunAt === null ? t('connections.byHand') : <When at={connection.nextRunAt} />,
          },
          {
            key: 'doctor',
            label: t('connections.doctor'),
            span: 'filled',
            children: <Doctor doctor={connection.doctor} />,
          },
        ]}
      />
    </Panel>
  )
}

function Doctor({ doctor }: { doctor: ConnectionOverview['doctor'] }) {
  const { t } = useTranslation('overview')
  if (doctor === null) return t('connections.doctorNever')
  const { failed, warned, ranAt } = doctor
  const result = failed > 0 ? 'doctorFailed' : warned > 0 ? 'doctorWarned' : 'doctorFine'
  return (
    <span>
      {t(`connections.${result}`, { failed, warned })} (
      <When at={ranAt} />)
    </span>
  )
}

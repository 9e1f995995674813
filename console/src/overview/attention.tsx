/** What waits for a person, the gravest first, each with the way to it. */
import type { Attention, AttentionKind } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Alert, Flex, theme } from 'antd'
import { useTranslation } from 'react-i18next'
import { Name } from '../design/name.tsx'
import { Panel } from '../design/panel.tsx'
import { When } from '../design/when.tsx'

const GRAVITY = {
  'set-up': 'info',
  'held-run': 'warning',
  'run-failed': 'error',
  'run-incomplete': 'warning',
  doctor: 'error',
  'suite-ticket': 'error',
  'events-parked': 'warning',
  reviews: 'info',
  'signing-key': 'warning',
} as const satisfies Record<AttentionKind, string>

export function AttentionList({ attention }: { attention: readonly Attention[] }) {
  const { t } = useTranslation('overview')
  const { token } = theme.useToken()
  return (
    <Panel title={t('attention.title')}>
      <Flex vertical gap={8}>
        {attention.length === 0 && <span>{t('attention.none')}</span>}
        {attention.map((one) => (
          <Alert
            key={`${one.kind} ${one.connectionId} ${one.runId}`}
            type={GRAVITY[one.kind]}
            showIcon
            title={
              <>
                <Name>{one.detail}</Name>{' '}
                {one.since && (
                  <span style={{ whiteSpace: 'nowrap', color: token.colorTextDescription }}>
                    {t('attention.since')} <When at={one.since} />
                  </span>
                )}
              </>
            }
            action={<Way to={one} />}
          />
        ))}
      </Flex>
    </Panel>
  )
}

function Way({ to: { kind, runId, connectionId } }: { to: Attention }) {
  const { t } = useTranslation('overview')
  const word = t(`attention.open.${kind}`)
  if (runId !== null) {
    return (
      <Link to="/runs/$id" params={{ id: runId }}>
        {word}
      </Link>
    )
  }
  if (kind === 'reviews') return <Link to="/reviews">{word}</Link>
  if (kind === 'signing-key') return <Link to="/settings">{word}</Link>
  if (kind === 'set-up' && connectionId === null) return <Link to="/connections/new">{t('nothing.go')}</Link>
  if (connectionId === null) return <Link to="/connections">{word}</Link>
  if (kind === 'events-parked') {
    return (
      <Link to="/events" search={{ connection: connectionId, state: 'parked' }}>
        {word}
      </Link>
    )
  }
  if (kind === 'suite-ticket') {
    return (
      <Link to="/connections/$id" params={{ id: connectionId }} search={{ tab: 'corps' }}>
        {word}
      </Link>
    )
  }
  return (
    <Link to="/connections/$id" params={{ id: connectionId }}>
      {word}
    </Link>
  )
}

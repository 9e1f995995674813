/** Whether WeCom sends the ticket of the suite, without which it answers nothing; and what to look at when it does not. */
import type { Connection } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'
import { numberText, When } from '../../design/when.tsx'
import type { SuiteKind } from './suite-credentials.ts'
import { minutesSince, ticketState } from './suite-state.ts'
import { useNow } from '../use-now.ts'

const AGAIN_MS = 15_000

export function SuiteTicket({
  connection: { identifier, kind, suite },
}: {
  connection: Connection & { kind: SuiteKind }
}) {
  const { t } = useTranslation('connections')
  const now = useNow(AGAIN_MS)
  const state = ticketState(suite, now)
  const at = suite?.ticketAt ?? null
  const minutes = at === null ? 0 : minutesSince(at, now)
  return (
    <Alert
      type={state === 'fresh' ? 'success' : 'warning'}
      showIcon
      title={
        state === 'never' ? (
          t('suite.ticket.never')
        ) : (
          <>
            {minutes === 0 ? t('suite.ticket.justNow') : t(`suite.ticket.${state}`, { minutes: numberText(minutes) })} (
            <When at={at} />)
          </>
        )
      }
      description={
        state !== 'fresh' && (
          <>
            {state === 'never' ? t(`suite.ticket.neverMeans.${kind}`) : t('suite.ticket.oldMeans')}{' '}
            <Link to="/events" search={{ connection: identifier }} style={{ textDecoration: 'underline' }}>
              {t('suite.ticket.events')}
            </Link>
          </>
        )
      }
    />
  )
}

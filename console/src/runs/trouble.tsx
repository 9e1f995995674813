/** What went wrong in a run, what it could not read, and what is worth knowing: each with what to do. */
import type { Run } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Alert, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { Name } from '../design/name.tsx'
import { RecordedProblem } from '../design/problem.tsx'

const LONG = 8

export function Failure({ run: { state, error } }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (error === null) return null
  const isStopped = state === 'cancelled'
  return (
    <Alert
      type={isStopped ? 'info' : 'error'}
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={isStopped ? t('trouble.cancelled') : t('trouble.failed', { title: error.title })}
      description={<RecordedProblem problem={error} isMeant={isStopped} />}
    />
  )
}

/** The API names a department by its id in WeCom, in English. */
function What({ what }: { what: string }) {
  const { t } = useTranslation('runs')
  const id = /^department (\d+)$/.exec(what)?.[1]
  return id === undefined ? <Name>{what}</Name> : t('trouble.department', { id })
}

export function Unread({ run: { unread, complete, mode } }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (unread.length === 0) return null
  return (
    <Alert
      type="warning"
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={t('trouble.unread')}
      description={
        <>
          {!complete && mode === 'apply' && <div>{t('trouble.unreadMeans')}</div>}
          <ul style={{ margin: '4px 0 0', paddingInlineStart: 20, ...(unread.length > LONG ? SCROLLING : {}) }}>
            {unread.map(({ what, code, detail }) => (
              <li key={`${what} ${code}`}>
                <strong>
                  <What what={what} />
                </strong>
                {': '}
                <Name>{detail}</Name>{' '}
                <Typography.Text type="secondary">
                  ({code === null ? t('trouble.noAnswer') : t('trouble.unreadCode', { code })})
                </Typography.Text>
              </li>
            ))}
          </ul>
        </>
      }
    />
  )
}

const SCROLLING = { maxHeight: 200, overflowY: 'auto' } as const

export function Warnings({ run: { warnings } }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (warnings.length === 0) return null
  return (
    <Alert
      type="info"
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={t('trouble.warnings')}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 20 }}>
          {warnings.map(({ code, detail }) => (
            <li key={`${code} ${detail}`}>
              <Name>{detail}</Name>
              {code === 'reviews-open' && (
                <>
                  {' '}
                  <Link to="/reviews" style={{ textDecoration: 'underline' }}>
                    {t('trouble.seeReviews')}
                  </Link>
                </>
              )}
            </li>
          ))}
        </ul>
      }
    />
  )
}

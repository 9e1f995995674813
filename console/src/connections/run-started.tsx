/** That a run has begun, the way to watch it, and what its beginning warns of. */
import type { Run } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'

export function RunStarted({ run: { id, mode, warnings } }: { run: Run }) {
  const { t } = useTranslation('connections')
  return (
    <Alert
      type={warnings.length === 0 ? 'success' : mode === 'preview' ? 'info' : 'warning'}
      showIcon
      role="status"
      style={{ marginBlockEnd: 12 }}
      title={
        <>
          {t(mode === 'preview' ? 'details.service.previewStarted' : 'details.service.started')}{' '}
          <Link to="/runs/$id" params={{ id }}>
            {t('details.service.watch')}
          </Link>
        </>
      }
      description={warnings.map(({ code, detail }) => (
        <div key={code}>{detail}</div>
      ))}
    />
  )
}

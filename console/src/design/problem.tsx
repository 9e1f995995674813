/** What went wrong, in the server's words: what happened, why, what to do, and the number to ask somebody about. */
import { ApiProblem } from '@muster/contracts'
import { Alert, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { CopyButton } from './copy-button.tsx'

export function ProblemAlert({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation('design')
  const problem = error instanceof ApiProblem ? error.problem : undefined
  const message = error instanceof Error ? error.message : String(error)
  const detail = problem?.detail === problem?.title ? undefined : problem?.detail
  return (
    <Alert
      type="error"
      showIcon
      role="alert"
      style={{ marginBlockEnd: 16 }}
      title={problem?.title ?? message}
      description={
        problem && (
          <>
            {detail && <div>{detail}</div>}
            {problem.fields?.map(({ path, message: text }) => (
              <div key={`${path} ${text}`}>
                <code>{path}</code>: {text}
              </div>
            ))}
            {problem.remedy && (
              <div>
                <strong>{t('problem.remedy')}:</strong> {problem.remedy}
              </div>
            )}
            {problem.requestId && (
              <div>
                {t('problem.request')} {problem.requestId}{' '}
                <CopyButton text={problem.requestId} label={t('problem.request')} />
              </div>
            )}
          </>
        )
      }
      action={onRetry && <Button onClick={onRetry}>{t('problem.retry')}</Button>}
    />
  )
}

/** What went wrong, in the server's words: what happened, why, what to do, and the number to ask somebody about. */
import { ApiProblem } from '@muster/contracts'
import { Alert, Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { CopyButton } from './copy-button.tsx'
import { Name } from './name.tsx'

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

/**
 * A problem that is on record, below its title.
 * @param isMeant somebody wanted it so: there is nothing to be done about it, and no code to ask about
 */
export function RecordedProblem({
  problem: { detail, remedy, code },
  isMeant = false,
}: {
  problem: { readonly detail: string | null; readonly remedy: string | null; readonly code: string }
  isMeant?: boolean
}) {
  const { t } = useTranslation('design')
  return (
    <>
      {detail !== null && (
        <div>
          <Name>{detail}</Name>
        </div>
      )}
      {remedy !== null && (
        <div>
          {!isMeant && <strong>{t('problem.remedy')}: </strong>}
          {remedy}
        </div>
      )}
      {!isMeant && <code>{code}</code>}
    </>
  )
}

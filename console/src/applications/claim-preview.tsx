/** What an application would be told about somebody, by the rules of a real sign-in. */
import { previewClaims, type ApplicationId, type UserId } from '@muster/contracts'
import { Alert, Flex, theme } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { PersonChoice } from '../design/person-choice.tsx'
import { ProblemAlert } from '../design/problem.tsx'

export function ClaimPreviewCard({ applicationId }: { applicationId: ApplicationId }) {
  const { t } = useTranslation('applications')
  const [userId, setUserId] = useState<UserId>()
  // It changes nothing, so it is read like anything else.
  const preview = useRead(
    previewClaims,
    { params: { id: applicationId }, body: { userId: userId! } },
    { enabled: userId !== undefined },
  )
  return (
    <Flex vertical gap={16}>
      <div>{t('preview.why')}</div>
      <div>{t('preview.real')}</div>
      <div style={{ maxWidth: 420 }}>
        <PersonChoice
          placeholder={t('preview.personHint')}
          nobody={t('preview.nobody')}
          {...(userId === undefined ? {} : { value: userId })}
          onChange={setUserId}
        />
      </div>
      {preview.error && <ProblemAlert error={preview.error} onRetry={() => void preview.refetch()} />}
      {preview.data && (
        <>
          {preview.data.refusal === null ? (
            <Alert type="success" showIcon title={t('preview.admitted')} />
          ) : (
            <Alert
              type="warning"
              showIcon
              title={`${t('preview.refused')}: ${preview.data.refusal.title}`}
              description={preview.data.refusal.detail}
            />
          )}
          <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(320px, 1fr))', gap: 16 }}>
            <Claims title={t('preview.idToken')} claims={preview.data.idToken} />
            <Claims title={t('preview.userinfo')} claims={preview.data.userinfo} />
          </div>
        </>
      )}
    </Flex>
  )
}

function Claims({ title, claims }: { title: string; claims: object | null }) {
  const { token } = theme.useToken()
  if (claims === null) return null
  const look = { padding: 12, background: token.colorFillQuaternary, borderRadius: token.borderRadius }
  return (
    <section aria-label={title} style={{ minWidth: 0 }}>
      <strong>{title}</strong>
      <pre style={{ overflow: 'auto', maxHeight: 400, marginBlock: '8px 0', ...look }} tabIndex={0} dir="ltr">
        {JSON.stringify(claims, null, 2)}
      </pre>
    </section>
  )
}

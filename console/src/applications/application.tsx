/** One application: its addresses, settings and secrets, what it would be told about somebody, and its end. */
import { deleteApplication, getApplication, type Application } from '@muster/contracts'
import { useNavigate, useParams } from '@tanstack/react-router'
import { Button, Card, Flex, Skeleton, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { AskDialog } from '../design/ask-dialog.tsx'
import { Copyable } from '../design/copyable.tsx'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { May, useSession } from '../shell/session.tsx'
import { endpointsOf } from './addresses.ts'
import { ClaimPreviewCard } from './claim-preview.tsx'
import { Secrets } from './secrets.tsx'
import { SettingsForm } from './settings-form.tsx'

export function ApplicationPage() {
  const { t } = useTranslation('applications')
  const { id } = useParams({ from: '/inside/applications/$id' })
  const application = useRead(getApplication, { params: { id } })
  if (application.error) return <ProblemAlert error={application.error} onRetry={() => void application.refetch()} />
  if (application.data === undefined) return <Skeleton active />
  const { name, enabled } = application.data
  return (
    <Page
      title={nameText(name)}
      heading={
        <>
          <Name>{name}</Name> <Tag color={enabled ? 'success' : 'default'}>{t(enabled ? 'enabled' : 'disabled')}</Tag>
        </>
      }
    >
      <Flex vertical gap={16}>
        <Addresses application={application.data} />
        <Card title={<CardTitle>{t('details.settings')}</CardTitle>}>
          <SettingsForm application={application.data} />
        </Card>
        {!application.data.public && (
          <Card title={<CardTitle>{t('secrets.title')}</CardTitle>}>
            <Secrets applicationId={application.data.id} />
          </Card>
        )}
        <Card title={<CardTitle>{t('preview.title')}</CardTitle>}>
          <ClaimPreviewCard applicationId={application.data.id} />
        </Card>
        <May role="owner">
          <DangerZone application={application.data} />
        </May>
      </Flex>
    </Page>
  )
}

function CardTitle({ children }: { children: string }) {
  return <h2 style={{ margin: 0, fontSize: 16 }}>{children}</h2>
}

function Addresses({ application: { clientId, public: isPublic } }: { application: Application }) {
  const { t } = useTranslation('applications')
  const session = useSession()
  const endpoints = endpointsOf(session.data?.publicUrl ?? '')
  const names = ['discovery', 'issuer', 'authorization', 'token', 'userinfo', 'jwks', 'endSession'] as const
  return (
    <Card title={<CardTitle>{t('details.endpoints')}</CardTitle>}>
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(320px, 1fr))', gap: 12 }}>
        <div>
          <div>
            {t('clientId')} {isPublic && `(${t('public')})`}
          </div>
          <Copyable label={t('clientId')} value={clientId} />
        </div>
        {names.map((name) => (
          <div key={name}>
            <div>{t(`details.${name}`)}</div>
            <Copyable label={t(`details.${name}`)} value={endpoints[name]} />
          </div>
        ))}
      </div>
    </Card>
  )
}

function DangerZone({ application: { id, name } }: { application: Application }) {
  const { t } = useTranslation('applications')
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const remove = useAction(deleteApplication, () => void navigate({ to: '/applications' }))
  return (
    <Card title={<CardTitle>{t('danger.title')}</CardTitle>}>
      <p style={{ marginBlockStart: 0 }}>{t('danger.why')}</p>
      <Button danger onClick={() => setAsking(true)}>
        {t('danger.go')}
      </Button>
      {isAsking && (
        <AskDialog
          title={t('danger.ask', { name: nameText(name) })}
          why={t('danger.why')}
          go={t('danger.go')}
          act={remove}
          onGo={() => remove.mutate({ params: { id } })}
          onClose={() => setAsking(false)}
        />
      )}
    </Card>
  )
}

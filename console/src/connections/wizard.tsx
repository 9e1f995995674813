/**
 * Connecting WeCom in seven steps (product.md §2.2). The draft is the connection itself, made at step 2 with both services
 * off; step and draft stand in the address, so that leaving, coming back and sending the link all work.
 */
import { getConnection, type Connection } from '@muster/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Alert, Button, Card, Flex, Grid, Skeleton, Steps, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { useMay } from '../shell/session.tsx'
import { AddressPanel } from './address-panel.tsx'
import { CredentialsForm } from './credentials-form.tsx'
import { EnvironmentNotice } from './settings-section.tsx'
import { CheckStep } from './step-check.tsx'
import { StepFooter, StepIntro } from './step-frame.tsx'
import { IdentityStep } from './step-identity.tsx'
import { KindStep } from './step-kind.tsx'
import { MappingStep } from './step-mapping.tsx'
import { ServicesStep } from './step-services.tsx'
import { canOpen, isDraft, neighbour, STEPS, type Step } from './wizard-steps.ts'

export function Wizard() {
  const { t } = useTranslation('connections')
  const search = useSearch({ from: '/inside/connections/new' })
  const navigate = useNavigate()
  const isWide = Grid.useBreakpoint().xl ?? true
  const mayConnect = useMay('operator')
  const reference = search.connection
  const read = useRead(getConnection, { params: { id: reference ?? '' } }, { enabled: reference !== undefined })
  const draft = reference === undefined ? undefined : read.data
  const wanted = search.step ?? 'kind'
  const step: Step = canOpen(wanted, reference !== undefined) ? wanted : 'kind'
  const number = STEPS.indexOf(step)

  const go = (to: Step, connection = reference) =>
    void navigate({
      to: '/connections/new',
      search: { step: to, ...(connection === undefined ? {} : { connection }) },
    })
  const title = draft === undefined ? t('wizard.title') : t('wizard.titleOf', { name: nameText(draft.displayName) })

  if (!mayConnect) {
    return (
      <Page title={t('wizard.title')}>
        <Alert type="info" showIcon title={t('wizard.auditor')} />
      </Page>
    )
  }
  return (
    <Page
      title={title}
      actions={
        <Button onClick={() => void navigate({ to: '/connections' })}>
          {t(draft !== undefined && isDraft(draft) ? 'wizard.leave' : 'wizard.leaveEmpty')}
        </Button>
      }
    >
      <Flex gap={24} vertical={!isWide} align={isWide ? 'start' : 'stretch'}>
        <nav aria-label={t('wizard.steps')} style={isWide ? { flex: '0 0 200px', paddingBlockStart: 8 } : {}}>
          <Steps
            size="small"
            orientation={isWide ? 'vertical' : 'horizontal'}
            titlePlacement={isWide ? 'horizontal' : 'vertical'}
            responsive={false}
            current={number}
            onChange={(index) => go(STEPS[index]!)}
            items={STEPS.map((name) => ({
              title: t(`wizard.step.${name}`),
              disabled: !canOpen(name, reference !== undefined),
            }))}
          />
        </nav>
        <Card style={{ flex: 1, minWidth: 0 }}>
          <Typography.Text type="secondary">
            {t('wizard.stepOf', { number: number + 1, count: STEPS.length })}
          </Typography.Text>
          <Typography.Title level={2} style={{ marginBlock: '0 8px', fontSize: 20 }}>
            {t(`wizard.step.${step}`)}
          </Typography.Title>
          {read.error && reference !== undefined && (
            <ProblemAlert error={read.error} onRetry={() => void read.refetch()} />
          )}
          {reference !== undefined && read.isPending && <Skeleton active />}
          {draft !== undefined && <Standing draft={draft} />}
          {(reference === undefined || draft !== undefined) && (
            <Content
              key={step}
              step={step}
              draft={draft}
              go={go}
              onFinish={() =>
                void navigate({ to: '/connections/$id', params: { id: reference ?? '' }, search: { tab: 'services' } })
              }
            />
          )}
          {draft !== undefined && isDraft(draft) && (
            <Typography.Paragraph type="secondary" style={{ marginBlock: '16px 0' }}>
              {t('wizard.kept')}
            </Typography.Paragraph>
          )}
        </Card>
      </Flex>
    </Page>
  )
}

function Standing({ draft }: { draft: Connection }) {
  const { t } = useTranslation('connections')
  return (
    <>
      <EnvironmentNotice connection={draft} />
      {!isDraft(draft) && !draft.managedByEnvironment && (
        <Alert type="info" showIcon title={t('wizard.done')} style={{ marginBlockEnd: 16 }} />
      )}
    </>
  )
}

function Content({
  step,
  draft,
  go,
  onFinish,
}: {
  step: Step
  draft: Connection | undefined
  go: (to: Step, connection?: string) => void
  onFinish: () => void
}) {
  const { t } = useTranslation('connections')
  const back = neighbour(step, -1)
  const next = neighbour(step, 1)
  const onBack = () => {
    if (back !== undefined) go(back)
  }
  const onNext = () => {
    if (next !== undefined) go(next)
  }
  if (step === 'kind') return <KindStep draft={draft} onNext={onNext} />
  if (step === 'identity') {
    return <IdentityStep draft={draft} onBack={onBack} onNext={({ identifier }) => go('credentials', identifier)} />
  }
  if (draft === undefined) return null
  switch (step) {
    case 'credentials':
      return (
        <>
          <StepIntro>{t('wizard.credentials.intro')}</StepIntro>
          <CredentialsForm connection={draft} onBack={onBack} onNext={onNext} />
        </>
      )
    case 'domain':
      return (
        <>
          <StepIntro>{t('wizard.domain.intro')}</StepIntro>
          <AddressPanel connection={draft} />
          <StepFooter onBack={onBack} onNext={onNext} />
        </>
      )
    case 'mapping':
      return <MappingStep draft={draft} onBack={onBack} onNext={onNext} />
    case 'services':
      return <ServicesStep draft={draft} onBack={onBack} onNext={onNext} />
    case 'check':
      return <CheckStep draft={draft} onBack={onBack} onFinish={onFinish} />
    default:
      return step satisfies never
  }
}

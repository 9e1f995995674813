/**
 * Connecting WeCom, step by step (product.md §2.2), in the order of the kind of app. The draft is the connection itself, made
 * at step 2 with both services off; step, kind and draft stand in the address, so that leaving, coming back and sending the
 * link all work.
 */
import { getConnection, type Connection } from '@muster/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Alert, Button, Card, Flex, Grid, Skeleton, Steps, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../../api.ts'
import { nameText } from '../../design/name.tsx'
import { Page } from '../../design/page.tsx'
import { ProblemAlert } from '../../design/problem.tsx'
import { useMay } from '../../shell/session.tsx'
import { AddressPanel } from '../address-panel.tsx'
import { CallbackPanel } from '../suites/callback-panel.tsx'
import { CorpsPanel } from '../suites/corps-panel.tsx'
import { CredentialsForm } from '../credentials-form.tsx'
import { EnvironmentNotice } from '../settings/settings-section.tsx'
import { CheckStep } from './step-check.tsx'
import { StepFooter, StepIntro } from './step-frame.tsx'
import { IdentityStep } from './step-identity.tsx'
import { KindStep } from './step-kind.tsx'
import { MappingStep } from './step-mapping.tsx'
import { ServicesStep } from './step-services.tsx'
import { isSuite } from '../suites/suite-credentials.ts'
import { SuiteForm } from '../suites/suite-form.tsx'
import { SuiteTicket } from '../suites/suite-ticket.tsx'
import { canOpen, hasCallback, isDraft, neighbour, stepsOf, type Step } from './wizard-steps.ts'

/** A ticket or a company may come at any moment. */
const WATCH_MS = 5_000

export function Wizard() {
  const { t } = useTranslation('connections')
  const search = useSearch({ from: '/inside/connections/new' })
  const navigate = useNavigate()
  const isWide = Grid.useBreakpoint().xl ?? true
  const mayConnect = useMay('operator')
  const reference = search.connection
  const read = useRead(
    getConnection,
    { params: { id: reference ?? '' } },
    {
      enabled: reference !== undefined,
      refetchInterval: (latest) => (latest !== undefined && isSuite(latest) ? WATCH_MS : false),
    },
  )
  const draft = reference === undefined ? undefined : read.data
  const kind = draft?.kind ?? search.kind ?? 'self_built'
  const steps = stepsOf(kind)
  const wanted = search.step ?? 'kind'
  const step: Step = canOpen(wanted, kind, reference !== undefined) ? wanted : 'kind'
  const number = steps.indexOf(step)

  const go = (to: Step, connection = reference) =>
    void navigate({
      to: '/connections/new',
      search: connection === undefined ? { step: to, kind } : { step: to, connection },
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
            onChange={(index) => go(steps[index]!)}
            items={steps.map((name) => ({
              title: t(`wizard.step.${name}`),
              disabled: !canOpen(name, kind, reference !== undefined),
            }))}
          />
        </nav>
        <Card style={{ flex: 1, minWidth: 0 }}>
          <Typography.Text type="secondary">
            {t('wizard.stepOf', { number: number + 1, count: steps.length })}
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
              kind={kind}
              draft={draft}
              go={go}
              onChoose={(chosen) =>
                void navigate({ to: '/connections/new', search: { step: 'kind', kind: chosen }, replace: true })
              }
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
  kind,
  draft,
  go,
  onChoose,
  onFinish,
}: {
  step: Step
  kind: Connection['kind']
  draft: Connection | undefined
  go: (to: Step, connection?: string) => void
  onChoose: (kind: Connection['kind']) => void
  onFinish: () => void
}) {
  const { t } = useTranslation('connections')
  const back = neighbour(step, kind, -1)
  const next = neighbour(step, kind, 1)
  const onBack = () => {
    if (back !== undefined) go(back)
  }
  const onNext = () => {
    if (next !== undefined) go(next)
  }
  if (step === 'kind') return <KindStep draft={draft} kind={kind} onChoose={onChoose} onNext={onNext} />
  if (step === 'identity') {
    return (
      <IdentityStep
        draft={draft}
        kind={kind}
        onBack={onBack}
        onNext={({ identifier }) => go(next ?? 'identity', identifier)}
      />
    )
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
    case 'callback':
    case 'suite':
    case 'corps':
      return <SuiteStep step={step} draft={draft} onBack={onBack} onNext={onNext} />
    case 'domain':
      return (
        <>
          <StepIntro>{t(`wizard.domain.intro.${kind}`)}</StepIntro>
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

/** What only a provider's app has: its callback, its credentials, the companies that authorised it. */
function SuiteStep({
  step,
  draft,
  onBack,
  onNext,
}: {
  step: 'callback' | 'suite' | 'corps'
  draft: Connection
  onBack: () => void
  onNext: () => void
}) {
  const { t } = useTranslation('connections')
  if (!isSuite(draft)) return null
  switch (step) {
    case 'callback':
      return (
        <>
          <StepIntro>{t(`suite.wizard.callbackIntro.${draft.kind}`)}</StepIntro>
          <CallbackPanel connection={draft} />
          <StepFooter onBack={onBack} onNext={onNext} isBlocked={!hasCallback(draft)} />
          {!hasCallback(draft) && (
            <Typography.Paragraph type="secondary" style={{ marginBlock: '8px 0' }}>
              {t('suite.wizard.callbackNext')}
            </Typography.Paragraph>
          )}
        </>
      )
    case 'suite':
      return (
        <>
          <StepIntro>{t(`suite.wizard.suiteIntro.${draft.kind}`)}</StepIntro>
          <div style={{ maxWidth: 760, marginBlockEnd: 20 }}>
            <SuiteTicket connection={draft} />
          </div>
          <SuiteForm connection={draft} onBack={onBack} onNext={onNext} />
        </>
      )
    case 'corps':
      return (
        <>
          <StepIntro>{t(`suite.wizard.corpsIntro.${draft.kind}`)}</StepIntro>
          <div style={{ maxWidth: 760, marginBlockEnd: 20 }}>
            <SuiteTicket connection={draft} />
          </div>
          <CorpsPanel connection={draft} />
          <StepFooter onBack={onBack} onNext={onNext} />
        </>
      )
    default:
      return step satisfies never
  }
}

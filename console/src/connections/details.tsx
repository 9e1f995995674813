/** One connection: its services at a glance, everything that can be set, the doctor, and the end of it. */
import { getConnection, type Connection } from '@muster/contracts'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { Alert, Button, Flex, Skeleton, Tabs, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { StatusTag } from '../design/status.tsx'
import { May } from '../shell/session.tsx'
import { AddressPanel } from './address-panel.tsx'
import { CallbackPanel } from './suites/callback-panel.tsx'
import { CorpsPanel } from './suites/corps-panel.tsx'
import { CredentialsForm } from './credentials-form.tsx'
import { DangerZone } from './danger-zone.tsx'
import { FieldsPart, IdentityForm } from './details-fields.tsx'
import { DoctorPanel } from './doctor-panel.tsx'
import { GuardForm } from './settings/guard-form.tsx'
import { IconPicture } from './icon-picture.tsx'
import { MobileForm } from './settings/mobile-form.tsx'
import { RealTimeForm } from './settings/real-time-form.tsx'
import { ScheduleEditor } from './settings/schedule-editor.tsx'
import { ServiceCards } from './service-cards.tsx'
import { EnvironmentNotice, Section } from './settings/settings-section.tsx'
import { SignInForm } from './settings/sign-in-form.tsx'
import { isSuite } from './suites/suite-credentials.ts'
import { SuiteForm } from './suites/suite-form.tsx'
import { SuiteTicket } from './suites/suite-ticket.tsx'
import { tabsOf, type Tab } from './tabs.ts'
import { isDraft, resumeAt } from './wizard/wizard-steps.ts'

const WATCH_MS = 2_000
const REFRESH_MS = 30_000

export function ConnectionDetails() {
  const { t } = useTranslation('connections')
  const { id } = useParams({ from: '/inside/connections/$id' })
  const { tab: wanted = 'services' } = useSearch({ from: '/inside/connections/$id' })
  const navigate = useNavigate()
  const read = useRead(
    getConnection,
    { params: { id } },
    { refetchInterval: (latest) => (latest?.status.activeRunId ? WATCH_MS : REFRESH_MS) },
  )
  const connection = read.data
  if (connection === undefined) {
    return (
      <Page title={t('title')}>
        {read.error ? <ProblemAlert error={read.error} onRetry={() => void read.refetch()} /> : <Skeleton active />}
      </Page>
    )
  }
  const name = nameText(connection.displayName)
  const tabs = tabsOf(connection.kind)
  const tab = tabs.includes(wanted) ? wanted : 'services'
  return (
    <Page title={name} heading={<Heading connection={connection} />}>
      <EnvironmentNotice connection={connection} />
      {isDraft(connection) && <DraftNotice connection={connection} />}
      <Tabs
        aria-label={t('details.tabs')}
        activeKey={tab}
        onChange={(key) =>
          void navigate({ to: '/connections/$id', params: { id }, search: { tab: key as Tab }, replace: true })
        }
        items={tabs.map((key) => ({
          key,
          label: t(`details.tab.${key}`),
          children: <Part tab={key} connection={connection} />,
        }))}
      />
    </Page>
  )
}

function Heading({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { icon, displayName, identifier, kind, sync, status } = connection
  return (
    <Flex gap={12} align="center" wrap component="span">
      <IconPicture icon={icon} name={displayName} size={40} />
      <Name>{displayName}</Name>
      {(sync.enabled || status.sync !== 'never') && <StatusTag status={status.sync} />}
      <Typography.Text type="secondary" style={{ fontSize: 14, fontWeight: 'normal' }}>
        <code>{identifier}</code> · {t(`kind.${kind}`)}
      </Typography.Text>
    </Flex>
  )
}

function DraftNotice({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const navigate = useNavigate()
  return (
    <Alert
      type="info"
      showIcon
      title={t('details.draft')}
      style={{ marginBlockEnd: 16 }}
      action={
        <May role="operator">
          <Button
            type="primary"
            onClick={() =>
              void navigate({
                to: '/connections/new',
                search: { connection: connection.identifier, step: resumeAt(connection) },
              })
            }
          >
            {t('resume')}
          </Button>
        </May>
      }
    />
  )
}

function Part({ tab, connection }: { tab: Tab; connection: Connection }): ReactNode {
  const { t } = useTranslation('connections')
  switch (tab) {
    case 'services':
      return <ServiceCards connection={connection} />
    case 'corps':
      return <CorpsPart connection={connection} />
    case 'sync':
      return (
        <Flex vertical gap={16}>
          <ScheduleEditor connection={connection} />
          <RealTimeForm connection={connection} />
          <GuardForm connection={connection} />
        </Flex>
      )
    case 'fields':
      return <FieldsPart connection={connection} />
    case 'signIn':
      return (
        <Flex vertical gap={16}>
          <SignInForm connection={connection} />
          {connection.kind !== 'service_provider' && <MobileForm connection={connection} />}
        </Flex>
      )
    case 'credentials':
      return (
        <Flex vertical gap={16}>
          {isSuite(connection) ? (
            <Section title={t(`suite.form.title.${connection.kind}`)} why={t('suite.form.why')}>
              <SuiteForm connection={connection} />
            </Section>
          ) : (
            <Section title={t('settings.credentials.title')} why={t('settings.credentials.why')}>
              <CredentialsForm connection={connection} />
            </Section>
          )}
          <Section title={t('suite.callback.title')} why={t(`suite.callback.why.${connection.kind}`)}>
            <CallbackPanel connection={connection} />
          </Section>
          <Section title={t('wizard.step.domain')} why={t(`wizard.domain.intro.${connection.kind}`)}>
            <AddressPanel connection={connection} />
          </Section>
        </Flex>
      )
    case 'doctor':
      return (
        <Section title={t('details.doctor.title')} why={t('details.doctor.why')}>
          <DoctorPanel connection={connection} />
        </Section>
      )
    case 'general':
      return (
        <Flex vertical gap={16}>
          <IdentityForm connection={connection} />
          <DangerZone connection={connection} />
        </Flex>
      )
    default:
      return tab satisfies never
  }
}

function CorpsPart({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  if (!isSuite(connection)) return null
  return (
    <Flex vertical gap={16}>
      <Section title={t('suite.ticket.title')}>
        <div style={{ marginBlockStart: 12, maxWidth: 760 }}>
          <SuiteTicket connection={connection} />
        </div>
      </Section>
      <Section title={t('suite.corps.title')} why={t(`suite.corps.why.${connection.kind}`)}>
        <CorpsPanel connection={connection} />
      </Section>
    </Flex>
  )
}

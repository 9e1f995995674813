/**
 * Domain and address: what to paste into WeCom and where, the file by which WeCom knows that the domain is ours, and the
 * address that WeCom sees. In the order in which WeCom lets an administrator do it.
 */
import { diagnoseConnection, getDiagnosis, type Connection } from '@muster/contracts'
import { ReloadOutlined } from '@ant-design/icons'
import { Alert, Button, Flex, Typography } from 'antd'
import type { TFunction } from 'i18next'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { When } from '../design/when.tsx'
import { useMay } from '../shell/session.tsx'
import { domainOf, isPublic } from './addresses.ts'
import { EnteredElsewhere } from './entered-elsewhere.tsx'
import { hasSuiteCredentials, isSuite } from './suites/suite-credentials.ts'
import { VerificationFileField } from './verification-file.tsx'

export function AddressPanel({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const domain = domainOf(connection.redirectUrl)
  const { kind } = connection
  const isOwn = kind === 'self_built'
  return (
    <Flex vertical gap={28} style={{ maxWidth: 760 }}>
      <Part
        number={1}
        title={t('settings.address.domains')}
        why={isOwn ? t('settings.address.domainsWhy') : t(`suite.address.${kind}.domainsWhy`)}
      >
        {!isPublic(connection.redirectUrl) && (
          <Alert
            type="warning"
            showIcon
            title={t('settings.address.notPublic', { host: domain })}
            style={{ marginBlockEnd: 16 }}
          />
        )}
        <Flex vertical gap={16}>
          {domainsOf(t, kind).map(({ label, where }) => (
            <EnteredElsewhere key={label} label={label} where={where} value={domain} />
          ))}
          <EnteredElsewhere
            label={t('settings.address.redirect')}
            where={t('settings.address.redirectWhere')}
            value={connection.redirectUrl}
          />
        </Flex>
      </Part>
      <Part number={2} title={t('settings.address.file')} why={t('settings.address.fileWhy')}>
        <VerificationFileField connection={connection} />
      </Part>
      <Part
        number={3}
        title={t('settings.address.ip')}
        why={isOwn ? t('settings.address.ipWhy') : t(`suite.address.${kind}.ipWhy`)}
      >
        <ObservedAddress connection={connection} />
      </Part>
    </Flex>
  )
}

/** Where the same host has to be entered, in the words of WeCom's pages for this kind of app. */
function domainsOf(t: TFunction<'connections'>, kind: Connection['kind']): { label: string; where: string }[] {
  switch (kind) {
    case 'self_built':
      return [
        { label: t('settings.address.trusted'), where: t('settings.address.trustedWhere') },
        { label: t('settings.address.callbackDomain'), where: t('settings.address.callbackDomainWhere') },
      ]
    case 'delegated':
      return [
        { label: t('settings.address.trusted'), where: t('suite.address.delegated.trustedWhere') },
        { label: t('settings.address.callbackDomain'), where: t('suite.address.delegated.callbackDomainWhere') },
      ]
    case 'service_provider':
      return [
        { label: t('suite.address.service_provider.launch'), where: t('suite.address.service_provider.launchWhere') },
        {
          label: t('suite.address.service_provider.callbackDomain'),
          where: t('suite.address.service_provider.callbackDomainWhere'),
        },
        { label: t('settings.address.trusted'), where: t('suite.address.service_provider.trustedWhere') },
      ]
    default:
      return kind satisfies never
  }
}

function Part({ number, title, why, children }: { number: number; title: string; why: string; children: ReactNode }) {
  return (
    <section>
      <Typography.Title level={3} style={{ margin: 0, fontSize: 16 }}>
        {number}. {title}
      </Typography.Title>
      <Typography.Paragraph type="secondary" style={{ marginBlock: '4px 12px' }}>
        {why}
      </Typography.Paragraph>
      {children}
    </section>
  )
}

/** WeCom says which address it sees only when it refuses it (60020), so it has to be asked. */
function ObservedAddress({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const mayAsk = useMay('operator')
  const last = useRead(getDiagnosis, { params: { id: connection.id } })
  const doctor = useAction(diagnoseConnection)
  const diagnosis = last.data?.diagnosis ?? undefined
  const checks = doctor.data?.checks ?? diagnosis?.checks ?? []
  const seen = doctor.data === undefined ? diagnosis?.observedAddress : doctor.data.observedAddress
  const check = checks.find(({ name }) => name === 'address')
  const hasCredentials = isSuite(connection)
    ? hasSuiteCredentials(connection)
    : connection.corpId !== null && (connection.hasSecret || connection.hasContactsSecret)
  return (
    <>
      {check?.result === 'pass' ? (
        <Alert type="success" showIcon title={t('settings.address.ipTrusted')} style={{ marginBlockEnd: 12 }} />
      ) : typeof seen === 'string' ? (
        <div style={{ marginBlockEnd: 16 }}>
          <EnteredElsewhere label={t('settings.address.ipSeen')} where={t('settings.address.ipWait')} value={seen} />
        </div>
      ) : (
        <Typography.Paragraph>{t('settings.address.ipUnknown')}</Typography.Paragraph>
      )}
      {check !== undefined && check.result !== 'pass' && (
        <Alert
          type={check.result === 'fail' ? 'error' : 'warning'}
          showIcon
          title={check.detail}
          description={check.remedy}
          style={{ marginBlockEnd: 12 }}
        />
      )}
      {doctor.error && <ProblemAlert error={doctor.error} />}
      {mayAsk && (
        <Flex gap={12} align="center" wrap>
          <Button
            icon={<ReloadOutlined aria-hidden />}
            loading={doctor.isPending}
            disabled={!hasCredentials}
            onClick={() => doctor.mutate({ params: { id: connection.id } })}
          >
            {t(check === undefined ? 'settings.address.check' : 'settings.address.recheck')}
          </Button>
          <Typography.Text type="secondary">
            {hasCredentials
              ? diagnosis !== undefined && (
                  <>
                    {t('details.doctor.ran')} <When at={diagnosis.ranAt} />
                  </>
                )
              : t('settings.address.needsCredentials')}
          </Typography.Text>
        </Flex>
      )}
    </>
  )
}

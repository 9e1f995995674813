/** What the doctor found: every check with its result in a word, what it means and what to do. */
import { diagnoseConnection, getDiagnosis, type Connection, type Diagnosis } from '@muster/contracts'
import {
  CheckCircleFilled,
  CloseCircleFilled,
  MedicineBoxOutlined,
  MinusCircleOutlined,
  WarningFilled,
} from '@ant-design/icons'
import { Alert, Button, Flex, Skeleton, Typography, theme } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { Copyable } from '../design/copyable.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { When } from '../design/when.tsx'
import { May } from '../shell/session.tsx'

type Check = Diagnosis['checks'][number]

export function DoctorPanel({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const last = useRead(getDiagnosis, { params: { id: connection.id } })
  const doctor = useAction(diagnoseConnection)
  const diagnosis = last.data?.diagnosis ?? undefined
  const checks = diagnosis?.checks ?? doctor.data?.checks
  const seen = diagnosis?.observedAddress ?? doctor.data?.observedAddress
  return (
    <>
      <Flex gap={16} align="center" wrap style={{ marginBlockEnd: 16 }}>
        <May role="operator">
          <Button
            icon={<MedicineBoxOutlined aria-hidden />}
            type={checks === undefined ? 'primary' : 'default'}
            loading={doctor.isPending}
            onClick={() => doctor.mutate({ params: { id: connection.id } })}
          >
            {t(checks === undefined ? 'details.doctor.run' : 'details.doctor.again')}
          </Button>
        </May>
        <Typography.Text type="secondary">
          {diagnosis === undefined ? (
            !last.isPending && checks === undefined && t('details.doctor.never')
          ) : (
            <>
              {t('details.doctor.ran')} <When at={diagnosis.ranAt} />
            </>
          )}
        </Typography.Text>
      </Flex>
      {diagnosis?.isOutdated === true && (
        <Alert type="info" showIcon title={t('details.doctor.outdated')} style={{ marginBlockEnd: 16 }} />
      )}
      {(doctor.error ?? last.error) && <ProblemAlert error={doctor.error ?? last.error} />}
      {last.isPending && checks === undefined && <Skeleton active />}
      <div aria-live="polite" aria-busy={doctor.isPending}>
        {checks && <Checks checks={checks} />}
      </div>
      {typeof seen === 'string' && (
        <div style={{ marginBlockStart: 16, maxWidth: 480 }}>
          <strong>{t('details.doctor.address')}</strong>
          <Copyable label={t('details.doctor.address')} value={seen} />
        </div>
      )}
    </>
  )
}

function Checks({ checks }: { checks: readonly Check[] }) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  const sum = (result: Check['result']) => checks.filter((check) => check.result === result).length
  return (
    <>
      <Typography.Paragraph strong>
        {t('details.doctor.sum', {
          pass: sum('pass'),
          warn: sum('warn'),
          fail: sum('fail'),
          skipped: sum('skipped'),
        })}
      </Typography.Paragraph>
      <ul style={{ listStyle: 'none', margin: 0, padding: 0 }}>
        {checks.map((check) => (
          <li
            key={check.name}
            style={{ paddingBlock: 12, borderBlockStart: `1px solid ${token.colorBorderSecondary}` }}
          >
            <CheckLine check={check} />
          </li>
        ))}
      </ul>
    </>
  )
}

function CheckLine({ check: { result, title, detail, remedy, wecomCode } }: { check: Check }) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  const icons: Record<Check['result'], ReactNode> = {
    pass: <CheckCircleFilled aria-hidden style={{ color: token.colorSuccess }} />,
    warn: <WarningFilled aria-hidden style={{ color: token.colorWarning }} />,
    fail: <CloseCircleFilled aria-hidden style={{ color: token.colorError }} />,
    skipped: <MinusCircleOutlined aria-hidden style={{ color: token.colorTextSecondary }} />,
  }
  return (
    <Flex gap={12} align="start">
      <span style={{ fontSize: 18, lineHeight: '24px' }}>{icons[result]}</span>
      <Flex wrap gap="4px 16px" style={{ flex: 1, minWidth: 0 }}>
        <div style={{ flex: '0 0 160px' }}>
          <strong>{title}</strong>
          <div>
            <Typography.Text type="secondary">{t(`details.doctor.result.${result}`)}</Typography.Text>
          </div>
        </div>
        <div style={{ flex: '1 1 320px', minWidth: 0, overflowWrap: 'anywhere' }}>
          <div>{detail}</div>
          {remedy !== null && (
            <div style={{ marginBlockStart: 4 }}>
              <strong>{t('details.doctor.remedy')}:</strong> {remedy}
            </div>
          )}
          {wecomCode !== undefined && result !== 'pass' && (
            <Typography.Text type="secondary">{t('details.doctor.code', { code: wecomCode })}</Typography.Text>
          )}
        </div>
      </Flex>
    </Flex>
  )
}

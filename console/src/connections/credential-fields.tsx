/** What forms of credentials are made of: a field for what goes in and never comes out, and what WeCom said about one. */
import { diagnoseConnection, getDiagnosis, type Connection, type Diagnosis } from '@muster/contracts'
import { CheckCircleFilled, CloseCircleFilled, WarningFilled } from '@ant-design/icons'
import { Input, Typography, theme } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'

/** As the contract has it: printable characters without spaces. */
export const PRINTABLE = /^[\x21-\x7e]*$/

/** The doctor, and what it found out about the credentials as they are stored now: nothing, where they were changed since. */
export function useDoctor({ id }: Connection) {
  const last = useRead(getDiagnosis, { params: { id } })
  // Its own answer is not looked at: it says nothing about what is saved afterwards, and the last one is read again anyway.
  const doctor = useAction(diagnoseConnection)
  const diagnosis = last.data?.diagnosis
  return { doctor, found: diagnosis?.isOutdated === false ? diagnosis.checks : [] }
}

export function SecretInput({ isStored, isDisabled, ...field }: { isStored: boolean; isDisabled: boolean }) {
  const { t } = useTranslation('connections')
  return (
    <Input.Password
      {...field}
      maxLength={512}
      autoComplete="new-password"
      spellCheck={false}
      disabled={isDisabled}
      placeholder={isStored ? (isDisabled ? '••••••••' : t('settings.credentials.stored')) : ''}
    />
  )
}

export function Verdict({ check }: { check: Diagnosis['checks'][number] | undefined }) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  if (check === undefined || check.result === 'skipped') return null
  const looks = {
    pass: { icon: <CheckCircleFilled aria-hidden style={{ color: token.colorSuccess }} />, type: 'success' },
    warn: { icon: <WarningFilled aria-hidden style={{ color: token.colorWarning }} />, type: 'warning' },
    fail: { icon: <CloseCircleFilled aria-hidden style={{ color: token.colorError }} />, type: 'danger' },
  } as const
  const { icon, type } = looks[check.result]
  const words: ReactNode =
    check.result === 'pass' ? `${t('settings.credentials.verified')} ${check.detail}` : check.detail
  return (
    <div role="status" style={{ marginBlockStart: 4 }}>
      {icon} <Typography.Text type={type}>{words}</Typography.Text>
      {check.remedy !== null && <div>{check.remedy}</div>}
    </div>
  )
}

/** What every step of the wizard has: what it is about, and the ways back and on. */
import { Button, Flex, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

export function StepIntro({ children }: { children: ReactNode }) {
  return (
    <Typography.Paragraph type="secondary" style={{ maxWidth: 760 }}>
      {children}
    </Typography.Paragraph>
  )
}

/** @param onNext undefined where the button submits the form that it stands in */
export function StepFooter({
  onBack,
  onNext,
  next,
  isSaving = false,
  isBlocked = false,
}: {
  onBack?: (() => void) | undefined
  onNext?: () => void
  next?: string
  isSaving?: boolean
  isBlocked?: boolean
}) {
  const { t } = useTranslation('connections')
  return (
    <Flex gap={8} style={{ marginBlockStart: 24 }}>
      {onBack && <Button onClick={onBack}>{t('wizard.back')}</Button>}
      <Button
        type="primary"
        htmlType={onNext === undefined ? 'submit' : 'button'}
        loading={isSaving}
        disabled={isBlocked}
        {...(onNext === undefined ? {} : { onClick: onNext })}
      >
        {next ?? t('wizard.next')}
      </Button>
    </Flex>
  )
}

/** Of a part of a step. */
export function Heading({ title, why }: { title: string; why?: string }) {
  return (
    <>
      <Typography.Title level={3} style={{ margin: 0, fontSize: 16 }}>
        {title}
      </Typography.Title>
      <Typography.Paragraph type="secondary" style={{ marginBlock: '4px 12px', maxWidth: 760 }}>
        {why}
      </Typography.Paragraph>
    </>
  )
}

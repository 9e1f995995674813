/** What is shown instead of a page: to who is not signed in or has no role, where there is no page, and where one failed. */
import { KeyOutlined } from '@ant-design/icons'
import { Link, type ErrorComponentProps } from '@tanstack/react-router'
import { Button, Result } from 'antd'
import { useTranslation } from 'react-i18next'
import { LanguageChoice } from './language-choice.tsx'
import { signInAddress } from './session.tsx'

export function SignedOut() {
  const { t } = useTranslation('shell')
  return (
    <main>
      <Result
        title={t('signedOut.title')}
        subTitle={t('signedOut.why')}
        // Its drawing reaches over its edge.
        icon={<KeyOutlined className="whole" />}
        extra={[
          <Button key="go" type="primary" size="large" href={signInAddress()}>
            {t('signedOut.go')}
          </Button>,
          <LanguageChoice key="language" />,
        ]}
      />
    </main>
  )
}

export function NoRole() {
  const { t } = useTranslation('shell')
  return (
    <main>
      <Result
        status="403"
        title={t('noRole.title')}
        subTitle={t('noRole.why')}
        extra={[
          <Button key="account" type="primary" href="/account">
            {t('noRole.account')}
          </Button>,
          <LanguageChoice key="language" />,
        ]}
      />
    </main>
  )
}

export function NotFound() {
  const { t } = useTranslation('shell')
  return (
    <main>
      <Result
        status="404"
        title={t('notFound.title')}
        extra={
          <Link to="/">
            <Button type="primary">{t('notFound.go')}</Button>
          </Link>
        }
      />
    </main>
  )
}

export function Broken({ error }: ErrorComponentProps) {
  const { t } = useTranslation('shell')
  const text = error instanceof Error ? error.message : String(error)
  return (
    <main>
      <Result status="500" title={t('broken.title')} subTitle={t('broken.why')} extra={<pre>{text}</pre>} />
    </main>
  )
}

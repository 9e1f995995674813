/** What concerns the whole installation: who may do what, programs, organizations, keys. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Descriptions, Tabs } from 'antd'
import { useTranslation } from 'react-i18next'
import { Page } from '../design/page.tsx'
import { When } from '../design/when.tsx'
import { May, useSession } from '../shell/session.tsx'
import { Administrators } from './administrators.tsx'
import { ApiTokens } from './api-tokens.tsx'
import { Organizations } from './organizations.tsx'
import { SigningKeys } from './signing-keys.tsx'

export function Settings() {
  const { t } = useTranslation('settings')
  const { tab = 'administrators' } = useSearch({ from: '/inside/settings' })
  const navigate = useNavigate()
  return (
    <Page title={t('title')}>
      <Tabs
        activeKey={tab}
        onChange={(key) => void navigate({ to: '/settings', search: { tab: key as typeof tab }, replace: true })}
        items={[
          { key: 'administrators', label: t('tabs.administrators'), children: <Administrators /> },
          { key: 'tokens', label: t('tabs.tokens'), children: <ApiTokens /> },
          { key: 'organizations', label: t('tabs.organizations'), children: <Organizations /> },
          {
            key: 'keys',
            label: t('tabs.keys'),
            children: (
              <>
                <p style={{ marginBlockStart: 0 }}>{t('keys.why')}</p>
                <May role="owner">
                  <SigningKeys />
                </May>
              </>
            ),
          },
          { key: 'about', label: t('tabs.about'), children: <About /> },
        ]}
      />
    </Page>
  )
}

function About() {
  const { t } = useTranslation('settings')
  const { data } = useSession()
  if (data === undefined) return null
  return (
    <Descriptions
      column={1}
      bordered
      size="small"
      items={[
        { key: 'version', label: t('about.version'), children: data.version },
        { key: 'address', label: t('about.address'), children: data.publicUrl },
        { key: 'issuer', label: t('about.issuer'), children: `${data.publicUrl}/oidc` },
        { key: 'api', label: t('about.api'), children: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a> },
        { key: 'session', label: t('about.session'), children: <When at={data.session?.expiresAt} /> },
      ]}
    />
  )
}

/** What stands around every page: navigation, who is signed in, language and colours; and what is shown to who is not. */
import { signOutSession } from '@muster/contracts'
import {
  AppstoreOutlined,
  FileSearchOutlined,
  ApiOutlined,
  DashboardOutlined,
  KeyOutlined,
  MenuOutlined,
  QuestionCircleOutlined,
  SettingOutlined,
  SyncOutlined,
  TeamOutlined,
  ThunderboltOutlined,
  UserOutlined,
} from '@ant-design/icons'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { Button, Dropdown, Flex, Grid, Layout, Skeleton, Space, theme } from 'antd'
import { lazy, Suspense, useState, type CSSProperties, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { chooseColours, useColours, type Colours } from './colours.ts'
import { LanguageChoice } from './language-choice.tsx'
import { hasNoRole, isSignedOut, useSession } from './session.tsx'

const SignedOut = lazy(async () => ({ default: (await import('./instead.tsx')).SignedOut }))
const NarrowNavigation = lazy(async () => ({ default: (await import('./narrow-navigation.tsx')).NarrowNavigation }))
const NoRole = lazy(async () => ({ default: (await import('./instead.tsx')).NoRole }))

// The word beside an icon says it all.
const PLACES = [
  { to: '/', word: 'overview', icon: <DashboardOutlined aria-hidden /> },
  { to: '/connections', word: 'connections', icon: <ApiOutlined aria-hidden /> },
  { to: '/runs', word: 'runs', icon: <SyncOutlined aria-hidden /> },
  { to: '/events', word: 'events', icon: <ThunderboltOutlined aria-hidden /> },
  { to: '/people', word: 'people', icon: <TeamOutlined aria-hidden /> },
  { to: '/reviews', word: 'reviews', icon: <QuestionCircleOutlined aria-hidden /> },
  { to: '/sign-ins', word: 'signIns', icon: <KeyOutlined aria-hidden className="whole" /> },
  { to: '/applications', word: 'applications', icon: <AppstoreOutlined aria-hidden /> },
  { to: '/audit', word: 'audit', icon: <FileSearchOutlined aria-hidden /> },
  { to: '/settings', word: 'settings', icon: <SettingOutlined aria-hidden /> },
] as const

export function Shell() {
  const session = useSession()
  if (session.isPending) return <Skeleton active style={{ padding: 48 }} />
  if (isSignedOut(session.error) || hasNoRole(session.error)) {
    return <Suspense>{isSignedOut(session.error) ? <SignedOut /> : <NoRole />}</Suspense>
  }
  if (session.error) {
    return (
      <div style={{ padding: 48 }}>
        <ProblemAlert error={session.error} onRetry={() => void session.refetch()} />
      </div>
    )
  }
  return (
    <Frame>
      <Outlet />
    </Frame>
  )
}

function Frame({ children }: { children: ReactNode }) {
  const { t } = useTranslation('shell')
  const isWide = Grid.useBreakpoint().lg ?? true
  const [isOpen, setOpen] = useState(false)
  const { token } = theme.useToken()
  return (
    <Layout style={{ minHeight: '100%' }}>
      <a className="skip-link" href="#page">
        {t('skip')}
      </a>
      {isWide ? (
        <Layout.Sider theme="light" width={208} style={{ borderInlineEnd: `1px solid ${token.colorBorderSecondary}` }}>
          <Brand />
          <Navigation />
        </Layout.Sider>
      ) : (
        <Suspense>
          <NarrowNavigation isOpen={isOpen} onClose={() => setOpen(false)}>
            <Navigation onGo={() => setOpen(false)} />
          </NarrowNavigation>
        </Suspense>
      )}
      <Layout>
        <Layout.Header
          style={{
            background: token.colorBgContainer,
            borderBlockEnd: `1px solid ${token.colorBorderSecondary}`,
            paddingInline: 24,
            height: 56,
            lineHeight: '56px',
          }}
        >
          <Flex justify="space-between" align="center" style={{ height: '100%' }}>
            {isWide ? (
              <span />
            ) : (
              <Button icon={<MenuOutlined aria-hidden />} onClick={() => setOpen(true)} aria-label={t('menu')} />
            )}
            <Space>
              <LanguageChoice />
              <ColourChoice />
              <Person />
            </Space>
          </Flex>
        </Layout.Header>
        <Layout.Content id="page" tabIndex={-1} style={{ padding: isWide ? 24 : 16, outline: 'none' }}>
          {children}
        </Layout.Content>
      </Layout>
    </Layout>
  )
}

function Brand() {
  const { token } = theme.useToken()
  return (
    <strong style={{ display: 'block', padding: '16px 24px', fontSize: 18, color: token.colorText }}>Muster</strong>
  )
}

function Navigation({ onGo }: { onGo?: () => void }) {
  const { t } = useTranslation('shell')
  const { pathname } = useLocation()
  const { isDark } = useColours()
  const { token } = theme.useToken()
  const current = PLACES.findLast(({ to }) => pathname === to || pathname.startsWith(`${to === '/' ? '//' : to}/`))
  const colours = {
    '--place-text': token.colorText,
    '--place-hover': token.controlItemBgHover,
    '--place-here': token.controlItemBgActive,
    '--place-here-text': isDark ? token.blue9 : token.colorPrimary,
  }
  return (
    <nav aria-label={t('navigation')}>
      <ul className="places" style={colours as CSSProperties}>
        {PLACES.map(({ to, word, icon }) => (
          <li key={to}>
            <Link
              to={to}
              onClick={() => onGo?.()}
              activeProps={{}}
              {...(current?.to === to ? { 'aria-current': 'page' as const } : {})}
            >
              {icon}
              {t(`nav.${word}`)}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function ColourChoice() {
  const { t } = useTranslation('shell')
  const { chosen } = useColours()
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectedKeys: [chosen],
        items: (['light', 'dark', 'system'] as const).map((key) => ({ key, label: t(`colours.${key}`) })),
        onClick: ({ key }) => chooseColours(key as Colours),
      }}
    >
      <Button type="text">{t('colours.label')}</Button>
    </Dropdown>
  )
}

function Person() {
  const { t } = useTranslation('shell')
  const { data } = useSession()
  const signOut = useAction(signOutSession, () => window.location.assign('/console/'))
  if (data === undefined) return null
  const name = nameText(data.user?.displayName ?? data.via)
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'role', disabled: true, label: t(`role.${data.role}`) },
          { key: 'account', label: <a href="/account">{t('account.mine')}</a> },
          { key: 'out', label: t('account.signOut'), onClick: () => signOut.mutate({}) },
        ],
      }}
    >
      <Button type="text" icon={<UserOutlined aria-hidden />} aria-label={t('account.of', { name })}>
        <bdi>{name}</bdi>
      </Button>
    </Dropdown>
  )
}

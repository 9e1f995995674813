/** Everything around the pages, from the outside in: language, colours, requests, routes. */
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { ConfigProvider, theme, type ThemeConfig } from 'antd'
import en from 'antd/locale/en_US'
import zh from 'antd/locale/zh_CN'
import { useTranslation } from 'react-i18next'
import { queryClient } from './api.ts'
import { nonce } from './policy.ts'
import { router } from './router.tsx'
import { useColours } from './shell/colours.ts'
import { Confirmation } from './shell/confirmation.tsx'
import { useMotion } from './shell/motion.ts'
import { currentLanguage } from './texts.ts'

/** antd's own colours, darker or lighter where they would be hard to read or to see (WCAG 2, 1.4.3 and 1.4.11). */
const LIGHT: ThemeConfig = {
  algorithm: theme.defaultAlgorithm,
  token: {
    colorPrimary: '#0958d9',
    colorPrimaryHover: '#1f66dc',
    colorLinkHover: '#1f66dc',
    colorInfo: '#0958d9',
    colorSuccess: '#237804',
    colorWarning: '#8f5a00',
    colorError: '#cf1322',
    // Derived from the darker ones they would be grey.
    colorPrimaryBg: '#e6f4ff',
    colorInfoBg: '#e6f4ff',
    colorInfoBorder: '#91caff',
    colorSuccessBg: '#f6ffed',
    colorSuccessBorder: '#b7eb8f',
    colorWarningBg: '#fffbe6',
    colorWarningBorder: '#ffe58f',
    colorErrorBg: '#fff2f0',
    colorErrorBorder: '#ffccc7',
    colorLink: '#0958d9',
    colorTextDescription: '#595959',
    colorTextPlaceholder: '#6b6b6b',
    colorTextDisabled: '#767676',
    colorTextTertiary: '#595959',
  },
  components: {
    // An empty box is all there is to see of a choice that was not taken.
    Checkbox: { colorBorder: '#8c8c8c' },
    Radio: { colorBorder: '#8c8c8c' },
  },
}
const DARK: ThemeConfig = {
  algorithm: theme.darkAlgorithm,
  token: {
    colorLink: '#69b1ff',
    colorTextDescription: '#a6a6a6',
    colorTextPlaceholder: '#a0a0a0',
    colorTextDisabled: '#949494',
    colorError: '#ff7875',
  },
  components: {
    // On the light red of dark mode, white would be hard to read.
    Button: { dangerColor: '#141414' },
    Menu: { itemSelectedColor: '#91caff' },
    Checkbox: { colorBorder: '#757575' },
    Radio: { colorPrimary: '#69b1ff', colorBorder: '#757575' },
    Tabs: { itemSelectedColor: '#69b1ff' },
  },
}

export function App() {
  useTranslation() // a new language is a new picture
  const { isDark } = useColours()
  const motion = useMotion()
  const colours = isDark ? DARK : LIGHT
  return (
    <ConfigProvider
      // Two Chinese characters stay one word, for whoever searches the page or hears it read.
      button={{ autoInsertSpace: false }}
      csp={{ nonce }}
      locale={currentLanguage() === 'zh' ? zh : en}
      theme={{ ...colours, token: { ...colours.token, motion } }}
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <Confirmation />
      </QueryClientProvider>
    </ConfigProvider>
  )
}

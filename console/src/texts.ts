/**
 * The words of the console: i18next with one namespace an area, both languages complete by type. The areas are listed
 * here; their words stand beside their pages. The language is what somebody chose, else the browser's.
 */
import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export type Language = 'en' | 'zh'

/** Both languages of an area. The second has to have the keys of the first, no fewer and no more. */
export function bothLanguages<const Words extends Tree>(en: Words, zh: SameKeys<Words>) {
  return { en, zh }
}

export interface Tree {
  readonly [key: string]: string | Tree
}
export type SameKeys<T> = { readonly [K in keyof T]: T[K] extends string ? string : SameKeys<T[K]> }

const CHOSEN = 'muster.language'

export function currentLanguage(): Language {
  return i18next.resolvedLanguage === 'zh' ? 'zh' : 'en'
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(CHOSEN, language)
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  await i18next.changeLanguage(language)
}

/** Whether the words of an area are there already. */
export function hasWords(area: string): boolean {
  return i18next.hasResourceBundle('en', area)
}

export function addWords(area: string, { en, zh }: { en: Tree; zh: Tree }): void {
  i18next.addResourceBundle('en', area, en)
  i18next.addResourceBundle('zh', area, zh)
}

export async function startTexts(areas: Readonly<Record<string, { en: Tree; zh: Tree }>>): Promise<void> {
  const language = localStorage.getItem(CHOSEN) ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en')
  const resources = {
    en: Object.fromEntries(Object.entries(areas).map(([area, { en }]) => [area, en])),
    zh: Object.fromEntries(Object.entries(areas).map(([area, { zh }]) => [area, zh])),
  }
  await i18next.use(initReactI18next).init({
    resources,
    lng: language,
    fallbackLng: 'en',
    supportedLngs: ['en', 'zh'],
    ns: Object.keys(areas),
    defaultNS: 'shell',
    // A page whose loader forgot an area: tests take what the console of the browser says for a failure.
    saveMissing: true,
    missingKeyHandler: (_languages, area, key) => console.error(`no words for ${area}:${key}`),
    // React escapes.
    interpolation: { escapeValue: false },
  })
  document.documentElement.lang = currentLanguage() === 'zh' ? 'zh-CN' : 'en'
}

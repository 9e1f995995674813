/** The other language, in its own words. */
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { queryClient } from '../api.ts'
import { chooseLanguage, currentLanguage, type Language } from '../texts.ts'

/** What the server said is in the language of that moment, so it is asked again. */
async function choose(language: Language): Promise<void> {
  await chooseLanguage(language)
  await queryClient.invalidateQueries()
}

export function LanguageChoice() {
  const { t } = useTranslation('shell')
  const other = currentLanguage() === 'zh' ? 'en' : 'zh'
  return (
    <Button type="text" lang={other === 'zh' ? 'zh-CN' : 'en'} onClick={() => void choose(other)}>
      {t(`language.${other}`)}
    </Button>
  )
}

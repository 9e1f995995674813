/** What is to be entered in a known product, filled in. */
import { settingsFor, type ApplicationPreset, type PresetValues } from '@muster/contracts'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { Copyable } from '../design/copyable.tsx'
import { currentLanguage } from '../texts.ts'

export function ProductSettings({ preset, values }: { preset: ApplicationPreset; values: PresetValues }) {
  const { t } = useTranslation('applications')
  const language = currentLanguage()
  const settings = settingsFor(preset, values)
  return (
    <section>
      <Typography.Title level={2} style={{ fontSize: 16 }}>
        {t('product.title', { name: preset.name })}
      </Typography.Title>
      <p>{settings.where[language]}</p>
      {settings.kind === 'text' ? (
        <Typography.Paragraph copyable={{ text: settings.text, tabIndex: 0 }}>
          <pre style={{ overflow: 'auto' }} tabIndex={0}>
            {settings.text}
          </pre>
        </Typography.Paragraph>
      ) : (
        settings.fields.map(({ name, value }) => (
          <div key={name} style={{ marginBlockEnd: 8 }}>
            <div>{name}</div>
            <Copyable label={name} value={value} />
          </div>
        ))
      )}
      <ul>
        {preset.notes.map((note) => (
          <li key={note.en}>{note[language]}</li>
        ))}
      </ul>
    </section>
  )
}

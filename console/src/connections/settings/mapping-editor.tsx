/** The rules that make a user of a member, one a row, with what is wrong with each. A controlled part: it saves nothing. */
import {
  defaultMapping,
  MAPPING_FUNCTIONS,
  MEMBER_FIELDS,
  readMapping,
  type MappingProblem,
  type UserField,
} from '@muster/contracts'
import { ArrowUpOutlined, DeleteOutlined, EditOutlined, PlusOutlined, UnorderedListOutlined } from '@ant-design/icons'
import { Button, Flex, Input, Select, Tooltip, Typography, theme } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { nameText } from '../../design/name.tsx'
import { currentLanguage } from '../../texts.ts'
import { changed, entriesOf, movedUp, rowsOf, withRow, type MappingRow } from './mapping-rows.ts'

/** In the order in which somebody looks for them. */
const USER_FIELDS: readonly UserField[] = [
  'username',
  'displayName',
  'email',
  'phone',
  'title',
  'gender',
  'avatarUrl',
  'directLeaderUserId',
  'attributes',
]

export function MappingEditor({
  rows,
  onChange,
}: {
  rows: readonly MappingRow[]
  onChange: (rows: MappingRow[]) => void
}) {
  const { t } = useTranslation('connections')
  const [next, setNext] = useState<UserField>('title')
  const { problems } = readMapping(entriesOf(rows))
  const general = problems.filter(({ index }) => index === null)
  return (
    <>
      <Flex vertical gap={8}>
        {rows.map((row, index) => (
          <Rule
            key={row.key}
            row={row}
            number={index + 1}
            problems={problems.filter((problem) => problem.index === index)}
            onChange={(change) => onChange(changed(rows, index, change))}
            onRemove={() => onChange(rows.toSpliced(index, 1))}
            onUp={index === 0 ? undefined : () => onChange(movedUp(rows, index))}
          />
        ))}
      </Flex>
      <div role="status">
        {general.map(({ en, zh }) => (
          <Typography.Paragraph key={en} type="danger" style={{ marginBlock: 8 }}>
            {currentLanguage() === 'zh' ? zh : en}
          </Typography.Paragraph>
        ))}
      </div>
      <Flex gap={8} wrap style={{ marginBlockStart: 16 }}>
        <Select
          aria-label={t('settings.mapping.addTo')}
          value={next}
          onChange={setNext}
          style={{ width: 200 }}
          options={USER_FIELDS.map((field) => ({ value: field, label: t(`settings.mapping.user.${field}`) }))}
        />
        <Button icon={<PlusOutlined aria-hidden />} onClick={() => onChange(withRow(rows, next))}>
          {t('settings.mapping.add')}
        </Button>
        <Button type="text" onClick={() => onChange(rowsOf(defaultMapping))}>
          {t('settings.mapping.defaults')}
        </Button>
      </Flex>
    </>
  )
}

function Rule({
  row,
  number,
  problems,
  onChange,
  onRemove,
  onUp,
}: {
  row: MappingRow
  number: number
  problems: readonly MappingProblem[]
  onChange: (change: Partial<MappingRow>) => void
  onRemove: () => void
  onUp: (() => void) | undefined
}) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  const isWrong = problems.length > 0
  const isTemplate = row.form === 'template'
  const status = isWrong ? { status: 'error' as const } : {}
  return (
    <fieldset
      style={{
        margin: 0,
        padding: 8,
        minWidth: 0,
        border: `1px solid ${isWrong ? token.colorErrorBorder : token.colorBorderSecondary}`,
        borderRadius: token.borderRadius,
      }}
    >
      <legend className="visually-hidden">{t('settings.mapping.rule', { number })}</legend>
      <Flex gap={6} align="center" wrap>
        <Select
          aria-label={t('settings.mapping.to')}
          value={row.to}
          onChange={(to: string) => onChange({ to })}
          style={{ flex: '1 1 150px', minWidth: 0 }}
          options={USER_FIELDS.map((field) => ({ value: field, label: t(`settings.mapping.user.${field}`) }))}
        />
        <span aria-hidden>←</span>
        {!isTemplate ? (
          <Select
            mode="tags"
            aria-label={t('settings.mapping.from')}
            placeholder={t('settings.mapping.fromPlaceholder')}
            value={[...row.fields]}
            onChange={(fields: string[]) => onChange({ fields: fields.map((field) => field.trim()) })}
            style={{ flex: '1 1 120px', minWidth: 0 }}
            options={Object.keys(MEMBER_FIELDS).map((field) => ({ value: field, label: field }))}
            {...status}
          />
        ) : (
          <Input
            aria-label={t('settings.mapping.template')}
            placeholder={t('settings.mapping.templatePlaceholder')}
            value={row.template}
            maxLength={200}
            onChange={({ target }) => onChange({ template: target.value })}
            style={{ flex: '1 1 120px', minWidth: 0 }}
            {...status}
          />
        )}
        <Select
          aria-label={t('settings.mapping.use')}
          value={row.use ?? ''}
          onChange={(use: string) => onChange({ use: use === '' ? null : use })}
          style={{ flex: '0 1 96px', minWidth: 0 }}
          options={[
            { value: '', label: t('settings.mapping.useNone') },
            ...MAPPING_FUNCTIONS.map((use) => ({ value: use, label: t(`settings.mapping.useWord.${use}`) })),
          ]}
        />
        <Flex>
          <Tooltip title={t(isTemplate ? 'settings.mapping.toFields' : 'settings.mapping.toTemplate', { number })}>
            <Button
              type="text"
              icon={isTemplate ? <UnorderedListOutlined aria-hidden /> : <EditOutlined aria-hidden />}
              aria-label={t(isTemplate ? 'settings.mapping.toFields' : 'settings.mapping.toTemplate', { number })}
              onClick={() => onChange({ form: isTemplate ? 'fields' : 'template' })}
            />
          </Tooltip>
          <Button
            type="text"
            icon={<ArrowUpOutlined aria-hidden />}
            aria-label={t('settings.mapping.up', { number })}
            disabled={onUp === undefined}
            onClick={() => onUp?.()}
          />
          <Button
            type="text"
            icon={<DeleteOutlined aria-hidden />}
            aria-label={t('settings.mapping.remove', { number })}
            onClick={onRemove}
          />
        </Flex>
      </Flex>
      <div role="status">
        {problems.map(({ en, zh }) => (
          <Typography.Text key={en} type="danger">
            {currentLanguage() === 'zh' ? zh : en}
          </Typography.Text>
        ))}
      </div>
    </fieldset>
  )
}

/** The same for who may only read. */
export function MappingText({ rows }: { rows: readonly MappingRow[] }) {
  const { t } = useTranslation('connections')
  const wordOf = (to: string) => {
    const known = USER_FIELDS.find((field) => field === to)
    return known === undefined ? to : t(`settings.mapping.user.${known}`)
  }
  const useOf = (use: string | null) => {
    const known = MAPPING_FUNCTIONS.find((name) => name === use)
    return known === undefined ? '' : ` · ${t(`settings.mapping.useWord.${known}`)}`
  }
  return (
    <ol style={{ margin: 0, paddingInlineStart: 24 }}>
      {rows.map(({ key, to, form, fields, template, use }) => (
        <li key={key} style={{ paddingBlock: 4 }}>
          {wordOf(to)} ← <code>{nameText(form === 'template' ? template : fields.join(', '))}</code>
          {useOf(use)}
        </li>
      ))}
    </ol>
  )
}

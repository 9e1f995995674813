/** What happens when WeCom and the directory differ, and how members find their account: each choice by its outcome. */
import type { Connection } from '@muster/contracts'
import { Checkbox, Form, Radio, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../shell/session.tsx'
import type { Patch } from '../credentials.ts'

type Sync = Connection['sync']

export type DifferenceValues = Pick<Sync, 'users' | 'departments' | 'notActivated' | 'bindByUsername' | 'matchFields'>

export function differencesOf({
  users,
  departments,
  notActivated,
  bindByUsername,
  matchFields,
}: Sync): DifferenceValues {
  return { users, departments, notActivated, bindByUsername, matchFields }
}

export function differencesPatch(values: DifferenceValues): NonNullable<Patch['sync']> {
  return { ...values, matchFields: [...values.matchFields] }
}

export function BindingFields() {
  const { t } = useTranslation('connections')
  return (
    <>
      <Form.Item
        name="bindByUsername"
        valuePropName="checked"
        extra={t('settings.binding.byUsernameHelp')}
        style={{ marginBlockEnd: 16 }}
      >
        <Checkbox>{t('settings.binding.byUsername')}</Checkbox>
      </Form.Item>
      <Form.Item name="matchFields" label={t('settings.binding.matchFields')}>
        <Checkbox.Group
          options={(['email', 'phone'] as const).map((value) => ({ value, label: t(`settings.binding.${value}`) }))}
        />
      </Form.Item>
    </>
  )
}

export function DifferenceFields() {
  return (
    <>
      <LeaverField />
      <OtherDifferenceFields />
    </>
  )
}

/** Whether leavers lose their access: the one that everybody has to decide. */
export function LeaverField() {
  const { t } = useTranslation('connections')
  return (
    <Choice
      name={['users', 'onlyHere']}
      label={t('settings.difference.usersOnlyHere')}
      options={(['ignore', 'disable', 'delete'] as const).map((value) => ({
        value,
        word: t(`settings.difference.usersOnlyHereOption.${value}`),
        effect: t(`settings.difference.usersOnlyHereEffect.${value}`),
      }))}
    />
  )
}

export function OtherDifferenceFields() {
  const { t } = useTranslation('connections')
  return (
    <>
      <Choice
        name={['users', 'onlyWecom']}
        label={t('settings.difference.usersOnlyWecom')}
        options={(['create', 'ignore'] as const).map((value) => ({
          value,
          word: t(`settings.difference.usersOnlyWecomOption.${value}`),
          effect: t(`settings.difference.usersOnlyWecomEffect.${value}`),
        }))}
      />
      <Choice
        name={['departments', 'onlyHere']}
        label={t('settings.difference.departmentsOnlyHere')}
        options={(['ignore', 'delete'] as const).map((value) => ({
          value,
          word: t(`settings.difference.departmentsOnlyHereOption.${value}`),
          effect: t(`settings.difference.departmentsOnlyHereEffect.${value}`),
        }))}
      />
      <Choice
        name={['departments', 'onlyWecom']}
        label={t('settings.difference.departmentsOnlyWecom')}
        options={(['create', 'ignore'] as const).map((value) => ({
          value,
          word: t(`settings.difference.departmentsOnlyWecomOption.${value}`),
          effect: t(`settings.difference.departmentsOnlyWecomEffect.${value}`),
        }))}
      />
      <Choice
        name="notActivated"
        label={t('settings.difference.notActivated')}
        options={(['disable', 'active'] as const).map((value) => ({
          value,
          word: t(`settings.difference.notActivatedOption.${value}`),
          effect: t(`settings.difference.notActivatedEffect.${value}`),
        }))}
      />
    </>
  )
}

/** One of a few, each with what it comes to. A field of a form. */
export function Choice({
  name,
  label,
  options,
}: {
  name: string | string[]
  label: string
  options: readonly { value: string; word: string; effect?: string }[]
}) {
  const mayChange = useMay('operator')
  if (!mayChange) {
    return (
      <Form.Item name={name} label={<strong>{label}</strong>}>
        <Chosen options={options} />
      </Form.Item>
    )
  }
  return (
    <Form.Item name={name} label={<strong>{label}</strong>}>
      <Radio.Group aria-label={label}>
        {options.map(({ value, word, effect }) => (
          <OneLine key={value}>
            <Radio value={value} styles={{ icon: { alignSelf: 'flex-start', marginBlockStart: 3 } }}>
              {word}
              {effect !== undefined && (
                <>
                  <br />
                  <Typography.Text type="secondary">{effect}</Typography.Text>
                </>
              )}
            </Radio>
          </OneLine>
        ))}
      </Radio.Group>
    </Form.Item>
  )
}

/** For who may only read: what was chosen, and not what could be. A field of a form. */
function Chosen({
  value,
  options,
}: {
  value?: string
  options: readonly { value: string; word: string; effect?: string }[]
}) {
  const chosen = options.find((option) => option.value === value)
  return (
    <div>
      {chosen?.word}
      {chosen?.effect !== undefined && (
        <div>
          <Typography.Text type="secondary">{chosen.effect}</Typography.Text>
        </div>
      )}
    </div>
  )
}

function OneLine({ children }: { children: ReactNode }) {
  return <div style={{ marginBlock: 6 }}>{children}</div>
}

/** Who may sign in and as whom, and what of the sign-in page other sites may use. */
import { SignInInput, type Connection } from '@muster/contracts'
import { Checkbox, Form, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { nameText } from '../../design/name.tsx'
import { useMay } from '../../shell/session.tsx'
import { Choice } from './differences.tsx'
import type { Patch } from '../credentials.ts'
import { SettingsSection } from './settings-section.tsx'

type Values = Omit<Connection['signIn'], 'enabled'>

export function SignInForm({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const { enabled: _, ...initial } = connection.signIn
  const isOwned = connection.managedByEnvironment

  /** What the environment owns is not sent, and what is hidden stays as it is. */
  function patchOf({ allowedDomains, ...values }: Values): Patch {
    const domains = isOwned || allowedDomains === undefined ? {} : { allowedDomains }
    return { signIn: { ...values, ...domains } }
  }

  return (
    <SettingsSection<Values>
      title={t('settings.signIn.title')}
      why={t('settings.signIn.why')}
      connection={connection}
      initial={initial}
      patchOf={patchOf}
    >
      <Form.Item name="loginOnly" valuePropName="checked" extra={t('settings.signIn.loginOnlyHelp')}>
        <Checkbox>{t('settings.signIn.loginOnly')}</Checkbox>
      </Form.Item>
      <Unlinked />
      <Choice
        name="unreadableMembers"
        label={t('settings.signIn.unreadable')}
        options={(['refuse', 'allow-linked'] as const).map((value) => ({
          value,
          word: t(`settings.signIn.unreadableOption.${value}`),
        }))}
      />
      <Form.Item name="refreshProfile" valuePropName="checked" style={{ marginBlockEnd: 8 }}>
        <Checkbox>{t('settings.signIn.refreshProfile')}</Checkbox>
      </Form.Item>
      <Form.Item
        name="requestPrivateFields"
        valuePropName="checked"
        extra={t('settings.signIn.requestPrivateFieldsHelp')}
      >
        <Checkbox>{t('settings.signIn.requestPrivateFields')}</Checkbox>
      </Form.Item>
      <Words
        name="allowedDomains"
        label={t('settings.signIn.allowedDomains')}
        help={isOwned ? t('environment.field') : t('settings.signIn.allowedDomainsHelp')}
        placeholder={t('settings.signIn.domainPlaceholder')}
        complaint={t('settings.signIn.badDomain')}
        stored={initial.allowedDomains}
        isReadOnly={isOwned}
      />
      <Form.Item
        name="syntheticEmailDomain"
        label={t('settings.signIn.syntheticEmailDomain')}
        extra={t('settings.signIn.syntheticEmailDomainHelp')}
        rules={[
          {
            validator: (_rule, value: string) =>
              isAccepted('syntheticEmailDomain', value)
                ? Promise.resolve()
                : Promise.reject(new Error(t('settings.signIn.badDomain'))),
          },
        ]}
      >
        <Input maxLength={253} spellCheck={false} style={{ maxWidth: 320 }} />
      </Form.Item>
      <Words
        name="embedOrigins"
        label={t('settings.signIn.embedOrigins')}
        help={t('settings.signIn.embedOriginsHelp')}
        placeholder={t('settings.signIn.originPlaceholder')}
        complaint={t('settings.signIn.badOrigin')}
        stored={initial.embedOrigins}
      />
    </SettingsSection>
  )
}

/** What happens to who is not linked. With login only, nothing: they are refused. */
function Unlinked() {
  const { t } = useTranslation('connections')
  const form = Form.useFormInstance<Values>()
  const loginOnly = Form.useWatch('loginOnly', form)
  const association = Form.useWatch('association', form)
  return (
    <div hidden={loginOnly}>
      <Choice
        name="association"
        label={t('settings.signIn.association')}
        options={(['create', 'match', 'ask'] as const).map((value) => ({
          value,
          word: t(`settings.signIn.associationOption.${value}`),
          effect: t(`settings.signIn.associationEffect.${value}`),
        }))}
      />
      <div hidden={association !== 'match'}>
        <Form.Item
          name="matchFields"
          label={t('settings.signIn.matchFields')}
          extra={t('settings.signIn.matchFieldsHelp')}
          rules={[
            {
              // Not `required`, which a group of boxes must not be called.
              validator: (_rule, value: readonly string[]) =>
                association === 'match' && !loginOnly && value.length === 0
                  ? Promise.reject(new Error(t('settings.signIn.matchFieldsMissing')))
                  : Promise.resolve(),
            },
          ]}
        >
          <Checkbox.Group
            options={(['username', 'email', 'phone'] as const).map((value) => ({
              value,
              label: t(`settings.signIn.matchField.${value}`),
            }))}
          />
        </Form.Item>
      </div>
    </div>
  )
}

/** Several words, each typed and closed by Enter or a comma. */
function Words({
  name,
  label,
  help,
  placeholder,
  complaint,
  stored,
  isReadOnly = false,
}: {
  name: 'allowedDomains' | 'embedOrigins'
  label: string
  help: string
  placeholder: string
  complaint: string
  stored: readonly string[]
  isReadOnly?: boolean
}) {
  const mayChange = useMay('operator')
  if (isReadOnly || !mayChange) {
    // As text, because what stands in a switched-off field is hard to read.
    return (
      <Form.Item label={label} extra={help}>
        {stored.length === 0 ? '–' : stored.map((word) => <div key={word}>{nameText(word)}</div>)}
      </Form.Item>
    )
  }
  return (
    <Form.Item
      name={name}
      label={label}
      extra={help}
      rules={[
        {
          validator: (_rule, value: string[]) =>
            isAccepted(name, value) ? Promise.resolve() : Promise.reject(new Error(complaint)),
        },
      ]}
    >
      <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ', '\n']} placeholder={placeholder} />
    </Form.Item>
  )
}

/** By the rule of the server. */
function isAccepted(name: keyof typeof SignInInput.shape, value: unknown): boolean {
  return SignInInput.shape[name].safeParse(value).success
}

/**
 * The two fields of a new password, with the rules said before anybody types. What is weak is judged by the rule that the
 * server has, so nobody learns it only afterwards; the server has the last word all the same.
 */
import { FEWEST_CHARACTERS, passwordWeakness } from '@muster/contracts'
import { CheckCircleOutlined, CloseCircleOutlined, MinusCircleOutlined } from '@ant-design/icons'
import { Flex, Form, Input, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { judgePassword } from './password-judgement.ts'

export interface NewPassword {
  readonly password: string
  readonly repeated: string
}

/** @param names that somebody who guesses tries first: of the user, of the organization */
export function NewPasswordFields({ label, names }: { label?: string; names: readonly string[] }) {
  const { t } = useTranslation('design')
  const form = Form.useFormInstance()
  const password: string = Form.useWatch('password', form) ?? ''
  return (
    <>
      <Form.Item
        name="password"
        label={label ?? t('password.label')}
        extra={<Rules password={password} names={names} />}
        rules={[
          {
            async validator(_rule, value: string = '') {
              if (value === '') throw new Error(t('password.missing'))
              const weakness = passwordWeakness(value, names)
              if (weakness !== undefined) throw new Error(t(`password.weak.${weakness}`, { least: FEWEST_CHARACTERS }))
            },
          },
        ]}
        validateTrigger="onBlur"
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="repeated"
        label={t('password.again')}
        dependencies={['password']}
        validateTrigger="onBlur"
        rules={[
          ({ getFieldValue }) => ({
            async validator(_rule, value: string = '') {
              if (value !== (getFieldValue('password') ?? '')) throw new Error(t('password.differs'))
            },
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
    </>
  )
}

const SIGNS = {
  open: <MinusCircleOutlined aria-hidden />,
  kept: <CheckCircleOutlined aria-hidden />,
  broken: <CloseCircleOutlined aria-hidden />,
} as const

const TONES = { open: 'secondary', kept: 'success', broken: 'danger' } as const

function Rules({ password, names }: { password: string; names: readonly string[] }) {
  const { t } = useTranslation('design')
  return (
    <Flex component="ul" vertical gap={2} style={{ listStyle: 'none', margin: '8px 0 0', padding: 0 }}>
      {judgePassword(password, names).map(({ rule, state }) => (
        <li key={rule}>
          <Typography.Text type={TONES[state]}>
            {SIGNS[state]} {t(`password.rules.${rule}`, { least: FEWEST_CHARACTERS })}
            {state !== 'open' && <span className="visually-hidden"> ({t(`password.${state}`)})</span>}
          </Typography.Text>
        </li>
      ))}
    </Flex>
  )
}

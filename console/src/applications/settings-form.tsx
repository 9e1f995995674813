/** What can be changed about an application. Who may not change it sees the same, without the button. */
import { listConnections, updateApplication, type Application, type DepartmentId } from '@muster/contracts'
import { Button, Checkbox, Col, Flex, Form, Input, Radio, Row, Space, Switch, Typography } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import { May, useMay } from '../shell/session.tsx'
import { linesOf } from './addresses.ts'
import { ConnectionChoice } from './connection-choice.tsx'
import { DepartmentChoice } from './department-choice.tsx'

const SCOPES = ['profile', 'email', 'phone', 'groups', 'wecom'] as const
const FORMS = ['name', 'id', 'path'] as const

interface Fields {
  readonly name: string
  readonly redirectUris: string
  readonly postLogoutRedirectUris: string
  readonly backchannelLogoutUri: string
  readonly logoUrl: string
  readonly connections: string[]
  readonly skipSignInPage: boolean
  readonly passwordSignIn: boolean
  readonly mobile: boolean
  readonly pkceRequired: boolean
  readonly enabled: boolean
  readonly scopes: (typeof SCOPES)[number][]
  readonly groupForm: (typeof FORMS)[number]
  readonly groupPrefix: string
  readonly groupInclude: DepartmentId[]
}

export function SettingsForm({ application }: { application: Application }) {
  const { t } = useTranslation('applications')
  const isOwner = useMay('owner')
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const save = useAction(updateApplication)
  return (
    <Form<Fields>
      // A form of its own for every version: what somebody else saved is shown.
      key={application.updatedAt}
      layout="vertical"
      disabled={!isOwner}
      initialValues={fieldsOf(application)}
      onFinish={(fields) => save.mutate({ params: { id: application.id }, body: patchOf(fields, application) })}
    >
      {save.error && <ProblemAlert error={save.error} />}
      <Row gutter={24}>
        <Col xs={24} xl={12}>
          <Form.Item name="name" label={t('name')} rules={[{ required: true, message: t('name') }]}>
            <Input maxLength={128} />
          </Form.Item>
          <Form.Item name="redirectUris" label={t('add.redirectUris')} extra={t('add.redirectHint')}>
            <Input.TextArea rows={rowsFor(application.redirectUris)} spellCheck={false} />
          </Form.Item>
          <Form.Item name="postLogoutRedirectUris" label={t('details.postLogout')} extra={t('add.redirectHint')}>
            <Input.TextArea rows={rowsFor(application.postLogoutRedirectUris)} spellCheck={false} />
          </Form.Item>
          <Form.Item name="backchannelLogoutUri" label={t('details.backchannel')} extra={t('details.backchannelHint')}>
            <Input spellCheck={false} />
          </Form.Item>
          <Form.Item name="logoUrl" label={t('details.logo')} extra={t('details.logoHint')}>
            <Input spellCheck={false} />
          </Form.Item>
        </Col>
        <Col xs={24} xl={12}>
          <Form.Item name="connections" label={t('connections')} extra={t('add.connectionsHint')}>
            <ConnectionChoice connections={connections.data?.items} />
          </Form.Item>
          <OnOff name="enabled" word={t('details.isEnabled')} hint={t('details.enabledHint')} />
          <OnOff name="skipSignInPage" word={t('details.skip')} hint={t('details.skipHint')} />
          <OnOff name="passwordSignIn" word={t('details.password')} />
          <OnOff name="mobile" word={t('details.mobile')} />
          {!application.public && <OnOff name="pkceRequired" word={t('details.pkce')} />}
        </Col>
      </Row>
      <Typography.Title level={3} style={{ fontSize: 16 }}>
        {t('details.claims')}
      </Typography.Title>
      <Row gutter={24}>
        <Col xs={24} xl={12}>
          <Form.Item name="scopes" label={t('details.scopes')}>
            <Checkbox.Group>
              <Space orientation="vertical">
                {SCOPES.map((scope) => (
                  <Checkbox key={scope} value={scope}>
                    {t(`details.scope.${scope}`)}
                  </Checkbox>
                ))}
              </Space>
            </Checkbox.Group>
          </Form.Item>
        </Col>
        <Col xs={24} xl={12}>
          <Form.Item name="groupForm" label={t('details.groupForm')}>
            <Radio.Group>
              <Space orientation="vertical">
                {FORMS.map((form) => (
                  <Radio key={form} value={form}>
                    {t(`details.form.${form}`)}
                  </Radio>
                ))}
              </Space>
            </Radio.Group>
          </Form.Item>
          <Form.Item name="groupPrefix" label={t('details.prefix')}>
            <Input maxLength={64} />
          </Form.Item>
          <Form.Item name="groupInclude" label={t('details.include')} extra={t('details.includeHint')}>
            <DepartmentChoice disabled={!isOwner} />
          </Form.Item>
        </Col>
      </Row>
      <May role="owner">
        <Space>
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t('save')}
          </Button>
          <span role="status">{save.isSuccess && t('saved')}</span>
        </Space>
      </May>
    </Form>
  )
}

/** A switch with its word beside it, which switches too. */
function OnOff({ name, word, hint }: { name: keyof Fields; word: string; hint?: string }) {
  const id = useId()
  return (
    <Form.Item extra={hint} style={{ marginBlockEnd: 16 }}>
      <Flex gap={8} align="center">
        <Form.Item name={name} valuePropName="checked" noStyle>
          <Switch id={id} />
        </Form.Item>
        <label htmlFor={id}>{word}</label>
      </Flex>
    </Form.Item>
  )
}

/** Fixed, because a field that measures itself writes styles that the policy refuses. */
function rowsFor(addresses: readonly string[]): number {
  return Math.min(8, Math.max(2, addresses.length + 1))
}

function fieldsOf(application: Application): Fields {
  const { scopes, groups } = application.claims
  return {
    name: application.name,
    redirectUris: application.redirectUris.join('\n'),
    postLogoutRedirectUris: application.postLogoutRedirectUris.join('\n'),
    backchannelLogoutUri: application.backchannelLogoutUri ?? '',
    logoUrl: application.logoUrl ?? '',
    connections: [...application.connections],
    skipSignInPage: application.skipSignInPage,
    passwordSignIn: application.passwordSignIn,
    mobile: application.mobile,
    pkceRequired: application.pkceRequired,
    enabled: application.enabled,
    scopes: [...scopes],
    groupForm: groups.form,
    groupPrefix: groups.prefix,
    groupInclude: groups.include as DepartmentId[], // an answer holds what was accepted as one
  }
}

function patchOf(fields: Fields, application: Application) {
  const { scopes, groupForm, groupPrefix, groupInclude, pkceRequired, ...rest } = fields
  const emptyIsNull = (text: string) => (text.trim() === '' ? null : text.trim())
  return {
    ...rest,
    redirectUris: linesOf(fields.redirectUris),
    postLogoutRedirectUris: linesOf(fields.postLogoutRedirectUris),
    backchannelLogoutUri: emptyIsNull(fields.backchannelLogoutUri),
    logoUrl: emptyIsNull(fields.logoUrl),
    ...(application.public ? {} : { pkceRequired }),
    claims: { scopes, groups: { form: groupForm, prefix: groupPrefix, include: groupInclude } },
  }
}

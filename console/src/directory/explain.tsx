/** "Explain now": what a run would do with this person, tried by the same rules, without writing anything. */
import { explainMember, type Connection, type Explanation, type User } from '@muster/contracts'
import { CheckCircleOutlined, CloseCircleOutlined, MinusCircleOutlined } from '@ant-design/icons'
import { Alert, Button, Flex, Form, Input, Select, Steps, Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { Name, nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { Section } from '../design/section.tsx'
import { ChangeStateTag, ReasonText, WhatText } from '../runs/change-words.tsx'
import { useMay } from '../shell/session.tsx'
import { Differences } from './differences.tsx'
import { explainable } from './user-facts.ts'

interface Question {
  readonly connectionId: string
  readonly userid: string
}

export function Explain({ user, connections }: { user: User; connections: readonly Connection[] }) {
  const { t } = useTranslation('directory')
  const may = useMay('operator')
  const explain = useAction(explainMember)
  const [form] = Form.useForm<Question>()
  const asked = explainable(user, connections)
  const [first] = asked
  if (!may) return <Alert type="info" showIcon title={t('explain.notAllowed')} />
  if (first === undefined) return <Alert type="info" showIcon title={t('explain.noConnection')} />
  const known = connections.filter(({ id }) => asked.some(({ connectionId }) => connectionId === id))
  return (
    <>
      <Section title={t('explain.title')}>
        <Typography.Paragraph>{t('explain.why')}</Typography.Paragraph>
        <Form<Question>
          form={form}
          layout="vertical"
          requiredMark={false}
          initialValues={first}
          onFinish={({ connectionId, userid }) =>
            explain.mutate({ params: { id: connectionId }, body: { userid: userid.trim() } })
          }
        >
          <Flex gap={12} wrap align="flex-end">
            <Form.Item name="connectionId" label={t('explain.connection')} style={{ marginBlockEnd: 0 }}>
              <Select
                style={{ width: 240 }}
                options={known.map(({ id, displayName }) => ({ value: id as string, label: nameText(displayName) }))}
                onChange={(connectionId) => {
                  const other = asked.find((one) => one.connectionId === connectionId)
                  if (other) form.setFieldsValue({ userid: other.userid })
                }}
              />
            </Form.Item>
            <Form.Item
              name="userid"
              label="userid"
              style={{ marginBlockEnd: 0 }}
              rules={[{ required: true, whitespace: true, message: t('links.useridMissing') }]}
            >
              <Input maxLength={64} style={{ width: 220 }} autoComplete="off" spellCheck={false} />
            </Form.Item>
            <Button type="primary" htmlType="submit" loading={explain.isPending}>
              {t('explain.go')}
            </Button>
          </Flex>
        </Form>
      </Section>
      <div aria-live="polite">
        {explain.error && <ProblemAlert error={explain.error} />}
        {explain.data && <Answer explanation={explain.data} />}
      </div>
    </>
  )
}

const STATUSES = { pass: 'finish', fail: 'error', skipped: 'wait' } as const
const COLOURS = { pass: 'success', fail: 'error', skipped: 'default' } as const
const ICONS = {
  pass: <CheckCircleOutlined aria-hidden />,
  fail: <CloseCircleOutlined aria-hidden />,
  skipped: <MinusCircleOutlined aria-hidden />,
} as const

function Answer({ explanation: { steps, access, changes } }: { explanation: Explanation }) {
  const { t } = useTranslation('directory')
  return (
    <>
      <Section title={t('explain.steps')}>
        <Steps
          orientation="vertical"
          items={steps.map(({ step, result, detail }) => ({
            key: step,
            status: STATUSES[result],
            icon: ICONS[result],
            title: (
              <Flex gap={8} align="center" component="span">
                {t(`explain.step.${step}`)} <Tag color={COLOURS[result]}>{t(`explain.result.${result}`)}</Tag>
              </Flex>
            ),
            content: (
              <div style={{ paddingBlockEnd: 12, overflowWrap: 'anywhere' }}>
                <Name>{detail}</Name>
              </div>
            ),
          }))}
        />
      </Section>
      {access !== null && (
        <Section title={t('explain.access')}>
          <Name>{access.detail}</Name>
        </Section>
      )}
      <Section title={t('explain.changes')}>
        {changes.length === 0 && <Typography.Text type="secondary">{t('explain.noChanges')}</Typography.Text>}
        {changes.map((change, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- the changes of one answer never change places
          <div key={index} style={{ marginBlockEnd: 12 }}>
            <Flex gap={8} wrap align="center">
              <strong>
                <WhatText change={change} />
              </strong>
              <ChangeStateTag state={change.state} />
              <ReasonText reason={change.reason} />
            </Flex>
            {change.error && <div>{change.error.title}</div>}
            {(change.before !== null || change.after !== null) && (
              <Differences before={change.before} after={change.after} />
            )}
          </div>
        ))}
      </Section>
    </>
  )
}

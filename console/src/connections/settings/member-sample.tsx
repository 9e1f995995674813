/** One real member as WeCom shows them now, and what the rules that are being edited make of them. Writes nothing. */
import { sampleMapping, type Connection, type MappingEntry, type MappingSample } from '@muster/contracts'
import { Alert, Button, Flex, Form, Input, Skeleton, Table, Tag, Typography } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { Masked } from '../../design/masked.tsx'
import { Name } from '../../design/name.tsx'
import { ProblemAlert } from '../../design/problem.tsx'
import { useMay } from '../../shell/session.tsx'
import { isPersonal, valueText } from './mapping-rows.ts'
import { isSuite } from '../suites/suite-credentials.ts'

export function MemberSample({ connection, mapping }: { connection: Connection; mapping: readonly MappingEntry[] }) {
  const { t } = useTranslation('connections')
  const mayAsk = useMay('operator')
  const sample = useAction(sampleMapping)
  const hasSomebody = isSuite(connection)
    ? (connection.suite?.authorizedCorps ?? 0) > 0
    : connection.corpId !== null && (connection.hasSecret || connection.hasContactsSecret)
  const isAskedFirst = mayAsk && hasSomebody
  const { mutate } = sample

  function ask(userid: string): void {
    mutate({
      params: { id: connection.id },
      body: { mapping: [...mapping], ...(userid === '' ? {} : { userid }) },
    })
  }

  useEffect(() => {
    // Once, with the stored rules: each look costs a few of WeCom's calls.
    if (isAskedFirst) mutate({ params: { id: connection.id }, body: {} })
  }, [isAskedFirst, connection.id, mutate])

  return (
    <section>
      <Typography.Title level={3} style={{ margin: 0, fontSize: 16 }}>
        {t('settings.sample.title')}
      </Typography.Title>
      <Typography.Paragraph type="secondary" style={{ marginBlock: '4px 12px' }}>
        {t('settings.sample.why')}
      </Typography.Paragraph>
      {!mayAsk && <Alert type="info" showIcon title={t('settings.sample.auditor')} />}
      {mayAsk && !hasSomebody && (
        <Alert
          type="info"
          showIcon
          title={t(isSuite(connection) ? 'settings.sample.noCompany' : 'settings.sample.incomplete')}
        />
      )}
      {isAskedFirst && (
        <>
          <Form<{ userid?: string }>
            layout="vertical"
            requiredMark={false}
            onFinish={({ userid = '' }) => ask(userid.trim())}
          >
            <Form.Item
              name="userid"
              label={t('settings.sample.userid')}
              extra={t('settings.sample.useridHelp')}
              style={{ marginBlockEnd: 12 }}
            >
              <Input maxLength={64} autoComplete="off" spellCheck={false} />
            </Form.Item>
            <Button htmlType="submit" loading={sample.isPending}>
              {t('settings.sample.try')}
            </Button>
          </Form>
          <div aria-live="polite" style={{ marginBlockStart: 16 }}>
            {sample.error && <ProblemAlert error={sample.error} />}
            {sample.isPending && sample.data === undefined && <Skeleton active />}
            {sample.data && <Result sample={sample.data} />}
          </div>
        </>
      )}
    </section>
  )
}

/** Of a user, in the answer of the server; whatever comes later is shown by its name. */
const FIELDS_WITH_WORDS = [
  'username',
  'displayName',
  'email',
  'emailSource',
  'phone',
  'avatarUrl',
  'title',
  'gender',
  'directLeaders',
  'attributes',
  'status',
] as const

function Result({ sample: { member, user, problem } }: { sample: MappingSample }) {
  const { t } = useTranslation('connections')
  const wordOf = (field: string) => {
    const known = FIELDS_WITH_WORDS.find((name) => name === field)
    return known === undefined ? field : t(`settings.mapping.user.${known}`)
  }
  const statusWord = ({ field, value }: { field: string; value?: unknown }) =>
    field === 'status' && (value === 'active' || value === 'disabled')
      ? t(`settings.sample.status.${value}`)
      : undefined
  return (
    <Flex vertical gap={16}>
      {problem !== null && <Alert type="warning" showIcon title={problem.title} description={problem.detail} />}
      <Fields
        title={t('settings.sample.result')}
        rows={user.map((row) => ({ ...row, word: wordOf(row.field), value: statusWord(row) ?? row.value }))}
      />
      <Fields
        title={t('settings.sample.member')}
        subtitle={member.userid}
        rows={member.fields.map((row) => ({ ...row, word: row.field }))}
      />
    </Flex>
  )
}

const COLOURS = {
  present: 'success',
  set: 'success',
  empty: 'default',
  cleared: 'orange',
  withheld: 'gold',
  kept: 'default',
} as const

interface Row {
  readonly field: string
  readonly word: string
  readonly state: keyof typeof COLOURS
  readonly value?: unknown
}

function Fields({ title, subtitle, rows }: { title: string; subtitle?: string; rows: readonly Row[] }) {
  const { t } = useTranslation('connections')
  return (
    <div>
      <strong>{title}</strong>{' '}
      {subtitle !== undefined && (
        <Typography.Text type="secondary">
          <Name>{subtitle}</Name>
        </Typography.Text>
      )}
      <Table<Row>
        aria-label={title}
        size="small"
        tableLayout="fixed"
        showHeader={false}
        rowKey="field"
        pagination={false}
        dataSource={rows}
        style={{ marginBlockStart: 4 }}
        columns={[
          {
            key: 'field',
            width: '38%',
            render: (_, { word }) => (
              <span style={{ overflowWrap: 'anywhere' }}>
                <Name>{word}</Name>
              </span>
            ),
          },
          {
            key: 'value',
            render: (_, { field, state, value }) => {
              const text = valueText(value)
              if (text === '') {
                // A list of nobody, or no attribute at all.
                const shown = typeof value === 'object' && value !== null ? 'empty' : state
                return <Tag color={COLOURS[shown]}>{t(`settings.sample.state.${shown}`)}</Tag>
              }
              return isPersonal(field) ? (
                <Masked>{text}</Masked>
              ) : (
                <span style={{ overflowWrap: 'anywhere' }}>
                  <Name>{text}</Name>
                </span>
              )
            },
          },
        ]}
      />
    </div>
  )
}

/** Who signed in, who did not and why, in words; found by the reference that a page showed. */
import {
  listApplications,
  listConnections,
  listSignIns,
  SignInOutcome,
  SignInReason,
  type SignIn,
} from '@muster/contracts'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Flex, Input, Select, Tag, Typography } from 'antd'
import type { TableProps } from 'antd'
import { useTranslation } from 'react-i18next'
import { exportAddress, useRead } from '../api.ts'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { PersonName } from '../design/person-name.tsx'
import { When } from '../design/when.tsx'

const COLOURS = { succeeded: 'success', refused: 'error', failed: 'warning' } as const

export function SignIns() {
  const { t } = useTranslation('signIns')
  const search = useSearch({ from: '/inside/sign-ins' })
  const navigate = useNavigate()
  const change = (part: Partial<typeof search>) =>
    void navigate({ to: '/sign-ins', search: { ...search, ...part }, replace: true })
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const applications = useRead(listApplications, { query: { limit: 500 } })
  // A company's own app has only the one.
  const withCorps = new Set<string>(
    connections.data?.items.filter(({ kind }) => kind !== 'self_built').map(({ id }) => id),
  )
  const nameOf = new Map<string, string>([
    ...(connections.data?.items ?? []).map(({ id, displayName }) => [id, displayName] as const),
    ...(applications.data?.items ?? []).map(({ id, name }) => [id, name] as const),
  ])

  const columns: NonNullable<TableProps<SignIn>['columns']> = [
    { title: t('at'), dataIndex: 'at', width: 165, render: (at: string) => <When at={at} /> },
    {
      title: t('person'),
      key: 'person',
      width: 150,
      render: (_, { userId, userid, connectionId, corpId }) => (
        <>
          {userId === null ? (
            <Name>{userid ?? t('unknown')}</Name>
          ) : (
            <Link to="/people/$id" params={{ id: userId }}>
              {userid === null ? <PersonName id={userId} /> : <Name>{userid}</Name>}
            </Link>
          )}
          {corpId !== null && connectionId !== null && withCorps.has(connectionId) && (
            <div>
              <Typography.Text type="secondary">
                <code style={{ overflowWrap: 'anywhere' }}>{corpId}</code>
              </Typography.Text>
            </div>
          )}
        </>
      ),
    },
    {
      title: t('outcomeTitle'),
      dataIndex: 'outcome',
      width: 100,
      render: (outcome: SignIn['outcome']) => <Tag color={COLOURS[outcome]}>{t(`outcome.${outcome}`)}</Tag>,
    },
    {
      title: t('why'),
      key: 'why',
      width: 240,
      render: (_, { reason, problem }) => (
        <>
          {reason === null ? '–' : t(`reason.${reason}`)}
          {problem !== null && (
            <div>
              <code>{problem}</code>
            </div>
          )}
        </>
      ),
    },
    { title: t('doorTitle'), dataIndex: 'door', width: 140, render: (door: SignIn['door']) => t(`door.${door}`) },
    {
      title: t('application'),
      key: 'application',
      width: 140,
      render: (_, { applicationId }) =>
        applicationId === null ? t('ownPage') : <Name>{nameOf.get(applicationId) ?? applicationId}</Name>,
    },
    { title: t('referenceTitle'), dataIndex: 'referenceId', width: 130, render: (id: string) => <code>{id}</code> },
    { title: t('address'), dataIndex: 'address', width: 120, render: (address: string | null) => address ?? '–' },
  ]

  return (
    <Page
      title={t('title')}
      actions={<Button href={exportAddress(listSignIns, { query: search })}>{t('exportCsv')}</Button>}
    >
      <Flex gap={8} wrap style={{ marginBlockEnd: 16 }}>
        <Input.Search
          allowClear
          defaultValue={search.q}
          placeholder={t('search')}
          aria-label={t('search')}
          style={{ width: 240 }}
          onSearch={(q) => change({ q: q === '' ? undefined : q })}
        />
        <Filter
          label={t('filter.outcome')}
          value={search.outcome}
          options={SignInOutcome.options.map((value) => ({ value, label: t(`outcome.${value}`) }))}
          onChange={(outcome) => change({ outcome })}
        />
        <Filter
          label={t('filter.reason')}
          value={search.reason}
          width={280}
          options={SignInReason.options.map((value) => ({ value, label: t(`reason.${value}`) }))}
          onChange={(reason) => change({ reason })}
        />
        <Filter
          label={t('filter.connection')}
          value={search.connection}
          options={(connections.data?.items ?? []).map(({ id, displayName }) => ({
            value: id as string,
            label: nameText(displayName),
          }))}
          onChange={(connection) => change({ connection })}
        />
        <Filter
          label={t('filter.application')}
          value={search.applicationId}
          options={(applications.data?.items ?? []).map(({ id, name }) => ({
            value: id as string,
            label: nameText(name),
          }))}
          onChange={(applicationId) => change({ applicationId })}
        />
      </Flex>
      <ListTable
        endpoint={listSignIns}
        request={{ query: search }}
        label={t('label')}
        columns={columns}
        width={1170}
        empty={t('none')}
      />
    </Page>
  )
}

function Filter<Value extends string>({
  label,
  value,
  width = 180,
  options,
  onChange,
}: {
  label: string
  value: Value | undefined
  width?: number
  options: { value: Value; label: string }[]
  onChange: (value: Value | undefined) => void
}) {
  return (
    <Select<Value>
      allowClear
      showSearch={{ optionFilterProp: 'label' }}
      aria-label={label}
      placeholder={label}
      style={{ width }}
      options={options}
      onChange={onChange}
      {...(value === undefined ? {} : { value })}
    />
  )
}

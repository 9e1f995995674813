/** Who did what, to what, from where. Nothing here can be changed by anybody. */
import { FilterOutlined } from '@ant-design/icons'
import { listAudit, type AuditEntry } from '@muster/contracts'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Flex, Input, Tag, Typography } from 'antd'
import type { TableProps } from 'antd'
import dayjs from 'dayjs'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { exportAddress } from '../api.ts'
import { Day } from '../design/day.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { When } from '../design/when.tsx'
import { actionWords } from './actions.ts'
import { Details } from './details.tsx'

export function Audit() {
  const { t, i18n } = useTranslation('audit')
  const search = useSearch({ from: '/inside/audit' })
  const navigate = useNavigate()
  const change = (part: Partial<typeof search>) =>
    void navigate({ to: '/audit', search: { ...search, ...part }, replace: true })
  const { from, to, ...filters } = search
  const query = {
    ...filters,
    ...(from === undefined ? {} : { from: dayjs(from).startOf('day').toISOString() }),
    ...(to === undefined ? {} : { to: dayjs(to).add(1, 'day').startOf('day').toISOString() }),
  }

  const columns: NonNullable<TableProps<AuditEntry>['columns']> = [
    { title: t('at'), dataIndex: 'at', width: 165, render: (at: string) => <When at={at} /> },
    {
      title: t('actor'),
      dataIndex: 'actor',
      width: 160,
      render: ({ kind, id, name }: AuditEntry['actor']) => (
        <Flex justify="space-between" align="center" gap={4}>
          <span style={{ overflowWrap: 'anywhere' }}>
            {id === null ? t(`kind.${kind}`) : <NameOrId name={name} id={id} />}
          </span>
          {id !== null && (
            <Only whom={t('onlyActor', { name: nameText(name ?? id) })} onClick={() => change({ actorId: id })} />
          )}
        </Flex>
      ),
    },
    {
      title: t('action'),
      dataIndex: 'action',
      width: 215,
      render: (action: string) => (
        <Flex justify="space-between" align="center" gap={4}>
          <span>
            {actionWords(action, i18n.language)}
            <Typography.Text type="secondary" code style={{ display: 'block', width: 'fit-content' }}>
              {action}
            </Typography.Text>
          </span>
          <Only whom={t('filtered.action', { action })} onClick={() => change({ action })} />
        </Flex>
      ),
    },
    {
      title: t('target'),
      dataIndex: 'target',
      width: 180,
      render: (target: AuditEntry['target']) =>
        target !== null && (
          <Flex justify="space-between" align="center" gap={4}>
            <span style={{ overflowWrap: 'anywhere' }}>
              <TargetName target={target} />
            </span>
            <Only
              whom={t('onlyTarget', { name: nameText(target.name ?? target.id) })}
              onClick={() => change({ targetId: target.id })}
            />
          </Flex>
        ),
    },
    {
      title: t('details'),
      dataIndex: 'details',
      render: (details: AuditEntry['details']) => <Details details={details} />,
    },
    {
      title: t('address'),
      key: 'address',
      width: 130,
      render: (_, { address, requestId }) => (
        <>
          <div>{address ?? '–'}</div>
          {requestId !== null && (
            <Typography.Text type="secondary" copyable={{ text: requestId }}>
              {t('request')}
            </Typography.Text>
          )}
        </>
      ),
    },
  ]

  return (
    <Page title={t('title')} actions={<Button href={exportAddress(listAudit, { query })}>{t('exportCsv')}</Button>}>
      <Flex gap={8} wrap align="center" style={{ marginBlockEnd: 16 }}>
        <Input.Search
          allowClear
          defaultValue={search.q}
          placeholder={t('search')}
          aria-label={t('search')}
          style={{ width: 260 }}
          onSearch={(q) => change({ q: q === '' ? undefined : q })}
        />
        <Day label={t('from')} value={from} onChange={(day) => change({ from: day })} />
        <Day label={t('to')} value={to} onChange={(day) => change({ to: day })} />
        {search.action && (
          <Tag closable onClose={() => change({ action: undefined })}>
            {t('filtered.action', { action: search.action })}
          </Tag>
        )}
        {search.actorId && (
          <Tag closable onClose={() => change({ actorId: undefined })}>
            {t('filtered.actor')}
          </Tag>
        )}
        {search.targetId && (
          <Tag closable onClose={() => change({ targetId: undefined })}>
            {t('filtered.target')}
          </Tag>
        )}
      </Flex>
      <ListTable
        endpoint={listAudit}
        request={{ query }}
        label={t('label')}
        columns={columns}
        width={1170}
        empty={t('none')}
      />
    </Page>
  )
}

/** @param whom what is left when it is pressed */
function Only({ whom, onClick }: { whom: string; onClick: () => void }) {
  return <Button type="text" size="small" icon={<FilterOutlined />} aria-label={whom} title={whom} onClick={onClick} />
}

/** Who is gone for good has no name any more. */
function NameOrId({ name, id }: { name: string | null; id: string }) {
  if (name !== null) return <Name>{name}</Name>
  return (
    <code title={id}>
      {id.slice(0, 4)}…{id.slice(-6)}
    </code>
  )
}

/** A link where the thing has a page of its own. */
function TargetName({ target: { kind, id, name } }: { target: NonNullable<AuditEntry['target']> }) {
  const text = <NameOrId name={name} id={id} />
  switch (kind) {
    case 'user':
      return (
        <Link to="/people/$id" params={{ id }}>
          {text}
        </Link>
      )
    case 'connection':
      return (
        <Link to="/connections/$id" params={{ id }}>
          {text}
        </Link>
      )
    case 'run':
      return (
        <Link to="/runs/$id" params={{ id }}>
          {text}
        </Link>
      )
    case 'application':
      return (
        <Link to="/applications/$id" params={{ id }}>
          {text}
        </Link>
      )
    default:
      return <Named kind={kind}>{text}</Named>
  }
}

/** What has no page of its own, with the word for what it is. */
const KINDS = ['api-token', 'organization', 'department', 'review', 'event', 'signing-key'] as const

function Named({ kind, children }: { kind: string; children: ReactNode }) {
  const { t } = useTranslation('audit')
  const known = KINDS.find((word) => word === kind)
  return (
    <>
      {t('named', { kind: known === undefined ? kind : t(`targetKind.${known}`) })}
      {children}
    </>
  )
}

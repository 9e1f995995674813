/** The companies that authorised a suite: which may sign in, how large they may be and for how long; and inviting another. */
import { CorpState, listCorps, type Connection, type Corp } from '@muster/contracts'
import { Flex, Input, Tag, Typography } from 'antd'
import type { TableProps } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyButton } from '../../design/copy-button.tsx'
import { Filter } from '../../design/filter.tsx'
import { ListTable } from '../../design/list-table.tsx'
import { Name } from '../../design/name.tsx'
import { numberText, When } from '../../design/when.tsx'
import { May } from '../../shell/session.tsx'
import { InviteButton } from './invitation.tsx'
import { expiryState, isOverSeats } from './suite-state.ts'
import { useNow } from '../use-now.ts'

const LOOK_MS = 10_000
const MINUTE_MS = 60_000

export function CorpsPanel({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const [q, setQ] = useState<string>()
  const [state, setState] = useState<CorpState>()
  const isFiltered = q !== undefined || state !== undefined
  const columns: NonNullable<TableProps<Corp>['columns']> = [
    {
      title: t('suite.corps.company'),
      key: 'company',
      width: 230,
      render: (_, { name, corpId }) => (
        <>
          <strong>
            <Name>{name}</Name>
          </strong>
          <div>
            <Typography.Text type="secondary">
              <code style={{ overflowWrap: 'anywhere' }}>{corpId}</code>
            </Typography.Text>{' '}
            <CopyButton text={corpId} label={`${t('suite.corps.corpId')} ${corpId}`} />
          </div>
        </>
      ),
    },
    {
      title: t('suite.corps.state'),
      key: 'state',
      width: 170,
      render: (_, corp) => <State corp={corp} />,
    },
    { title: t('suite.corps.since'), key: 'since', width: 160, render: (_, corp) => <When at={corp.authorizedAt} /> },
    {
      title: t('suite.corps.people'),
      key: 'people',
      width: 100,
      align: 'end',
      render: (_, { linkedUsers }) => numberText(linkedUsers),
    },
    {
      title: t('suite.corps.seats'),
      key: 'seats',
      width: 100,
      align: 'end',
      render: (_, corp) => <Seats corp={corp} />,
    },
    { title: t('suite.corps.expires'), key: 'expires', width: 160, render: (_, corp) => <Expiry corp={corp} /> },
    {
      title: t('suite.corps.agentId'),
      key: 'agentId',
      width: 100,
      render: (_, { agentId }) => (agentId === null ? '–' : <code>{agentId}</code>),
    },
  ]
  return (
    <>
      <Flex gap={8} wrap style={{ marginBlockEnd: 16 }}>
        <Input.Search
          allowClear
          placeholder={t('suite.corps.search')}
          aria-label={t('suite.corps.search')}
          style={{ width: 260 }}
          onSearch={(text) => setQ(text === '' ? undefined : text)}
        />
        <Filter
          label={t('suite.corps.filter')}
          all={t('suite.corps.anyState')}
          value={state}
          options={CorpState.options.map((value) => ({ value, label: t(`suite.corps.stateWord.${value}`) }))}
          onChange={setState}
        />
        <May role="operator">
          <InviteButton connection={connection} isFirst={connection.suite?.authorizedCorps === 0} />
        </May>
      </Flex>
      <ListTable
        endpoint={listCorps}
        request={{
          params: { id: connection.id },
          query: { ...(q === undefined ? {} : { q }), ...(state === undefined ? {} : { state }) },
        }}
        label={t('suite.corps.label')}
        rowKey="corpId"
        columns={columns}
        width={1020}
        empty={t(isFiltered ? 'suite.corps.noMatch' : 'suite.corps.none')}
        refetchInterval={() => LOOK_MS}
      />
    </>
  )
}

function State({ corp: { state, cancelledAt } }: { corp: Corp }) {
  const { t } = useTranslation('connections')
  const word = t(`suite.corps.stateWord.${state}`)
  if (state === 'authorized') return <Tag color="success">{word}</Tag>
  return (
    <>
      <Tag>{word}</Tag>
      {cancelledAt !== null && <When at={cancelledAt} />}
      <div>
        <Typography.Text type="secondary">{t('suite.corps.cancelledMeans')}</Typography.Text>
      </div>
    </>
  )
}

function Seats({ corp }: { corp: Corp }) {
  const { t } = useTranslation('connections')
  if (corp.seats === null) return <Typography.Text type="secondary">{t('suite.corps.seatsUnknown')}</Typography.Text>
  return (
    <>
      {numberText(corp.seats)}
      {isOverSeats(corp) && (
        <div>
          <Tag color="warning" style={{ marginInlineEnd: 0 }}>
            {t('suite.corps.seatsOver')}
          </Tag>
        </div>
      )}
    </>
  )
}

function Expiry({ corp: { expiresAt } }: { corp: Corp }) {
  const { t } = useTranslation('connections')
  const state = expiryState(expiresAt, useNow(MINUTE_MS))
  if (state === 'unknown') return <Typography.Text type="secondary">{t('suite.corps.expiresUnknown')}</Typography.Text>
  return (
    <>
      <When at={expiresAt} />
      {state !== 'fine' && (
        <div>
          <Tag color={state === 'over' ? 'error' : 'warning'}>
            {t(state === 'over' ? 'suite.corps.expired' : 'suite.corps.expiresSoon')}
          </Tag>
        </div>
      )}
    </>
  )
}

/** Every change of a run, narrowed by what the counters and filters say, with before and after where there is room. */
import { ChangeAction, ChangeEntity, ChangeState, listChanges, type Change, type Run } from '@muster/contracts'
import { ArrowRightOutlined } from '@ant-design/icons'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Flex, Input, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Filter } from '../design/filter.tsx'
import { ListTable } from '../design/list-table.tsx'
import { Name, nameText } from '../design/name.tsx'
import { Section } from '../design/section.tsx'
import { numberText } from '../design/when.tsx'
import { withoutAbsent } from '../search-parameters.ts'
import { ChangeDetails } from './change-details.tsx'
import { ChangeStateTag, ChangeTarget, FieldName, ReasonText, WhatText } from './change-words.tsx'
import { ValueText } from './field-values.tsx'
import { differencesOf } from './fields.ts'
import type { ChangesSearch } from './search.ts'

/** More fields than that are shown to who opens the details. */
const FIELDS_IN_A_ROW = 2

export function Changes({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const search: ChangesSearch = useSearch({ from: '/inside/runs/$id' })
  const [shown, show] = useState<Change>()
  const isFiltered = Object.keys(search).length > 0
  const nothing = isFiltered ? 'changes.noMatch' : run.mode === 'preview' ? 'changes.nonePreview' : 'changes.none'
  return (
    <Section title={t('changes.title')}>
      {run.state === 'running' ? (
        <Typography.Text type="secondary">{t('changes.whileRunning')}</Typography.Text>
      ) : (
        <>
          <Filters run={run} search={search} />
          <ListTable
            endpoint={listChanges}
            request={{ params: { id: run.id }, query: search }}
            label={t('changes.label')}
            width={860}
            empty={t(nothing)}
            columns={[
              { title: t('changes.who'), key: 'who', width: 160, render: (_, change) => <Who change={change} /> },
              {
                title: t('changes.what'),
                key: 'what',
                width: 130,
                render: (_, change) => <WhatText change={change} />,
              },
              {
                title: t('changes.outcome'),
                key: 'outcome',
                width: 190,
                render: (_, change) => <Outcome change={change} />,
              },
              {
                title: t('changes.fields'),
                key: 'fields',
                render: (_, change) => <FewFields change={change} />,
              },
              {
                title: <span className="visually-hidden">{t('changes.details')}</span>,
                key: 'details',
                width: 90,
                align: 'end',
                render: (_, change) => (
                  <Button size="small" onClick={() => show(change)}>
                    {t('changes.details')}
                    <span className="visually-hidden"> {nameText(change.name ?? change.externalId ?? '')}</span>
                  </Button>
                ),
              },
            ]}
          />
        </>
      )}
      <ChangeDetails run={run} change={shown} onClose={() => show(undefined)} />
    </Section>
  )
}

function Filters({ run, search }: { run: Run; search: ChangesSearch }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const go = (wanted: ChangesSearch) =>
    void navigate({ to: '/runs/$id', params: { id: run.id }, search: wanted, replace: true, resetScroll: false })
  const filter = (change: { [Name in keyof ChangesSearch]: ChangesSearch[Name] | undefined }) =>
    go(withoutAbsent({ ...search, ...change }))
  return (
    <Flex gap={8} wrap style={{ marginBlockEnd: 16 }}>
      <Input.Search
        key={search.q ?? ''}
        allowClear
        defaultValue={search.q ?? ''}
        placeholder={t('changes.search')}
        aria-label={t('changes.search')}
        style={{ width: 240 }}
        onSearch={(q) => filter({ q: q === '' ? undefined : q })}
      />
      <Filter
        label={t('changes.entity')}
        all={t('changes.anyEntity')}
        width={225}
        value={search.entity}
        options={ChangeEntity.options.map((value) => ({ value, label: t(`entities.${value}`) }))}
        onChange={(entity) => filter({ entity })}
      />
      <Filter
        label={t('changes.action')}
        all={t('changes.anyAction')}
        width={140}
        value={search.action}
        options={ChangeAction.options.map((value) => ({ value, label: t(`action.${value}`) }))}
        onChange={(action) => filter({ action })}
      />
      <Filter
        label={t('changes.state')}
        all={t('changes.anyState')}
        width={160}
        value={search.state}
        options={ChangeState.options.map((value) => ({ value, label: t(`changeState.${value}`) }))}
        onChange={(state) => filter({ state })}
      />
      {Object.keys(search).length > 0 && (
        <Button type="text" onClick={() => go({})}>
          {t('changes.clear')}
        </Button>
      )}
    </Flex>
  )
}

function Who({ change }: { change: Change }) {
  return (
    <>
      <ChangeTarget change={change} />
      {change.externalId !== null && change.externalId !== change.name && (
        <Typography.Text type="secondary" style={{ display: 'block', fontSize: 13 }}>
          <Name>{change.externalId}</Name>
        </Typography.Text>
      )}
    </>
  )
}

/** An error says what happened here; its remedy is in the details. */
function Outcome({ change: { state, reason, error } }: { change: Change }) {
  return (
    <>
      <ChangeStateTag state={state} />
      <div style={{ fontSize: 13 }}>{error === null ? <ReasonText reason={reason} /> : <Name>{error.title}</Name>}</div>
    </>
  )
}

function FewFields({ change }: { change: Change }) {
  const { t } = useTranslation('runs')
  const differences = differencesOf(change)
  if (differences.length === 0) return <>–</>
  if (differences.length > FIELDS_IN_A_ROW) {
    const names = differences.slice(0, FIELDS_IN_A_ROW)
    return (
      <Typography.Text type="secondary">
        {t('changes.moreFields', { n: numberText(differences.length) })}:{' '}
        {names.map(({ field }, index) => (
          <span key={field}>
            {index > 0 && ', '}
            <FieldName field={field} />
          </span>
        ))}
        …
      </Typography.Text>
    )
  }
  return (
    <>
      {differences.map(({ field, before, after }) => (
        <div key={field}>
          <Typography.Text type="secondary">
            <FieldName field={field} />:{' '}
          </Typography.Text>
          {change.before !== null && (
            <>
              <ValueText value={before} />{' '}
              <ArrowRightOutlined aria-label="→" style={{ fontSize: 11, opacity: 0.6 }} />{' '}
            </>
          )}
          <ValueText value={after} />
        </div>
      ))}
    </>
  )
}

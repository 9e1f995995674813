/** One change in full: every field before and after, why, what went wrong and what to do, and the way to take it back. */
import type { Change, Run } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Alert, Drawer, Flex, Grid, Table } from 'antd'
import { useTranslation } from 'react-i18next'
import { Name, nameText } from '../design/name.tsx'
import { RecordedProblem } from '../design/problem.tsx'
import { May } from '../shell/session.tsx'
import { ChangeStateTag, ChangeTarget, FieldName, ReasonText, WhatText } from './change-words.tsx'
import { ValueText } from './field-values.tsx'
import { differencesOf, type FieldDifference, type FieldValue } from './fields.ts'
import { Revert } from './revert.tsx'

export function ChangeDetails({ run, change, onClose }: { run: Run; change: Change | undefined; onClose: () => void }) {
  const isWide = Grid.useBreakpoint().md ?? true
  return (
    <Drawer
      open={change !== undefined}
      onClose={onClose}
      size={isWide ? 640 : '100%'}
      destroyOnHidden
      title={change && <span>{nameText(change.name ?? change.externalId ?? '')}</span>}
    >
      {change && <Details run={run} change={change} />}
    </Drawer>
  )
}

function Details({ run, change }: { run: Run; change: Change }) {
  const { t } = useTranslation('runs')
  const { reason, error, externalId, reviewId, userId, name } = change
  const differences = differencesOf(change)
  return (
    <Flex vertical gap={16}>
      <div>
        <Flex gap={8} align="center" wrap>
          <strong>
            <WhatText change={change} />
          </strong>
          <ChangeStateTag state={change.state} />
        </Flex>
        {externalId !== null && (
          <div>
            {t('changes.externalId')}: <Name>{externalId}</Name>
          </div>
        )}
        {reason !== null && (
          <div>
            {t('changes.reason')}: <ReasonText reason={reason} />
          </div>
        )}
      </div>
      {error !== null && (
        <Alert type="error" showIcon title={error.title} description={<RecordedProblem problem={error} />} />
      )}
      {differences.length === 0 ? (
        <p>{t('changes.noFields')}</p>
      ) : (
        <Table
          size="small"
          rowKey="field"
          pagination={false}
          dataSource={[...differences]}
          scroll={{ x: 480 }}
          columns={[
            {
              title: t('changes.field'),
              key: 'field',
              width: 130,
              render: (_, { field }) => <FieldName field={field} />,
            },
            // Who is new has no before.
            ...(change.before === null
              ? []
              : [
                  {
                    title: t('changes.before'),
                    key: 'before',
                    render: (_: unknown, { before }: FieldDifference) => <Whole value={before} />,
                  },
                ]),
            { title: t('changes.after'), key: 'after', render: (_, { after }) => <Whole value={after} /> },
          ]}
        />
      )}
      <Flex gap={16} wrap align="center">
        {userId && <ChangeTarget change={change} />}
        {reviewId !== null && (
          <Link to="/reviews" search={{ state: 'all', review: reviewId }}>
            {t('changes.review')}
          </Link>
        )}
        {userId && change.state === 'applied' && run.mode === 'apply' && (
          <May role="operator">
            <Revert run={run} person={{ id: userId, name: name ?? externalId ?? '' }} />
          </May>
        )}
      </Flex>
    </Flex>
  )
}

/** Addresses of pictures have no place to break. */
function Whole({ value }: { value: FieldValue }) {
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      <ValueText value={value} />
    </div>
  )
}

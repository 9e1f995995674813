/** The numbers of a run. Each is a button that shows the changes it counts. */
import type { Run } from '@muster/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Col, Flex, Row, theme, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Section } from '../design/section.tsx'
import { numberText } from '../design/when.tsx'
import { countersOf, hasEffect, isSameFilter, type Counter } from './counters-of.ts'
import type { ChangesSearch } from './search.ts'
import { heldRemovals } from './stages.ts'

export function Counters({ run, next }: { run: Run; next: ReactNode }) {
  const { t } = useTranslation('runs')
  const { users, departments } = run.counts
  const isQuiet =
    run.state === 'succeeded' && !hasEffect(run) && users.failed + departments.failed + heldRemovals(run) === 0
  return (
    <Section title={t(titleOf(run))}>
      {isQuiet && (
        <p style={{ marginBlockStart: 0 }}>
          {run.trigger !== 'revert' && t('counters.nothing')}
          {next}
        </p>
      )}
      <Row gutter={[32, 16]}>
        {countersOf(run).map(({ entity, counters }) => (
          <Col key={entity} span={24}>
            <Typography.Text type="secondary">{t(`counters.of.${entity}`)}</Typography.Text>
            <Flex wrap gap={8} style={{ marginBlockStart: 4 }}>
              {counters.map((counter) => (
                <Number key={counter.word} id={run.id} counter={counter} />
              ))}
            </Flex>
          </Col>
        ))}
      </Row>
    </Section>
  )
}

function titleOf({ mode, state }: Run) {
  if (mode === 'preview') return 'counters.wouldTitle'
  return state === 'running' ? 'counters.soFar' : 'counters.title'
}

const ALARMING: ReadonlySet<Counter['word']> = new Set(['failed'])

function Number({ id, counter: { word, count, filter } }: { id: string; counter: Counter }) {
  const { t } = useTranslation('runs')
  const { q, ...current } = useSearch({ from: '/inside/runs/$id' })
  const navigate = useNavigate()
  const { token } = theme.useToken()
  const isChosen = filter !== undefined && isSameFilter(filter, current)
  const show = (chosen: ChangesSearch) =>
    void navigate({ to: '/runs/$id', params: { id }, search: chosen, replace: true, resetScroll: false })
  const number = numberText(count)
  const content = (
    <span style={{ display: 'block', textAlign: 'start', lineHeight: 1.4 }}>
      <span style={{ display: 'block', fontSize: 20, fontWeight: 600 }}>{number}</span>
      <span style={{ display: 'block', fontSize: 13 }}>{t(`counted.${word}`)}</span>
    </span>
  )
  const style = { height: 'auto', minWidth: 84, padding: '6px 12px' }
  // What left no change behind has nothing to show.
  if (filter === undefined || count === 0) {
    return <div style={{ ...style, ...(count === 0 ? { color: token.colorTextDescription } : {}) }}>{content}</div>
  }
  return (
    <Button
      style={style}
      type={isChosen ? 'primary' : 'default'}
      danger={ALARMING.has(word)}
      aria-pressed={isChosen}
      title={t('counters.show')}
      onClick={() => show({ ...(isChosen ? {} : filter), ...(q === undefined ? {} : { q }) })}
    >
      {content}
    </Button>
  )
}

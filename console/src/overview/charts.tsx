/** The last weeks: who there is, who came and left, who signed in, who was refused and why, how runs went. */
import type { Overview } from '@muster/contracts'
import { Col, Empty, Row } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Chart } from '../design/chart.tsx'
import { shortMomentText } from '../design/when.tsx'
import { Panel } from '../design/panel.tsx'
import { Refusals } from './refusals.tsx'

export function Charts({ data: { series } }: { data: Overview }) {
  const { t } = useTranslation('overview')
  const days = series.days.map((day) => day.slice(5))
  const runs = series.runs.toReversed()
  const labelsOfRuns = runs.map(({ startedAt }) => shortMomentText(startedAt))
  const hasCounts = series.users.some((day) => day !== null)

  return (
    <Row gutter={[16, 16]}>
      <Place>
        {hasCounts ? (
          <Chart
            title={t('charts.users')}
            kind="lines"
            labels={days}
            series={[
              { name: t('numbers.active'), tone: 'good', values: series.users.map((day) => day?.active ?? null) },
              { name: t('numbers.disabled'), tone: 'bad', values: series.users.map((day) => day?.disabled ?? null) },
            ]}
          />
        ) : (
          <Nothing title={t('charts.users')} why={t('charts.noCounts')} />
        )}
      </Place>
      <Place>
        <Chart
          title={t('charts.movement')}
          kind="bars"
          labels={days}
          series={[
            { name: t('charts.joiners'), tone: 'good', values: series.joiners },
            { name: t('charts.leavers'), tone: 'bad', values: series.leavers },
          ]}
        />
      </Place>
      <Place>
        <Chart
          title={t('charts.signIns')}
          kind="bars"
          labels={days}
          series={[
            { name: t('charts.succeeded'), tone: 'plain', values: series.signIns.succeeded },
            { name: t('charts.refused'), tone: 'bad', values: series.signIns.refused },
            { name: t('charts.failed'), tone: 'quiet', values: series.signIns.failed },
          ]}
        />
      </Place>
      <Place>
        {series.refusals.length === 0 ? (
          <Nothing title={t('charts.refusals')} why={t('charts.noRefusals')} />
        ) : (
          <Refusals refusals={series.refusals} />
        )}
      </Place>
      <Place>
        {runs.length === 0 ? (
          <Nothing title={t('charts.duration')} why={t('charts.noRuns')} />
        ) : (
          <Chart
            title={t('charts.duration')}
            kind="bars"
            isWhole={false}
            format={(seconds) => String(Number(seconds.toFixed(seconds < 1 ? 2 : seconds < 10 ? 1 : 0)))}
            labels={labelsOfRuns}
            series={[{ name: t('charts.seconds'), tone: 'plain', values: runs.map(({ seconds }) => seconds) }]}
          />
        )}
      </Place>
      <Place>
        {runs.length === 0 ? (
          <Nothing title={t('charts.calls')} why={t('charts.noRuns')} />
        ) : (
          <Chart
            title={t('charts.calls')}
            kind="bars"
            labels={labelsOfRuns}
            series={[{ name: t('charts.apiCalls'), tone: 'plain', values: runs.map(({ apiCalls }) => apiCalls) }]}
          />
        )}
      </Place>
    </Row>
  )
}

function Place({ children }: { children: ReactNode }) {
  return (
    <Col xs={24} xl={12}>
      <Panel isFilling>{children}</Panel>
    </Col>
  )
}

function Nothing({ title, why }: { title: string; why: string }) {
  return (
    <figure style={{ margin: 0 }}>
      <figcaption style={{ fontWeight: 600 }}>{title}</figcaption>
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={why} />
    </figure>
  )
}

/** Why people were refused, the most frequent first. */
import type { Overview } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Flex, Progress } from 'antd'
import { useTranslation } from 'react-i18next'
import { numberText } from '../design/when.tsx'

export function Refusals({ refusals }: { refusals: Overview['series']['refusals'] }) {
  const { t } = useTranslation(['overview', 'signIns'])
  const most = Math.max(...refusals.map(({ count }) => count))
  return (
    <figure style={{ margin: 0 }}>
      <figcaption style={{ fontWeight: 600, marginBlockEnd: 8 }}>{t('overview:charts.refusals')}</figcaption>
      <Flex vertical gap={8}>
        {refusals.map(({ reason, count }) => (
          <div key={reason}>
            <Flex justify="space-between" gap={16}>
              <Link to="/sign-ins" search={{ reason }}>
                {t(`signIns:reason.${reason}`)}
              </Link>
              <span>{numberText(count)}</span>
            </Flex>
            <Progress percent={(100 * count) / most} showInfo={false} size="small" status="exception" aria-hidden />
          </div>
        ))}
      </Flex>
    </figure>
  )
}

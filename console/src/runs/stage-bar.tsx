/** How far a run is: its stages in a row, each with what came of it, and a bar while one goes on. */
import type { Run } from '@muster/contracts'
import { Grid, Progress, Steps } from 'antd'
import { useTranslation } from 'react-i18next'
import { numberText } from '../design/when.tsx'
import { heldRemovals, percentOf, stagesOf } from './stages.ts'

export function StageBar({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const isWide = Grid.useBreakpoint().lg ?? true
  const { counts, progress } = run
  const numbers = {
    members: numberText(counts.membersRead),
    departments: numberText(counts.departmentsRead),
    held: numberText(heldRemovals(run)),
  }
  const percent = percentOf(run)
  const stages = stagesOf(run)
  const going = stages.findIndex(({ status }) => status === 'process')
  return (
    <section aria-label={t('stage.label')}>
      <Steps
        size="small"
        responsive={false}
        orientation={isWide ? 'horizontal' : 'vertical'}
        // Without it the first one looks as if it went on, also when the run is over.
        current={going === -1 ? stages.length : going}
        items={stages.map(({ name, status, note }) => ({
          title: t(`stage.${name}`),
          status,
          content: note === 'none' ? undefined : t(`stage.note.${note}`, numbers),
        }))}
      />
      {run.state === 'running' && (
        <div aria-live="polite" style={{ marginBlockStart: 16 }}>
          <Progress
            percent={percent ?? 0}
            showInfo={percent !== undefined}
            status="active"
            aria-label={t('stage.label')}
          />
          {progress.total > 0 && (
            <span>{t('stage.progress', { done: numberText(progress.done), total: numberText(progress.total) })}</span>
          )}
        </div>
      )}
    </section>
  )
}

/** The last step: the doctor and, where there is a directory to follow, the first preview. */
import type { Connection } from '@muster/contracts'
import { Divider } from 'antd'
import { useTranslation } from 'react-i18next'
import { DoctorPanel } from '../doctor-panel.tsx'
import { FirstRun } from './first-run.tsx'
import { Heading, StepFooter, StepIntro } from './step-frame.tsx'

export function CheckStep({
  draft,
  onBack,
  onFinish,
}: {
  draft: Connection
  onBack: () => void
  onFinish: () => void
}) {
  const { t } = useTranslation('connections')
  const hasSync = draft.kind !== 'service_provider'
  return (
    <>
      <StepIntro>{t(hasSync ? 'wizard.check.intro' : 'suite.wizard.checkIntro')}</StepIntro>
      <Heading title={t('details.doctor.title')} why={t('details.doctor.why')} />
      <DoctorPanel connection={draft} />
      {hasSync && (
        <>
          <Divider />
          <Heading title={t('wizard.check.preview')} />
          <FirstRun connection={draft} />
        </>
      )}
      <StepFooter onBack={onBack} onNext={onFinish} next={t('wizard.finish')} />
    </>
  )
}

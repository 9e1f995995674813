/**
 * A step of connecting: fields, accounts and differences, saved together. What becomes of leavers is asked; the rest suits most
 * companies as it is, and is folded up below a sentence that says how it is.
 */
import { readMapping, updateConnection, type Connection } from '@muster/contracts'
import { Col, Form, Row, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import { numberText } from '../../design/when.tsx'
import {
  BindingFields,
  differencesOf,
  differencesPatch,
  LeaverField,
  OtherDifferenceFields,
  type DifferenceValues,
} from '../settings/differences.tsx'
import { MappingEditor } from '../settings/mapping-editor.tsx'
import { entriesOf, isUsual, rowsOf } from '../settings/mapping-rows.ts'
import { MemberSample } from '../settings/member-sample.tsx'
import { Fold } from './fold.tsx'
import { StepFooter, StepIntro } from './step-frame.tsx'

export function MappingStep({ draft, onBack, onNext }: { draft: Connection; onBack: () => void; onNext: () => void }) {
  const { t } = useTranslation('connections')
  const [rows, setRows] = useState(() => rowsOf(draft.sync.mapping))
  const [isSampled, setSampled] = useState(false)
  const [form] = Form.useForm<DifferenceValues>()
  const save = useAction(updateConnection, onNext)
  const mapping = entriesOf(rows)
  const isWrong = readMapping(mapping).problems.length > 0
  const rules = numberText(rows.length)
  return (
    <>
      <StepIntro>{t('wizard.mapping.intro')}</StepIntro>
      <Form<DifferenceValues>
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={differencesOf(draft.sync)}
        onFinish={(values) =>
          save.mutate({ params: { id: draft.id }, body: { sync: { ...differencesPatch(values), mapping } } })
        }
      >
        <LeaverField />
        <Typography.Paragraph type="secondary" style={{ maxWidth: 760 }}>
          {t('settings.difference.why')}
        </Typography.Paragraph>
        <Fold title={t('wizard.mapping.others')} sentence={<OthersSentence />}>
          <OtherDifferenceFields />
        </Fold>
        <Fold title={t('settings.binding.title')} sentence={<BindingSentence />}>
          <Typography.Paragraph type="secondary">{t('settings.binding.why')}</Typography.Paragraph>
          <BindingFields />
        </Fold>
      </Form>
      <Fold
        title={t('wizard.mapping.fields')}
        isWrong={isWrong}
        sentence={t(`wizard.mapping.fieldsAre.${isWrong ? 'wrong' : isUsual(rows) ? 'usual' : 'own'}`, { rules })}
        onOpen={() => setSampled(true)}
      >
        <Row gutter={[24, 24]}>
          <Col xs={24} xl={15}>
            <Typography.Paragraph type="secondary">{t('settings.mapping.why')}</Typography.Paragraph>
            <MappingEditor rows={rows} onChange={setRows} />
          </Col>
          <Col xs={24} xl={9}>
            {isSampled && <MemberSample connection={draft} mapping={mapping} />}
          </Col>
        </Row>
      </Fold>
      {save.error && <ProblemAlert error={save.error} />}
      <StepFooter
        onBack={onBack}
        onNext={() => form.submit()}
        next={t('wizard.saveNext')}
        isSaving={save.isPending}
        isBlocked={isWrong}
      />
    </>
  )
}

/** How the folded differences are set, while they are being changed. */
function OthersSentence() {
  const { t } = useTranslation('connections')
  const form = Form.useFormInstance<DifferenceValues>()
  const values: Partial<DifferenceValues> =
    Form.useWatch((all: DifferenceValues) => all, { form, preserve: true }) ?? {}
  const { users, departments, notActivated } = values
  if (users === undefined || departments === undefined || notActivated === undefined) return null
  return [
    t(`wizard.mapping.joiners.${users.onlyWecom}`),
    t(`wizard.mapping.newDepartments.${departments.onlyWecom}`),
    t(`wizard.mapping.oldDepartments.${departments.onlyHere}`),
    t(`wizard.mapping.notActivated.${notActivated}`),
  ].join(t('wizard.mapping.space'))
}

function BindingSentence() {
  const { t } = useTranslation('connections')
  const form = Form.useFormInstance<DifferenceValues>()
  const values: Partial<DifferenceValues> =
    Form.useWatch((all: DifferenceValues) => all, { form, preserve: true }) ?? {}
  const { bindByUsername = true, matchFields = [] } = values
  const by = [...(bindByUsername ? ['username' as const] : []), ...matchFields].map((name) =>
    t(`wizard.mapping.by.${name}`),
  )
  return by.length === 0
    ? t('wizard.mapping.byNothing')
    : t('wizard.mapping.byThese', { list: by.join(t('wizard.mapping.or')) })
}

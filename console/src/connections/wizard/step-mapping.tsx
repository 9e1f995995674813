/** A step of connecting: fields, accounts and differences, beside a real member; saved together. */
import { readMapping, updateConnection, type Connection } from '@muster/contracts'
import { Col, Divider, Form, Row } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import {
  BindingFields,
  DifferenceFields,
  differencesOf,
  differencesPatch,
  type DifferenceValues,
} from '../settings/differences.tsx'
import { MappingEditor } from '../settings/mapping-editor.tsx'
import { entriesOf, rowsOf } from '../settings/mapping-rows.ts'
import { MemberSample } from '../settings/member-sample.tsx'
import { Heading, StepFooter, StepIntro } from './step-frame.tsx'

export function MappingStep({ draft, onBack, onNext }: { draft: Connection; onBack: () => void; onNext: () => void }) {
  const { t } = useTranslation('connections')
  const [rows, setRows] = useState(() => rowsOf(draft.sync.mapping))
  const save = useAction(updateConnection, onNext)
  const mapping = entriesOf(rows)
  const isWrong = readMapping(mapping).problems.length > 0
  return (
    <>
      <StepIntro>{t('wizard.mapping.intro')}</StepIntro>
      <Row gutter={[32, 24]}>
        <Col xs={24} xl={15}>
          <Heading title={t('settings.mapping.title')} why={t('settings.mapping.why')} />
          <MappingEditor rows={rows} onChange={setRows} />
        </Col>
        <Col xs={24} xl={9}>
          <MemberSample connection={draft} mapping={mapping} />
        </Col>
      </Row>
      <Divider />
      <Form<DifferenceValues>
        layout="vertical"
        requiredMark={false}
        initialValues={differencesOf(draft.sync)}
        onFinish={(values) =>
          save.mutate({ params: { id: draft.id }, body: { sync: { ...differencesPatch(values), mapping } } })
        }
      >
        <Heading title={t('settings.binding.title')} why={t('settings.binding.why')} />
        <BindingFields />
        <Divider />
        <Heading title={t('settings.difference.title')} why={t('settings.difference.why')} />
        <DifferenceFields />
        {save.error && <ProblemAlert error={save.error} />}
        <StepFooter onBack={onBack} next={t('wizard.saveNext')} isSaving={save.isPending} isBlocked={isWrong} />
      </Form>
    </>
  )
}

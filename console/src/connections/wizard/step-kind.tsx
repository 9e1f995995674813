/** Step 1: what kind of app, what it needs and what it gives. */
import { ConnectionKind, type Connection } from '@muster/contracts'
import { Card, Col, Radio, Row, Typography } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { StepFooter, StepIntro } from './step-frame.tsx'

type Kind = Connection['kind']

export function KindStep({
  draft,
  kind: chosen,
  onChoose,
  onNext,
}: {
  draft: Connection | undefined
  kind: Kind
  onChoose: (kind: Kind) => void
  onNext: () => void
}) {
  const { t } = useTranslation('connections')
  const intro = useId()
  return (
    <>
      <StepIntro>
        <span id={intro}>{t(draft === undefined ? 'wizard.kind.intro' : 'wizard.kind.fixed')}</span>
      </StepIntro>
      <Radio.Group
        value={chosen}
        onChange={({ target }) => onChoose(target.value as Kind)}
        disabled={draft !== undefined}
        aria-labelledby={intro}
        style={{ display: 'block' }}
      >
        <Row gutter={[16, 16]}>
          {ConnectionKind.options.map((kind) => (
            <Col key={kind} xs={24} xl={8}>
              <Card size="small" style={{ height: '100%' }}>
                <Radio value={kind}>
                  <strong>{t(`kind.${kind}`)}</strong>
                </Radio>
                <Typography.Paragraph style={{ marginBlock: 12 }}>{t(`wizard.kind.${kind}.what`)}</Typography.Paragraph>
                <Points title={t('wizard.kind.needs')} lines={t(`wizard.kind.${kind}.needs`)} />
                <Points title={t('wizard.kind.gives')} lines={t(`wizard.kind.${kind}.gives`)} />
              </Card>
            </Col>
          ))}
        </Row>
      </Radio.Group>
      <StepFooter onNext={onNext} />
    </>
  )
}

function Points({ title, lines }: { title: string; lines: string }) {
  return (
    <>
      <Typography.Text type="secondary">{title}</Typography.Text>
      <ul style={{ marginBlock: '4px 12px', paddingInlineStart: 20 }}>
        {lines.split('\n').map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  )
}

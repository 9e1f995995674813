/** Step 1: what kind of app, what it needs and what it gives. Kinds that this version cannot connect say so. */
import { ConnectionKind, type Connection } from '@muster/contracts'
import { Card, Col, Flex, Radio, Row, Tag, Typography } from 'antd'
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import { StepFooter, StepIntro } from './step-frame.tsx'

type Kind = Connection['kind']

/** The server refuses the others with connections/kind-not-available. */
const AVAILABLE: Kind = 'self_built'

export function KindStep({ draft, onNext }: { draft: Connection | undefined; onNext: () => void }) {
  const { t } = useTranslation('connections')
  const intro = useId()
  return (
    <>
      <StepIntro>
        <span id={intro}>{t(draft === undefined ? 'wizard.kind.intro' : 'wizard.kind.fixed')}</span>
      </StepIntro>
      <Radio.Group
        value={draft?.kind ?? AVAILABLE}
        disabled={draft !== undefined}
        aria-labelledby={intro}
        style={{ display: 'block' }}
      >
        <Row gutter={[16, 16]}>
          {ConnectionKind.options.map((kind) => (
            <Col key={kind} xs={24} xl={8}>
              <Card size="small" style={{ height: '100%' }}>
                <Flex justify="space-between" align="center" wrap gap={8}>
                  <Radio value={kind} disabled={kind !== AVAILABLE}>
                    <strong>{t(`kind.${kind}`)}</strong>
                  </Radio>
                  {kind !== AVAILABLE && <Tag>{t('later')}</Tag>}
                </Flex>
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

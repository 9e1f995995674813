/** The switches of the services, off until somebody switches them on. Nothing is switched before it is saved. */
import { updateConnection, type Connection } from '@muster/contracts'
import { Card, Col, Flex, Row, Switch, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import { StepFooter, StepIntro } from './step-frame.tsx'

const SERVICES = ['sync', 'signIn'] as const

export function ServicesStep({ draft, onBack, onNext }: { draft: Connection; onBack: () => void; onNext: () => void }) {
  const { t } = useTranslation('connections')
  const [isOn, setOn] = useState({ sync: draft.sync.enabled, signIn: draft.signIn.enabled })
  const save = useAction(updateConnection, onNext)
  const services = SERVICES.filter((service) => service === 'signIn' || draft.kind !== 'service_provider')

  function saveNow(): void {
    const body = {
      ...(isOn.sync === draft.sync.enabled ? {} : { sync: { enabled: isOn.sync } }),
      ...(isOn.signIn === draft.signIn.enabled ? {} : { signIn: { enabled: isOn.signIn } }),
    }
    if (Object.keys(body).length === 0) onNext()
    else save.mutate({ params: { id: draft.id }, body })
  }

  return (
    <>
      <StepIntro>{t(services.length > 1 ? 'wizard.services.intro' : 'wizard.services.introSignIn')}</StepIntro>
      <Row gutter={[16, 16]}>
        {services.map((service) => (
          <Col key={service} xs={24} lg={12}>
            <Card size="small" style={{ height: '100%' }}>
              <Flex justify="space-between" align="center" gap={16}>
                <Typography.Title level={3} style={{ margin: 0, fontSize: 16 }}>
                  {t(`wizard.services.${service}.title`)}
                </Typography.Title>
                <Flex gap={8} align="center">
                  <span aria-hidden>{t(isOn[service] ? 'on' : 'off')}</span>
                  <Switch
                    aria-label={t(service === 'sync' ? 'wizard.services.switchSync' : 'wizard.services.switchSignIn')}
                    checked={isOn[service]}
                    onChange={(value) => {
                      save.reset()
                      setOn({ ...isOn, [service]: value })
                    }}
                  />
                </Flex>
              </Flex>
              <Typography.Paragraph style={{ marginBlock: 12 }}>
                {t(`wizard.services.${service}.what`)}
              </Typography.Paragraph>
              <Typography.Paragraph type="secondary" style={{ marginBlock: 0 }}>
                {t(`wizard.services.${service}.effect`)}{' '}
                {service === 'sync' ? t('wizard.services.sync.owner') : t(`wizard.services.signIn.needs.${draft.kind}`)}
              </Typography.Paragraph>
            </Card>
          </Col>
        ))}
      </Row>
      {save.error && (
        <div style={{ marginBlockStart: 16 }}>
          <ProblemAlert error={save.error} />
        </div>
      )}
      <StepFooter onBack={onBack} onNext={saveNow} next={t('wizard.saveNext')} isSaving={save.isPending} />
    </>
  )
}

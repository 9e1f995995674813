/** What somebody gets to see once, right after an application was created: its secret, and what to enter in the product. */
import type { ApplicationPreset, ApplicationWithSecret } from '@muster/contracts'
import { Alert, Button, Flex, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import type { z } from 'zod'
import { Copyable } from '../design/copyable.tsx'
import { nameText } from '../design/name.tsx'
import { useSession } from '../shell/session.tsx'
import { endpointsOf } from './addresses.ts'
import { ProductSettings } from './product-settings.tsx'

export interface Made {
  readonly application: z.output<typeof ApplicationWithSecret>
  readonly preset?: ApplicationPreset
  readonly origin?: string
}

export function MadeDialog({ made: { application, preset, origin = '' }, onDone }: { made: Made; onDone: () => void }) {
  const { t } = useTranslation('applications')
  const session = useSession()
  const { clientId, clientSecret, name } = application
  const { issuer } = endpointsOf(session.data?.publicUrl ?? '')
  return (
    <Modal
      open
      width={720}
      title={t('made.title', { name: nameText(name) })}
      closable={false}
      maskClosable={false}
      keyboard={false}
      footer={
        <Button type="primary" onClick={onDone}>
          {t('made.done')}
        </Button>
      }
    >
      <Flex vertical gap={16}>
        <Alert type="warning" showIcon title={t(clientSecret === null ? 'made.noSecret' : 'made.once')} />
        <div>
          <strong>{t('clientId')}</strong>
          <Copyable label={t('clientId')} value={clientId} />
        </div>
        {clientSecret !== null && (
          <div>
            <strong>{t('made.secret')}</strong>
            <Copyable label={t('made.secret')} value={clientSecret} />
          </div>
        )}
        <div>
          <strong>{t('details.issuer')}</strong>
          <Copyable label={t('details.issuer')} value={issuer} />
        </div>
        {preset && (
          <ProductSettings preset={preset} values={{ origin, issuer, clientId, clientSecret: clientSecret ?? '' }} />
        )}
      </Flex>
    </Modal>
  )
}

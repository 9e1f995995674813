/**
 * Inviting a company: the address on which an administrator of it authorises the app, to be opened or scanned. Says so by
 * itself when a company is there that was not there before.
 */
import { listCorps, startInstallation, type Connection } from '@muster/contracts'
import { Alert, Button, Flex, Modal, QRCode, Spin, Typography, theme } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../../api.ts'
import { Copyable } from '../../design/copyable.tsx'
import { nameText } from '../../design/name.tsx'
import { ProblemAlert } from '../../design/problem.tsx'
import { When } from '../../design/when.tsx'
import { useNow } from '../use-now.ts'

const LOOK_MS = 3_000
/** Of the companies that are there, as many as are compared. */
const MOST = 500

export function InviteButton({ connection, isFirst }: { connection: Connection; isFirst: boolean }) {
  const { t } = useTranslation('connections')
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button type={isFirst ? 'primary' : 'default'} onClick={() => setOpen(true)}>
        {t('suite.corps.invite')}
      </Button>
      <Modal
        open={isOpen}
        title={t('suite.invitation.title')}
        footer={null}
        destroyOnHidden
        onCancel={() => setOpen(false)}
      >
        <Invitation connection={connection} onClose={() => setOpen(false)} />
      </Modal>
    </>
  )
}

function Invitation({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const { t } = useTranslation('connections')
  const now = useNow(LOOK_MS)
  const params = { id: connection.id }
  const start = useAction(startInstallation)
  const { mutate } = start
  useEffect(() => mutate({ params: { id: connection.id } }), [mutate, connection.id])
  const newcomer = useNewcomer(connection)
  const invitation = start.data
  const isOver = invitation !== undefined && Date.parse(invitation.expiresAt) <= now
  return (
    <Flex vertical gap={16}>
      <Typography.Paragraph style={{ margin: 0 }}>{t('suite.invitation.intro')}</Typography.Paragraph>
      {start.error && <ProblemAlert error={start.error} />}
      {start.isPending && <Spin />}
      {invitation !== undefined && newcomer === undefined && !isOver && (
        <>
          <div>
            <strong>{t('suite.invitation.address')}</strong>
            <Copyable label={t('suite.invitation.address')} value={invitation.url} />
          </div>
          <Code text={invitation.url} />
          <Typography.Text type="secondary">
            {t('suite.invitation.until')} <When at={invitation.expiresAt} />
          </Typography.Text>
        </>
      )}
      <div role="status">
        {newcomer === undefined ? (
          invitation !== undefined &&
          (isOver ? (
            <Alert type="warning" showIcon title={t('suite.invitation.expired')} />
          ) : (
            <Typography.Text type="secondary">{t('suite.invitation.waiting')}</Typography.Text>
          ))
        ) : (
          <Alert type="success" showIcon title={t('suite.invitation.here', { name: nameText(newcomer) })} />
        )}
      </div>
      <Flex gap={8} justify="end" wrap>
        {invitation !== undefined && newcomer === undefined && !isOver && (
          <Button href={invitation.url} target="_blank" rel="noreferrer">
            {t('suite.invitation.open')}
          </Button>
        )}
        {(isOver || start.error) && (
          <Button loading={start.isPending} onClick={() => start.mutate({ params })}>
            {t('suite.invitation.again')}
          </Button>
        )}
        <Button type={newcomer === undefined ? 'default' : 'primary'} onClick={onClose}>
          {t('suite.invitation.close')}
        </Button>
      </Flex>
    </Flex>
  )
}

/** Always dark on light: that is what cameras read. */
function Code({ text }: { text: string }) {
  const { t } = useTranslation('connections')
  const { token } = theme.useToken()
  return (
    <div role="img" aria-label={t('suite.invitation.code')} style={{ alignSelf: 'center' }}>
      <div aria-hidden>
        <QRCode
          type="svg"
          value={text}
          size={200}
          color="#000000"
          bgColor="#ffffff"
          style={{ borderColor: token.colorBorderSecondary, padding: 12 }}
        />
      </div>
    </div>
  )
}

/** The name of a company that is authorised now and was not when this was first asked. */
function useNewcomer(connection: Connection): string | undefined {
  const corps = useRead(
    listCorps,
    { params: { id: connection.id }, query: { state: 'authorized', limit: MOST } },
    { refetchInterval: LOOK_MS },
  )
  const [before, setBefore] = useState<ReadonlySet<string>>()
  if (before === undefined && corps.data !== undefined) {
    setBefore(new Set(corps.data.items.map(({ corpId }) => corpId)))
  }
  return before === undefined ? undefined : corps.data?.items.find(({ corpId }) => !before.has(corpId))?.name
}

/** The secrets of an application: a second one while the first is replaced. */
import {
  createApplicationSecret,
  deleteApplicationSecret,
  listApplicationSecrets,
  type ApplicationId,
} from '@muster/contracts'
import { Alert, Button, Flex } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { AskDialog } from '../design/ask-dialog.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { ShownOnce } from '../design/shown-once.tsx'
import { When } from '../design/when.tsx'
import { May } from '../shell/session.tsx'

export function Secrets({ applicationId }: { applicationId: ApplicationId }) {
  const { t } = useTranslation('applications')
  const secrets = useRead(listApplicationSecrets, { params: { id: applicationId } })
  const [shown, setShown] = useState<string>()
  const [removing, setRemoving] = useState<string>()
  const add = useAction(createApplicationSecret, ({ clientSecret }) => setShown(clientSecret))
  const remove = useAction(deleteApplicationSecret, () => setRemoving(undefined))
  const items = secrets.data?.items ?? []
  return (
    <>
      <p style={{ marginBlockStart: 0 }}>{t('secrets.why')}</p>
      {secrets.error && <ProblemAlert error={secrets.error} onRetry={() => void secrets.refetch()} />}
      {add.error && <ProblemAlert error={add.error} />}
      {items.length > 1 && <Alert type="info" showIcon title={t('secrets.two')} style={{ marginBlockEnd: 16 }} />}
      <ul aria-label={t('secrets.label')}>
        {items.map(({ id, createdAt, lastUsedAt }) => (
          <li key={id} style={{ marginBlockEnd: 8 }}>
            <Flex gap={16} wrap align="center">
              <span>
                {t('secrets.created')}: <When at={createdAt} />
              </span>
              <span>
                {t('secrets.lastUsed')}: <When at={lastUsedAt} />
              </span>
              {items.length > 1 && (
                <May role="owner">
                  <Button size="small" danger onClick={() => setRemoving(id)}>
                    {t('secrets.remove')}
                  </Button>
                </May>
              )}
            </Flex>
          </li>
        ))}
      </ul>
      {items.length === 1 && (
        <May role="owner">
          <Button loading={add.isPending} onClick={() => add.mutate({ params: { id: applicationId } })}>
            {t('secrets.add')}
          </Button>
        </May>
      )}
      {shown !== undefined && (
        <ShownOnce
          title={t('secrets.title')}
          label={t('made.secret')}
          secret={shown}
          why={t('made.once')}
          done={t('made.done')}
          onDone={() => setShown(undefined)}
        />
      )}
      {removing !== undefined && (
        <AskDialog
          title={t('secrets.removeTitle')}
          why={t('secrets.removeWhy')}
          go={t('secrets.remove')}
          act={remove}
          onGo={() => remove.mutate({ params: { id: applicationId, secretId: removing } })}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </>
  )
}

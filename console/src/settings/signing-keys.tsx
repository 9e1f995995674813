/** The keys of ID tokens: letting the next one sign, and withdrawing all when one may be known to others. */
import { rotateSigningKeys, type SigningKeys as Keys } from '@muster/contracts'
import { Button, Flex, Popconfirm } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { AskDialog } from '../design/ask-dialog.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { When } from '../design/when.tsx'

export function SigningKeys() {
  const { t } = useTranslation('settings')
  const [keys, setKeys] = useState<Keys['keys']>()
  const [isWithdrawing, setWithdrawing] = useState(false)
  const rotate = useAction(rotateSigningKeys, (answer) => {
    setKeys(answer.keys)
    setWithdrawing(false)
  })
  return (
    <>
      {rotate.error && !isWithdrawing && <ProblemAlert error={rotate.error} />}
      <Flex gap={8} wrap>
        <Popconfirm
          title={t('keys.rotate')}
          description={<div style={{ maxWidth: 360 }}>{t('keys.rotateWhy')}</div>}
          okText={t('keys.rotate')}
          cancelText={t('cancel')}
          onConfirm={() => rotate.mutate({ body: {} })}
        >
          <Button loading={rotate.isPending}>{t('keys.rotate')}</Button>
        </Popconfirm>
        <Button danger onClick={() => setWithdrawing(true)}>
          {t('keys.withdraw')}
        </Button>
      </Flex>
      {isWithdrawing && (
        <AskDialog
          title={t('keys.withdrawTitle')}
          why={t('keys.withdrawWhy')}
          go={t('keys.withdraw')}
          act={rotate}
          onGo={() => rotate.mutate({ body: { withdraw: true } })}
          onClose={() => setWithdrawing(false)}
        />
      )}
      {keys && (
        <div role="status" style={{ marginBlockStart: 16 }}>
          <strong>{t('keys.done')}</strong>
          <ul>
            {keys.map(({ kid, state, createdAt, activatedAt }) => (
              <li key={kid}>
                <code>{kid}</code>: {t(`keys.state.${state}`)}, {t('keys.since')} <When at={activatedAt ?? createdAt} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

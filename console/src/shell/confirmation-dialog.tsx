/** The password once more, over whatever page is open, when an act waits for it (confirmation.ts). */
import { confirmSession } from '@muster/contracts'
import { Button, Form, Input, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { ProblemAlert } from '../design/problem.tsx'
import type { Asked } from './confirmation.ts'
import { signInAddress, useSession } from './session.tsx'

export function ConfirmationDialog({ confirmed, cancelled }: Asked) {
  const { t } = useTranslation('shell')
  const session = useSession()
  const confirm = useAction(confirmSession, confirmed)
  return (
    <Modal open title={t('confirm.title')} footer={null} onCancel={cancelled} destroyOnHidden>
      <p>{t('confirm.why')}</p>
      {confirm.error && <ProblemAlert error={confirm.error} />}
      {session.data?.hasPassword === false ? (
        <>
          <p>{t('confirm.byWecom')}</p>
          <Button type="primary" block href={signInAddress({ isFresh: true })}>
            {t('confirm.signInAgain')}
          </Button>
        </>
      ) : (
        <Form<{ password: string }>
          layout="vertical"
          requiredMark={false}
          onFinish={({ password }) => confirm.mutate({ body: { password } })}
        >
          <Form.Item
            name="password"
            label={t('confirm.password')}
            rules={[{ required: true, message: t('confirm.missing') }]}
          >
            <Input.Password autoFocus autoComplete="current-password" />
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={confirm.isPending} block>
            {t('confirm.go')}
          </Button>
        </Form>
      )}
    </Modal>
  )
}

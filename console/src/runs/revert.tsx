/** Taking a run back, or one person of it: what that does in words, and first a look at what it would do. */
import { revertRun, type Run, type UserId } from '@muster/contracts'
import { UndoOutlined } from '@ant-design/icons'
import { useNavigate } from '@tanstack/react-router'
import { Button, Flex, Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { StartProblem } from './start-run.tsx'

export function Revert({ run, person }: { run: Run; person?: { readonly id: UserId; readonly name: string } }) {
  const { t } = useTranslation('runs')
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button icon={<UndoOutlined />} onClick={() => setOpen(true)}>
        {t(person === undefined ? 'revert.open' : 'revert.openOne')}
      </Button>
      <Modal
        open={isOpen}
        title={person === undefined ? t('revert.title') : t('revert.titleOne', { name: nameText(person.name) })}
        footer={null}
        onCancel={() => setOpen(false)}
        destroyOnHidden
      >
        <Question run={run} userId={person?.id} onBack={() => setOpen(false)} />
      </Modal>
    </>
  )
}

function Question({ run, userId, onBack }: { run: Run; userId: UserId | undefined; onBack: () => void }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const revert = useAction(revertRun, ({ id }) => {
    onBack()
    void navigate({ to: '/runs/$id', params: { id } })
  })
  const go = (mode: Run['mode']) =>
    revert.mutate({ params: { id: run.id }, body: { mode, ...(userId === undefined ? {} : { userId }) } })
  return (
    <>
      <ul style={{ paddingInlineStart: 20 }}>
        <li>{t('revert.means')}</li>
        <li>{t('revert.newer')}</li>
        <li>{t('revert.again')}</li>
      </ul>
      {revert.error && <StartProblem error={revert.error} />}
      <Flex justify="end" gap={8} wrap>
        <Button onClick={onBack}>{t('revert.back')}</Button>
        <Button disabled={revert.isPending} onClick={() => go('preview')}>
          {t('revert.preview')}
        </Button>
        <Button type="primary" danger loading={revert.isPending} onClick={() => go('apply')}>
          {t('revert.go')}
        </Button>
      </Flex>
    </>
  )
}

/** Takes the WW_verify file that WeCom offers and shows where it is served from then on. */
import {
  deleteVerificationFile,
  putVerificationFile,
  VerificationFileName,
  VerificationFileText,
  type Connection,
} from '@muster/contracts'
import { UploadOutlined } from '@ant-design/icons'
import { Alert, Button, Flex, Typography } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { Copyable } from '../design/copyable.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { May } from '../shell/session.tsx'

export function VerificationFileField({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const input = useRef<HTMLInputElement>(null)
  const [complaint, setComplaint] = useState<'fileName' | 'fileText'>()
  const put = useAction(putVerificationFile)
  const remove = useAction(deleteVerificationFile, () => put.reset())
  const served = put.data

  async function upload(file: File | undefined): Promise<void> {
    if (file === undefined) return
    put.reset()
    remove.reset()
    const name = VerificationFileName.safeParse(file.name)
    const text = VerificationFileText.safeParse(await file.text())
    setComplaint(name.success ? (text.success ? undefined : 'fileText') : 'fileName')
    if (name.success && text.success) {
      put.mutate({ params: { id: connection.id, name: name.data }, body: text.data })
    }
  }

  return (
    <>
      <May role="operator">
        <input
          ref={input}
          type="file"
          accept=".txt,text/plain"
          style={{ display: 'none' }}
          data-testid="verification-file"
          onChange={({ target }) => {
            void upload(target.files?.[0])
            target.value = ''
          }}
        />
        <Button icon={<UploadOutlined aria-hidden />} loading={put.isPending} onClick={() => input.current?.click()}>
          {t('settings.address.fileChoose')}
        </Button>
      </May>
      <div role="status" style={{ marginBlockStart: 12 }}>
        {complaint && <Alert type="error" showIcon title={t(`settings.address.${complaint}`)} />}
        {(put.error ?? remove.error) && <ProblemAlert error={put.error ?? remove.error} />}
        {remove.isSuccess && <Typography.Text>{t('settings.address.fileRemoved')}</Typography.Text>}
        {served && (
          <>
            <Typography.Text type="success">{t('settings.address.fileServed')}</Typography.Text>
            <Flex gap={12} align="center" wrap style={{ marginBlockStart: 4 }}>
              <div style={{ flex: '1 1 320px' }}>
                <Copyable label={t('settings.address.file')} value={served.url} />
              </div>
              <Button
                type="text"
                danger
                loading={remove.isPending}
                onClick={() => remove.mutate({ params: { id: connection.id, name: served.name } })}
              >
                {t('settings.address.fileRemove')}
              </Button>
            </Flex>
          </>
        )}
      </div>
    </>
  )
}

/** The first run: whoever holds the address that the server printed makes the first owner. */
import { ApiProblem, setUp } from '@muster/contracts'
import { Button, Card, Flex, Result, Typography } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { LanguageChoice } from '../shell/language-choice.tsx'
import { signInAddress } from '../shell/session.tsx'
import { OwnerForm } from './owner-form.tsx'
import { takeToken } from './token.ts'

const CLOSED = 'setup/closed'
const COMMAND = './muster admin reset-password NAME'

export function Setup() {
  const { t } = useTranslation('setup')
  const [token] = useState(takeToken)
  const create = useAction(setUp)
  const isClosed = create.error instanceof ApiProblem && create.error.code === CLOSED
  useEffect(() => {
    document.title = `${t('title')} · Muster`
  }, [t])
  return (
    <Flex component="main" vertical align="center" style={{ minHeight: '100%', padding: 24, boxSizing: 'border-box' }}>
      <Flex justify="end" style={{ width: '100%', maxWidth: 480 }}>
        <LanguageChoice />
      </Flex>
      <Card style={{ width: '100%', maxWidth: 480 }}>
        {create.data ? (
          <Instead
            status="success"
            title={t('done.title', { name: nameText(create.data.displayName) })}
            why={t('done.why', { username: nameText(create.data.username) })}
            go={t('done.go')}
          />
        ) : isClosed ? (
          <Instead
            status="info"
            title={t('closed.title')}
            why={t('closed.why')}
            go={t('closed.go')}
            command={COMMAND}
          />
        ) : token === undefined ? (
          <Instead status="info" title={t('noToken.title')} why={t('noToken.why')} go={t('noToken.go')} />
        ) : (
          <>
            <Typography.Title level={1} style={{ fontSize: 24, marginBlockStart: 0 }}>
              {t('title')}
            </Typography.Title>
            <Typography.Paragraph>{t('intro')}</Typography.Paragraph>
            <OwnerForm
              isBusy={create.isPending}
              error={create.error}
              onDone={(owner) => create.mutate({ body: { token, ...owner } })}
            />
          </>
        )}
      </Card>
    </Flex>
  )
}

/** What is shown in the place of the form: afterwards, too late, or without a token. */
function Instead({
  status,
  title,
  why,
  go,
  command,
}: {
  status: 'success' | 'info'
  title: string
  why: string
  go: string
  command?: string
}) {
  return (
    <Result
      status={status}
      style={{ padding: 16 }}
      title={
        <Typography.Title level={1} style={{ fontSize: 24, margin: 0 }}>
          {title}
        </Typography.Title>
      }
      subTitle={
        <>
          <p>{why}</p>
          {command !== undefined && <code>{command}</code>}
        </>
      }
      extra={
        <Button type="primary" size="large" href={signInAddress({ returnTo: '/console/' })}>
          {go}
        </Button>
      }
    />
  )
}

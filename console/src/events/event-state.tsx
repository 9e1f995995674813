/** The state of an event in a word, and what became of it in a sentence. */
import { getRun, type Event } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { Name } from '../design/name.tsx'
import { When } from '../design/when.tsx'
import { outcomeOf } from './outcome.ts'

const COLOURS = {
  pending: 'blue',
  applied: 'success',
  ignored: 'default',
  failed: 'warning',
  parked: 'error',
} as const

export function EventStateTag({ state }: { state: Event['state'] }) {
  const { t } = useTranslation('events')
  return <Tag color={COLOURS[state]}>{t(`state.${state}`)}</Tag>
}

/** @param isFull with what failed, where that is not said beside it */
export function WhatBecame({ event, isFull = true }: { event: Event; isFull?: boolean }) {
  const { t } = useTranslation('events')
  const { note, runId, nextAttemptAt, error } = event
  const outcome = outcomeOf(event)
  switch (outcome) {
    case 'waiting':
    case 'nothing':
    case 'suite_ticket':
    case 'create_auth':
    case 'change_auth':
    case 'cancel_auth':
    case 'reset_permanent_code':
      return t(`outcome.${outcome}`)
    case 'run':
      if (!isFull) return <ByRun id={runId!} />
      return (
        <>
          {t('outcome.run')} <RunLink id={runId!} />
        </>
      )
    case 'ignored':
      return note === null ? '–' : t(`note.${note}`)
    case 'again':
      return (
        <>
          {isFull && error !== null && (
            <div>
              <Name>{error.title}</Name>
            </div>
          )}
          {nextAttemptAt !== null && (
            <>
              {t('outcome.again')}: <When at={nextAttemptAt} />
            </>
          )}
        </>
      )
    case 'parked':
      return (
        <>
          {isFull && error !== null && (
            <div>
              <Name>{error.title}</Name>
            </div>
          )}
          {t('outcome.parked')}
        </>
      )
    default:
      return outcome satisfies never
  }
}

/** Which of the two it was, where there is one event to look at: a run that holds nothing has changed something. */
function ByRun({ id }: { id: string }) {
  const { t } = useTranslation('events')
  const { data } = useRead(getRun, { params: { id } })
  return (
    <>
      {t(data !== undefined && data.held === null ? 'outcome.changed' : 'outcome.run')} <RunLink id={id} />
    </>
  )
}

function RunLink({ id }: { id: string }) {
  const { t } = useTranslation('events')
  return (
    <Link to="/runs/$id" params={{ id }} style={{ textDecoration: 'underline' }}>
      {t('seeRun')}
    </Link>
  )
}

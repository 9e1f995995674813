/** The parts of a change in words: whom it is about, what is done, why, what came of it. */
import type { Change } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { Name } from '../design/name.tsx'
import { runWords } from './words.ts'

export function ChangeTarget({ change: { name, externalId, userId, state } }: { change: Change }) {
  const { t } = useTranslation('runs')
  const words = <Name>{name ?? externalId ?? t('changes.noName')}</Name>
  // Who would be created has an id that names nobody.
  if (!userId || state === 'planned' || state === 'failed') return words
  return (
    <Link to="/people/$id" params={{ id: userId }}>
      {words}
    </Link>
  )
}

export function WhatText({ change: { entity, action } }: { change: Pick<Change, 'entity' | 'action'> }) {
  const { t } = useTranslation('runs')
  if (entity === 'link') return <>{t(`ofLink.${action}`)}</>
  return <>{t('what', { action: t(`action.${action}`), entity: t(`entity.${entity}`) })}</>
}

const COLOURS = {
  planned: 'blue',
  applied: 'success',
  held: 'warning',
  failed: 'error',
  skipped: 'default',
  rejected: 'default',
} as const

export function ChangeStateTag({ state }: { state: Change['state'] }) {
  const { t } = useTranslation('runs')
  return <Tag color={COLOURS[state]}>{t(`changeState.${state}`)}</Tag>
}

type Reason = keyof typeof runWords.en.reasons

/** A word that a later version invents is shown as it is. */
export function ReasonText({ reason }: { reason: string | null }) {
  const { t } = useTranslation('runs')
  if (reason === null) return null
  return isReason(reason) ? <>{t(`reasons.${reason}`)}</> : <code>{reason}</code>
}

function isReason(word: string): word is Reason {
  return word in runWords.en.reasons
}

type Field = keyof typeof runWords.en.field

export function FieldName({ field }: { field: string }) {
  const { t } = useTranslation('runs')
  return field in runWords.en.field ? <>{t(`field.${field as Field}`)}</> : <Name>{field}</Name>
}

type Word = keyof typeof runWords.en.value

export function ValueWord({ word }: { word: string }) {
  const { t } = useTranslation('runs')
  return word in runWords.en.value ? <>{t(`value.${word as Word}`)}</> : <Name>{word}</Name>
}

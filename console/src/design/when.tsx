/** A moment, as people of the chosen language write it, in the time zone of their browser; the exact one on hover. */
import { useTranslation } from 'react-i18next'
import { currentLanguage } from '../texts.ts'

export function When({ at, timeZone }: { at: string | null | undefined; timeZone?: string }) {
  const { t } = useTranslation('design')
  if (at === null || at === undefined) return <span>{t('never')}</span>
  return (
    <time dateTime={at} title={at} style={{ whiteSpace: 'nowrap' }}>
      {momentText(at, timeZone)}
    </time>
  )
}

export function momentText(at: string, timeZone?: string): string {
  const locale = currentLanguage() === 'zh' ? 'zh-CN' : 'en-GB'
  const style = { dateStyle: 'medium', timeStyle: 'short', ...(timeZone === undefined ? {} : { timeZone }) } as const
  return new Intl.DateTimeFormat(locale, style).format(new Date(at))
}

/** 11-20 15:04, where there is room for no more. */
export function shortMomentText(at: string): string {
  const moment = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  const day = `${two(moment.getMonth() + 1)}-${two(moment.getDate())}`
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}`
}

/** 1,234 */
export function numberText(count: number): string {
  return new Intl.NumberFormat(currentLanguage() === 'zh' ? 'zh-CN' : 'en').format(count)
}

/** 0.3 s, 12 s, 4 min 10 s */
export function durationText(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (milliseconds > 0 && seconds < 0.1) return '< 0.1 s'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

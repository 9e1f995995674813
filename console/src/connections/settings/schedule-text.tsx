/** A schedule as a sentence. */
import type { Schedule } from '@muster/contracts'
import { useTranslation } from 'react-i18next'
import { fieldsOf } from './schedule-form.ts'

export function useScheduleText(schedule: Schedule): string {
  const { t } = useTranslation('connections')
  switch (schedule.kind) {
    case 'manual':
      return t('settings.schedule.text.manual')
    case 'daily':
      return t('settings.schedule.text.daily', { at: schedule.at })
    case 'weekly':
      return t('settings.schedule.text.weekly', {
        day: t(`settings.schedule.weekdayOption.${schedule.day}`),
        at: schedule.at,
      })
    case 'monthly':
      return t('settings.schedule.text.monthly', { day: schedule.day, at: schedule.at })
    case 'interval': {
      const { every, unit } = fieldsOf(schedule)
      return t(`settings.schedule.text.${unit}`, { every })
    }
    default:
      return schedule satisfies never
  }
}

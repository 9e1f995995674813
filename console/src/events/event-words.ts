/** WeCom's words for what happened and to whom, in words of people. Whatever else it may say stays as it is. */
import { useTranslation } from 'react-i18next'

export const EVENT_TYPES = [
  'create_user',
  'update_user',
  'delete_user',
  'create_party',
  'update_party',
  'delete_party',
  'update_tag',
  'suite_ticket',
  'create_auth',
  'change_auth',
  'cancel_auth',
  'reset_permanent_code',
  'change_contact',
] as const

export function useEventWords() {
  const { t } = useTranslation('events')
  return {
    typeWord(type: string): string {
      const known = EVENT_TYPES.find((word) => word === type)
      return known === undefined ? type : t(`type.${known}`)
    },
    /** The API says “user ZhangSan”, “company ww…” and “department 7”; the type has said already that it is a person or a company. */
    objectWord(object: string): string {
      const [, kind, id] = /^(user|company|department) (.+)$/su.exec(object) ?? []
      if (id === undefined) return object
      return kind === 'department' ? t('department', { id }) : id
    },
  }
}

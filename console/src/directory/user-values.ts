/** What stands in the form of a user, and what is sent of it. Pure. */
import { NewUser, type User } from '@muster/contracts'

export interface UserValues {
  readonly username: string
  readonly displayName: string
  readonly email?: string
  readonly phone?: string
  readonly title?: string
  readonly locale?: string | null
}

export type UserField = keyof UserValues

export const USER_FIELDS = [
  'username',
  'displayName',
  'email',
  'phone',
  'title',
  'locale',
] as const satisfies UserField[]

/** Fields that sync writes as long as somebody is linked. */
export const WECOM_FIELDS: ReadonlySet<string> = new Set(['displayName', 'email', 'phone', 'title'])

/** Whether WeCom owns the field of this user, so that changing it here is refused. */
export function isOwnedByWecom(user: Pick<User, 'links'>, field: UserField): boolean {
  return user.links.length > 0 && WECOM_FIELDS.has(field)
}

/** Whether the server takes the text. Empty ones are nothing, where a field may be nothing. */
export function isAccepted(field: UserField, text: string | null | undefined): boolean {
  const value = text ?? ''
  if (value === '') return field !== 'username' && field !== 'displayName'
  return NewUser.shape[field].safeParse(value).success
}

/** As it is sent: what is empty is null, and names stay as they are typed. */
export function sentValues(values: UserValues) {
  return {
    username: values.username,
    displayName: values.displayName,
    email: emptyIsNull(values.email),
    phone: emptyIsNull(values.phone),
    title: emptyIsNull(values.title),
    locale: emptyIsNull(values.locale),
  }
}

/** Only what differs from how the user is, so that nothing is refused that nobody touched. */
export function changedValues(user: User, values: UserValues): Partial<ReturnType<typeof sentValues>> {
  const sent = sentValues(values)
  return Object.fromEntries(USER_FIELDS.flatMap((field) => (sent[field] === user[field] ? [] : [[field, sent[field]]])))
}

export function startValues(user: User): UserValues {
  const { username, displayName, email, phone, title, locale } = user
  return { username, displayName, email: email ?? '', phone: phone ?? '', title: title ?? '', locale }
}

function emptyIsNull(text: string | null | undefined): string | null {
  return text == null || text.trim() === '' ? null : text
}

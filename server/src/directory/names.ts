/** The one place where names and addresses are cleaned and folded, so that no path compares them differently. Pure. */

/**
 * The form in which usernames, userids and e-mail addresses are unique and looked up: WeCom ignores the case of a
 * userid (wecom-api.md §2.3.2), and two spellings of one character must not be two people.
 */
export function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

/** The text as given, without what neither database can store: NUL and halves of surrogate pairs. */
export function storable(text: string): string {
  const withoutNul = text.includes('\0') ? text.replaceAll('\0', '') : text
  return withoutNul.isWellFormed() ? withoutNul : withoutNul.replace(/\p{Surrogate}/gu, '')
}

/**
 * E.164 where the number allows it: WeCom gives mainland numbers without country code and all others as
 * `+<code><number>`, sometimes with spaces (wecom-api.md §2.3.2). Anything else is kept as given, without its spaces.
 */
export function normalisePhone(raw: string): string {
  const compact = raw.replace(/[\s\-()]/g, '')
  if (/^1\d{10}$/.test(compact)) return `+86${compact}`
  if (/^00[1-9]\d{6,14}$/.test(compact)) return `+${compact.slice(2)}`
  return compact
}

const LONGEST_ADDRESS = 254

/** Whether a text has the shape of an e-mail address that can be stored and compared. */
export function isAddress(text: string): boolean {
  const at = text.lastIndexOf('@')
  return at > 0 && at < text.length - 1 && text.length <= LONGEST_ADDRESS && !/\s/.test(text)
}

/** The stand-in for somebody without an address (http-api.md §5): never verified, never matched, never mailed. */
export function syntheticAddress(userid: string, domain: string): string {
  return `${userid.replaceAll('@', '.').toLowerCase()}@${domain}`
}

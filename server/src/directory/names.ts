/** The one place where names and addresses are cleaned and folded, so that no path compares them differently. Pure. */

/**
 * The form in which usernames, userids and e-mail addresses are unique and looked up: WeCom ignores the case of a
 * userid (wecom-api.md §2.3.2), and two spellings of one character must not be two people.
 */
export function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

/** More than any username has; what is longer names nobody. */
const LONGEST_TYPED = 256

/**
 * What somebody who typed this can mean, the likeliest first: the name as it is, else in its plain form, because input
 * methods type full-width letters. No other likeness counts: nobody signs in as somebody they did not write.
 */
export function possibleNames(typed: string): string[] {
  if (typed.length > LONGEST_TYPED || storable(typed) !== typed) return []
  return [...new Set([foldName(typed.trim()), foldName(typed.normalize('NFKC').trim())])]
}

/**
 * One form for all names that look alike, by which guesses are counted: whoever varies the spelling varies nothing. Never
 * a key of anybody: two names may share it.
 */
export function canonicalName(typed: string): string {
  const plain = typed
    .slice(0, LONGEST_TYPED)
    .normalize('NFKC')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{C}\s]/gu, '')
    .toLowerCase()
  // A capital I with a dot becomes an i with a dot of its own.
  return Array.from(
    plain.normalize('NFKC').replaceAll('i\u0307', 'i'),
    (letter) => LOOKALIKES.get(letter) ?? letter,
  ).join('')
}

/**
 * Whether a name could be taken for another one: because it has invisible characters or other forms of plain ones, mixes
 * Latin letters with those of an alphabet that resembles it, or has only letters that look Latin. Userids of WeCom are
 * ASCII (wecom-api.md §2.3.2), so no name of ours that passes can imitate one.
 */
export function isDeceptive(name: string): boolean {
  if (/[\p{Default_Ignorable_Code_Point}\u2800]/u.test(name) || name.normalize('NFKC') !== name.normalize('NFC'))
    return true
  const canonical = canonicalName(name)
  if (canonical === foldName(name)) return false
  // Some letters have a Latin double. Among others of their own alphabet nobody is deceived.
  return /^[\x20-\x7e]*$/.test(canonical) || /\p{Script=Latin}/u.test(name)
}

/** Lower-case letters that cannot be told from a Latin one in common fonts (a part of Unicode TS 39), after NFKC. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аαɑ',
    b: 'Ьƅ',
    c: 'сϲᴄ',
    d: 'ԁɗ',
    e: 'еҽ℮',
    g: 'ɡց',
    h: 'һհ',
    i: 'іıɩιӏ',
    j: 'јϳ',
    k: 'κкᴋ',
    l: 'ⅼӀǀ',
    m: 'мᴍ',
    n: 'ողη',
    o: 'оοօᴏσ',
    p: 'рρ',
    q: 'ԛգ',
    r: 'гᴦ',
    s: 'ѕꜱ',
    t: 'тτᴛ',
    u: 'υսʋᴜ',
    v: 'νѵᴠ',
    w: 'ѡԝաᴡ',
    x: 'хχ',
    y: 'уүγʏ',
    z: 'ᴢ',
  }).flatMap(([latin, others]) => Array.from(others, (other) => [other.toLowerCase(), latin] as const)),
)

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

/**
 * Which passwords may be set: one rule for the server, which has the last word, and for pages, which say it while somebody
 * types. Length is what counts: no rules about kinds of characters, no expiry, nothing trimmed and nothing cut off.
 * Refused are those that are guessed first. Pure.
 */

export const FEWEST_CHARACTERS = 8
/** In bytes; far above what anybody types, and far below what would make hashing a burden. */
export const LONGEST_PASSWORD = 1024

/** Everybody who guesses sees whose page it is. */
const PRODUCT = 'muster'

/** `impossible`: too long, or with characters that cannot be stored. */
export type PasswordWeakness = 'impossible' | 'short' | 'common' | 'name'

/**
 * @param names that whoever guesses knows: of the user, of the organization
 * @returns undefined for a password that may be set
 */
export function passwordWeakness(password: string, names: readonly string[]): PasswordWeakness | undefined {
  if (password !== '' && !isPossiblePassword(password)) return 'impossible'
  if (Array.from(password.normalize('NFC')).length < FEWEST_CHARACTERS) return 'short'
  const folded = fold(password)
  if (COMMONEST.has(folded) || isRepetition(folded)) return 'common'
  // Signs around a name, such as zhangsan123!, are the next guess after the name itself.
  const core = withoutSigns(password)
  const isName = [...names, PRODUCT].some((name) => [folded, core].includes(fold(name)) || core === withoutSigns(name))
  return isName ? 'name' : undefined
}

/** Whether a text can be a password of somebody at all; what cannot is not worth hashing. */
export function isPossiblePassword(text: string): boolean {
  const bytes = new TextEncoder().encode(text).length
  return bytes > 0 && bytes <= LONGEST_PASSWORD && !text.includes('\0') && text.isWellFormed()
}

/** As usernames are compared. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

function withoutSigns(text: string): string {
  return fold(text).replace(/^[\P{L}]+|[\P{L}]+$/gu, '')
}

/** One character, or a short piece, again and again. */
function isRepetition(text: string): boolean {
  return /^(.{1,4})\1+$/su.test(text)
}

/** Those of eight characters and more that lead every list of leaked passwords, in China and elsewhere; folded. */
const COMMONEST: ReadonlySet<string> = new Set(
  `
  12345678 123456789 1234567890 0123456789 87654321 987654321 9876543210 123456789a 123456789q 12345678910 1234567891
  11223344 1122334455 112233445566 123123123 123321123 12344321 12341234 147258369 159357456 741852963 789456123 963852741
  88888888 66666666 5201314520 52013140 1314520520 woaini1314 woaini520 woaini123 woaini521 5201314a 520520520 iloveyou
  iloveyou1 iloveyou2 password password1 password12 password123 password1234 passw0rd p@ssw0rd p@ssword p@ssw0rd1
  p@ssw0rd123 pa$$word pa$$w0rd passwort motdepasse contraseña qwertyui qwertyuiop qwerty123 qwerty1234 qwerty12345
  qwerty123456 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5 qazwsxedc qazwsx123 zaq12wsx
  zaq1zaq1 !qaz2wsx asdfghjk asdfghjkl asdf1234 asdfasdf zxcvbnm1 zxcvbnm123 zxcvbnm, abcd1234 abc12345 abc123456 abcdefgh
  abcdefg1 a1234567 a12345678 a123456789 a1b2c3d4 aa123456 aa12345678 aaaa1111 asd123456 qwe123456 qwer1234 qweasdzxc
  q123456789 w123456789 z123456789 zz123456 xiaoming wang1234 li123456 administrator admin123 admin1234 admin12345
  admin123456 admin888 admin@123 admin@1234 adminadmin root1234 rootroot root@123 test1234 testtest test@123 user1234
  guest123 welcome1 welcome123 welcome@123 changeme changeme1 changeme123 letmein1 letmein123 default1 default123
  secret123 temp1234 company1 company123 baseball football superman princess sunshine starwars computer internet
  michelle jennifer dragon123 monkey123 master123 whatever trustno1 corporate wecom123 wecom1234 weixin123 wechat123
  qiyeweixin huawei123 huawei@123 aliyun123 tencent123 zhongguo china123 beijing2008 china2008 woshishui woshiwode
  mima1234 mima123456 muster123
  `
    .trim()
    .split(/\s+/),
)

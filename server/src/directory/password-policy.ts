/** Refuses passwords that contracts/src/passwords.ts calls weak, in words. */
import { FEWEST_CHARACTERS, LONGEST_PASSWORD, passwordWeakness, type PasswordWeakness } from '@muster/contracts'
import { AppError, type Text } from '../errors.ts'

/** @throws AppError `passwords/weak` with the reason */
export function refuseWeakPassword(
  password: string,
  { username, organizationName }: { username: string; organizationName: string },
  path = 'password',
): void {
  const weakness = passwordWeakness(password, [username, organizationName])
  if (weakness === undefined) return
  const detail = REASONS[weakness]
  throw new AppError('passwords/weak', { detail, fields: [{ path, message: detail.en }] })
}

const REASONS: Readonly<Record<PasswordWeakness, Text>> = {
  impossible: {
    en: `A password has at most ${LONGEST_PASSWORD} bytes, no NUL and no broken characters.`,
    zh: `密码最长 ${LONGEST_PASSWORD} 字节，且不能包含 NUL 或残缺字符。`,
  },
  short: {
    en: `A password needs at least ${FEWEST_CHARACTERS} characters.`,
    zh: `密码至少需要 ${FEWEST_CHARACTERS} 个字符。`,
  },
  common: {
    en: 'This is one of the passwords that are guessed first.',
    zh: '该密码过于常见，最先会被猜到。',
  },
  name: {
    en: 'The password is the name of the user or of the organization.',
    zh: '密码不能是用户名或组织名称。',
  },
}

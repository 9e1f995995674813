/**
 * A member beside an account: field by field, whether the two agree. Pure. Names are shown and never count: two people may
 * share one.
 */
import type { Review, User } from '@muster/contracts'

export type EvidenceField = 'login' | 'displayName' | 'email' | 'phone' | 'title' | 'gender'

/** `unknown`: one of the two sides shows nothing. */
export type Agreement = 'same' | 'different' | 'unknown'

export interface MemberValue {
  readonly text: string | null
  readonly isWithheld: boolean
}

export const EVIDENCE_FIELDS = [
  'login',
  'displayName',
  'email',
  'phone',
  'title',
  'gender',
] as const satisfies readonly EvidenceField[]

type Member = Pick<Review, 'userid' | 'member'>
type Account = Pick<User, 'username' | 'displayName' | 'email' | 'phone' | 'title' | 'gender'>

export function memberValue({ userid, member }: Member, field: EvidenceField): MemberValue {
  switch (field) {
    case 'login':
      return { text: userid, isWithheld: false }
    case 'email': {
      const addresses = addressesOf(member)
      const isWithheld = member.withheld.includes('bizMail') && member.withheld.includes('email')
      return { text: addresses.length === 0 ? null : addresses.join(', '), isWithheld }
    }
    default:
      return { text: member[field], isWithheld: member.withheld.includes(field) }
  }
}

export function accountValue(account: Account, field: EvidenceField): string | null {
  return field === 'login' ? account.username : account[field]
}

export function agreementOf(review: Member, account: Account, field: EvidenceField): Agreement {
  const theirs = accountValue(account, field)
  const shown =
    field === 'email' ? addressesOf(review.member) : [memberValue(review, field).text].filter((text) => text !== null)
  if (theirs === null || theirs === '' || shown.length === 0) return 'unknown'
  return shown.some((text) => fold(text) === fold(theirs)) ? 'same' : 'different'
}

function addressesOf({ bizMail, email }: Review['member']): string[] {
  return [bizMail, email].filter(
    (address, index, all) => address !== null && all.indexOf(address) === index,
  ) as string[]
}

/** userids, login names and addresses ignore case; so may the eye. */
function fold(text: string): string {
  return text.trim().normalize('NFKC').toLowerCase()
}

/** Where a sign of the matching is seen in the table. */
export function fieldOf(matchedOn: Review['candidates'][number]['matchedOn']): EvidenceField {
  return matchedOn === 'userid' || matchedOn === 'username' ? 'login' : matchedOn
}

/** Who may give the account away: an administrator's or an emergency account is for owners alone. */
export function needsOwner(user: Pick<User, 'role' | 'breakGlass'>): boolean {
  return user.role !== null || user.breakGlass
}

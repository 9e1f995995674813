/**
 * Asks WeCom who holds a code, as a service provider (wecom-api.md §3.4). WeCom says of which company somebody is, under
 * which userid, and almost nothing else: the address book of that company is not ours to read. Whether the company has
 * authorised us is decision.ts.
 */
import { WecomError, type Member, type Provider, type ProviderIdentity, type Suite } from '@muster/wecom'
import { foldName } from '../directory/names.ts'
import { DEADLINE_MS, failureOf, startDeadline, type AskedOutcome } from './asking.ts'

/** For what the page inside the client, and the login page of WeCom, send people back with. */
export async function askSuite(
  suite: Pick<Suite, 'userInfo' | 'userDetail'>,
  code: string,
  { deadlineMs = DEADLINE_MS }: { deadlineMs?: number } = {},
): Promise<AskedOutcome> {
  const deadline = startDeadline(deadlineMs)
  const options = { priority: 'interactive', signal: deadline.signal } as const
  try {
    const identity = await suite.userInfo(code, options)
    if (identity.kind !== 'member') return { kind: 'outsider' }
    return memberFrom(identity, await detailOf(suite, identity, options))
  } catch (error) {
    return failureOf(error)
  } finally {
    deadline.clear()
  }
}

/** For the `auth_code` of the login page before that, which the provider itself redeems. */
export async function askProvider(
  provider: Pick<Provider, 'loginInfo'>,
  authCode: string,
  { deadlineMs = DEADLINE_MS }: { deadlineMs?: number } = {},
): Promise<AskedOutcome> {
  const deadline = startDeadline(deadlineMs)
  try {
    const { identity, role, name, avatar } = await provider.loginInfo(authCode, {
      priority: 'interactive',
      signal: deadline.signal,
    })
    // Administrators from outside manage the app for the company, and are nobody of it.
    const isMember = identity.kind === 'member' && role !== 'external-administrator'
    return isMember ? memberFrom(identity, { name, avatar }) : { kind: 'outsider' }
  } catch (error) {
    return failureOf(error)
  } finally {
    deadline.clear()
  }
}

type Person = ProviderIdentity & { readonly kind: 'member' }
type Shown = Pick<Member, 'name' | 'gender' | 'avatar'>
type Options = { readonly priority: 'interactive'; readonly signal: AbortSignal }

/** More about somebody who has agreed. Without it they come in all the same. */
async function detailOf(
  suite: Pick<Suite, 'userDetail'>,
  { corpId, userid, userTicket }: Person,
  options: Options,
): Promise<Shown> {
  if (userTicket === undefined) return {}
  try {
    const detail = await suite.userDetail(userTicket, options)
    const isSame = detail.corpId === corpId && foldName(detail.userid) === foldName(userid)
    return isSame ? detail : {}
  } catch (error) {
    if (error instanceof WecomError) return {}
    throw error
  }
}

/**
 * What WeCom withholds stays withheld, and changes nothing. It gives the userid as the name, which is none; and without a
 * gender nobody has consented to anything, so that the picture is a default one.
 */
function memberFrom({ corpId, userid, openUserid }: Person, { name, gender, avatar }: Shown): AskedOutcome {
  const isName = name !== undefined && name !== '' && ![userid, openUserid].includes(name)
  const hasGender = gender !== undefined && gender !== 'unknown'
  const member: Member = {
    userid,
    departments: undefined,
    ...(openUserid === undefined ? {} : { openUserid }),
    ...(isName ? { name } : {}),
    ...(hasGender ? { gender } : {}),
    ...((hasGender || isName) && avatar !== undefined && avatar !== '' ? { avatar } : {}),
  }
  return { kind: 'member', corpId, userid, member }
}

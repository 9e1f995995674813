/** Which user somebody at a terminal means: by id, or by login name in the default organization. */
import { call, listUsers, type Transport, type User } from '@muster/contracts'
import { foldName } from '../directory/names.ts'
import { AppError } from '../errors.ts'
import { UsageError } from './terminal.ts'

/** @throws AppError `users/not-found`; UsageError when only deleted users have the name, and several of them */
export async function findUserId(api: Transport, text: string): Promise<string> {
  if (text.startsWith('usr_')) return text
  const [living] = await namedExactly(api, text, undefined)
  if (living !== undefined) return living.id
  const [deleted, ...others] = await namedExactly(api, text, 'deleted')
  if (deleted === undefined) {
    throw new AppError('users/not-found', {
      detail: { en: `Nobody here has the login name ${text}.`, zh: `没有登录名为 ${text} 的用户。` },
      remedy: {
        en: 'Pass the id of the user (usr_…) instead, as for somebody of another organization.',
        zh: '请改用用户 id（usr_…），例如查询其他组织的用户时。',
      },
    })
  }
  if (others.length === 0) return deleted.id
  const ids = [deleted, ...others].map(({ id, deletedAt }) => `${id} (${deletedAt})`)
  throw new UsageError(`several deleted users had the login name ${text}; pass an id: ${ids.join(', ')}.`)
}

/** The search also finds parts of names, so all of it is looked through. */
async function namedExactly(api: Transport, username: string, status: 'deleted' | undefined): Promise<User[]> {
  const found: User[] = []
  let cursor: string | undefined
  for (;;) {
    const query = { q: username, limit: 500, ...(status && { status }), ...(cursor && { cursor }) }
    const { items, nextCursor } = await call(listUsers, { query }, api)
    found.push(...items.filter((user) => foldName(user.username) === foldName(username)))
    if (nextCursor === null) return found
    cursor = nextCursor
  }
}

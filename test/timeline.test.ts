/** What happened to one person: what runs and administrators did, newest first, page by page. */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createLink,
  createUser,
  deleteLink,
  deleteUser,
  getUser,
  getUserTimeline,
  listUsers,
  updateConnection,
  updateUser,
  type TimelineEntry,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { createClient } from './client.ts'
import { fold } from './directory.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('the life of a person is told newest first, once, in any page size', async (url) => {
    await using stack = await startStack(url, { people: 20 })
    const { control, corpId } = stack
    await stack.ask(updateConnection, { params: { id: 'hq' }, body: { sync: { users: { onlyHere: 'disable' } } } })
    const first = await stack.syncOnce()
    const member = control.truth({ corpId }).members.find(({ status }) => status === 1)!
    const { userid } = member
    const id = await idOf(stack, userid)
    control.patchMember({ corpId, userid, patch: { position: '架构师' } })
    await stack.syncOnce('preview')
    const second = await stack.syncOnce()
    await stack.ask(updateUser, { params: { id }, body: { locale: 'zh-CN' } })
    control.removeMembers({ corpId, userids: [userid] })
    const third = await stack.syncOnce()
    await stack.ask(updateUser, { params: { id }, body: { status: 'disabled' } })
    const [link] = (await stack.ask(getUser, { params: { id } })).links
    await stack.ask(deleteLink, { params: { id: link!.id } })

    const whole = await stack.ask(getUserTimeline, { params: { id }, query: {} })

    assert.deepEqual(
      whole.items.map(({ kind, runId, actor, summary }) => [kind, runId, actor?.name ?? null, summary]),
      [
        ['administration', null, 'bootstrap', 'bootstrap removed a link of the account.'],
        ['administration', null, 'bootstrap', 'bootstrap disabled the account.'],
        ['write', third.id, null, 'A run disabled the account: WeCom does not show them any more.'],
        ['administration', null, 'bootstrap', 'bootstrap changed the account: language.'],
        ['write', second.id, null, `A run changed title from “${member.position}” to “架构师”.`],
        ['write', first.id, null, 'A run created the account.'],
      ],
    )
    assert.deepEqual([whole.total, whole.nextCursor], [6, null])
    const changed = whole.items[4]!
    assert.deepEqual([changed.before, changed.after], [{ title: member.position }, { title: '架构师' }])
    for (const limit of [1, 2, 5]) assert.deepEqual(await pages(stack, id, limit), whole.items)

    const found = await stack.ask(getUserTimeline, { params: { id }, query: { q: '架构师' } })
    assert.deepEqual([found.total, found.items.map(({ runId }) => runId)], [1, [second.id]])
    const auditor = await stack.ask(createApiToken, { body: { name: 'auditor', role: 'auditor' } })
    const chinese = createClient(stack.server.origin, auditor.token, 'zh')
    const { items } = await chinese.ask(getUserTimeline, { params: { id }, query: { limit: 3 } })
    assert.equal(items[2]!.summary, '同步停用账号：企业微信已不再显示该成员。')
  })

  testWithUrl('others, deleted people and nonsense: each gets their own answer', async (url) => {
    await using stack = await startStack(url, { people: 12 })
    const { id } = await stack.ask(createUser, { body: { username: 'desk', displayName: '前台' } })
    await stack.syncOnce()
    await stack.ask(createLink, { params: { id }, body: { connectionId: 'hq', userid: 'desk.in.wecom' } })
    await stack.ask(deleteUser, { params: { id } })

    const { items, total } = await stack.ask(getUserTimeline, { params: { id }, query: {} })

    assert.deepEqual(
      items.map(({ details }) => details['action']),
      ['user.delete', 'link.create', 'user.create'],
    )
    assert.equal(total, 3)
    await assert.rejects(stack.ask(getUserTimeline, { params: { id: 'usr_nobody' }, query: {} }), {
      status: 404,
      code: 'users/not-found',
    })
    for (const cursor of [
      'x',
      Buffer.from('1.7.aud_1').toString('base64url'),
      Buffer.from('aud_1').toString('base64url'),
    ]) {
      await assert.rejects(stack.ask(getUserTimeline, { params: { id }, query: { cursor } }), { status: 400 })
    }
  })
})

async function pages(stack: Stack, id: string, limit: number): Promise<TimelineEntry[]> {
  const all: TimelineEntry[] = []
  let cursor: string | undefined
  do {
    const page = await stack.ask(getUserTimeline, { params: { id }, query: { limit, cursor } })
    assert.equal(page.total, 6)
    all.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return all
}

async function idOf(stack: Stack, userid: string): Promise<string> {
  const { items } = await stack.ask(listUsers, { query: { limit: 500 } })
  return items.find(({ links }) => links.some((link) => fold(link.userid) === fold(userid)))!.id
}

/** Finding people and departments by what somebody types, and walking the tree of departments. */
import assert from 'node:assert/strict'
import {
  createDepartment,
  createUser,
  getDepartment,
  listDepartments,
  listUsers,
  updateDepartment,
  updateOrganization,
  listOrganizations,
  updateUser,
} from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { eventually } from './eventually.ts'
import { startStack, type Stack } from './stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('people are found by name, pinyin and initials, and what fits best comes first', async (url) => {
    await using stack = await startStack(url)
    await allowBuiltIn(stack)
    const create = async (username: string, displayName: string, email: string | null = null) =>
      (await stack.ask(createUser, { body: { username, displayName, email } })).id
    const found = async (q: string) => (await stack.ask(listUsers, { query: { q } })).items.map(({ id }) => id)

    const wang = await create('kezhangsanji', '王五')
    const zhang = await create('u-1001', '张三')
    const exact = await create('ZhangSan', '李四', 'li@corp.example')
    const lv = await create('u-1003', '吕布')
    const shan = await create('u-1004', '单田芳')

    // As soon as they are made, by what was written.
    assert.deepEqual(await found('张三'), [zhang])
    assert.deepEqual(
      (await found('zhangsan')).filter((id) => id !== zhang),
      [exact, wang],
    )
    // And soon (on a busy machine already then) by how it sounds: the username, then the whole name, then what contains it.
    await eventually('a name can be found by its sound', async () => (await found('zhangsan')).includes(zhang))
    assert.deepEqual(await found('zhangsan'), [exact, zhang, wang])
    assert.deepEqual(await found('Zhang San'), [exact, zhang, wang])
    assert.deepEqual(await found('zs'), [zhang])
    for (const typed of ['lvbu', 'lübu', 'LÜ BU', 'lubu', 'lb']) assert.deepEqual(await found(typed), [lv], typed)
    for (const typed of ['shantianfang', 'stf', "shan'tianfang"]) assert.deepEqual(await found(typed), [shan], typed)
    assert.deepEqual(await found('LI@corp'), [exact])
    assert.deepEqual(await found('100%'), [])

    const pages: string[] = []
    let cursor: string | undefined
    do {
      const page = await stack.ask(listUsers, { query: { q: 'zhangsan', limit: 1, cursor } })
      assert.equal(page.total, 3)
      pages.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    assert.deepEqual(pages, [exact, zhang, wang])

    await stack.ask(updateUser, { params: { id: zhang }, body: { displayName: '赵六' } })
    assert.deepEqual(await found('zs'), [])
    assert.deepEqual(await found('赵六'), [zhang])
    await eventually('the new name can be found by its sound', async () => (await found('zhaoliu')).includes(zhang))
  })

  testWithUrl('people and departments of a run are found by pinyin, also after WeCom renamed them', async (url) => {
    await using stack = await startStack(url)
    const { control, corpId } = stack
    const [first] = control.truth({ corpId }).members
    control.patchMember({ corpId, userid: first!.userid, patch: { name: '司马相如' } })
    control.patchDepartment({ corpId, id: 1, patch: { name: '总部重庆' } })
    const people = async (q: string) =>
      (await stack.ask(listUsers, { query: { q } })).items.map((user) => user.username)
    const departments = async (q: string) =>
      (await stack.ask(listDepartments, { query: { q } })).items.map(({ name }) => name)

    await stack.syncOnce()
    await eventually('people of a run can be found by pinyin', async () => (await people('simaxiangru')).length > 0)
    assert.deepEqual(await people('smxr'), [first!.userid])
    await eventually('departments, too', async () => (await departments('zongbuchongqing')).length > 0)

    control.patchMember({ corpId, userid: first!.userid, patch: { name: '诸葛亮' } })
    control.patchDepartment({ corpId, id: 1, patch: { name: '总部成都' } })
    await stack.syncOnce()
    await eventually('the new name', async () => (await people('zhugeliang')).length > 0)
    assert.deepEqual(await people('simaxiangru'), [])
    await eventually('the new name of the department', async () => (await departments('zbcd')).length > 0)
    assert.deepEqual(await departments('zongbuchongqing'), [])
  })

  testWithUrl('a tree of departments can be shown level by level', async (url) => {
    await using stack = await startStack(url)
    await allowBuiltIn(stack)
    const create = (name: string, parentId: string | null, order: number) =>
      stack.ask(createDepartment, { body: { name, order, parentId } })
    const level = (parentId: string, limit = 50) => stack.ask(listDepartments, { query: { parentId, limit } })

    const root = await create('总部', null, 1)
    const sales = await create('销售', root.id, 10)
    const research = await create('研发', root.id, 4_294_967_295)
    const zero = await create('杂项', root.id, 0)
    const team = await create('一组', research.id, 1)
    const { id: userId } = await stack.ask(createUser, {
      body: { username: 'a', displayName: '甲', departments: [{ departmentId: team.id }, { departmentId: sales.id }] },
    })

    const roots = await level('none')
    const children = await level(root.id)
    assert.deepEqual(
      roots.items.map(({ id, childCount, userCount }) => [id, childCount, userCount]),
      [[root.id, 3, 0]],
    )
    assert.deepEqual(
      children.items.map(({ id, childCount, userCount }) => [id, childCount, userCount]),
      [
        [research.id, 1, 0],
        [sales.id, 0, 1],
        [zero.id, 0, 0],
      ],
    )
    const one = await level(root.id, 1)
    const two = await stack.ask(listDepartments, { query: { parentId: root.id, limit: 1, cursor: one.nextCursor! } })
    assert.deepEqual(
      [one, two].flatMap(({ items }) => items.map(({ id }) => id)),
      [research.id, sales.id],
    )
    assert.deepEqual((await stack.ask(getDepartment, { params: team })).path, [
      { id: root.id, name: '总部' },
      { id: research.id, name: '研发' },
    ])
    assert.deepEqual((await stack.ask(getDepartment, { params: root })).path, [])

    const people = async (departmentId: typeof root.id, nested?: 'true') =>
      (await stack.ask(listUsers, { query: { departmentId, nested } })).items.map(({ id }) => id)
    assert.deepEqual(await people(root.id), [])
    assert.deepEqual(await people(root.id, 'true'), [userId])
    assert.deepEqual(await people(team.id), [userId])
    await stack.ask(updateDepartment, { params: team, body: { parentId: null } })
    assert.deepEqual(await people(research.id, 'true'), [])
  })
})

async function allowBuiltIn(stack: Stack): Promise<void> {
  const [organization] = (await stack.ask(listOrganizations, {})).items
  await stack.ask(updateOrganization, { params: organization!, body: { builtInUsersAllowed: true } })
}

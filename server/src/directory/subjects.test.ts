import assert from 'node:assert/strict'
import { onEachDatabase } from '../../test-support/databases.ts'
import { ACTOR, CORP, createDirectory, requester } from '../../test-support/directory.ts'
import { findSubject } from './subjects.ts'

const everything = { withDepartments: true }

onEachDatabase(({ test }) => {
  test('a subject has its departments with what is above them, and its members', async (database) => {
    const directory = await createDirectory(database)
    const { users, departments, organization, addConnection, addLink, addWecomDepartment, addWecomMembership } =
      directory
    const make = (name: string, parentId: string | null = null) =>
      departments.create(ACTOR, organization.id, { name, parentId: parentId as never, order: 0, leaderUserIds: [] })
    const root = (await make('总部')).department.id
    const research = (await make('研发中心', root)).department.id
    const backend = (await make('后端', research)).department.id
    const connectionId = await addConnection('hq')
    const fromWecom = await addWecomDepartment(connectionId, '7')
    const { user } = await users.create(requester('owner'), organization.id, {
      username: 'ZhangSan',
      displayName: '张三',
      email: 'ZhangSan@corp.example',
      phone: '13800000000',
      locale: 'zh-CN',
      departments: [
        { departmentId: root as never, isMain: false },
        { departmentId: backend as never, isMain: true },
        { departmentId: fromWecom as never, isMain: false },
      ],
    })
    // The same department by hand and from WeCom is one.
    await addWecomMembership(connectionId, user.id, fromWecom)
    await addLink(connectionId, user.id, 'ZhangSan')

    const subject = await findSubject(database, user.id, everything)

    const byHeight = subject!.departments.map(({ id, path }) => [id, path.map((above) => above.name)])
    assert.deepEqual(
      new Map(byHeight as [string, string[]][]),
      new Map([
        [backend, ['总部', '研发中心', '后端']],
        [root, ['总部']],
        [fromWecom, ['部门 7']],
      ]),
    )
    assert.equal(subject!.departments.length, 3)
    assert.equal(subject!.departments.at(-1)!.isMain, false)
    assert.deepEqual(
      subject!.members.map(({ connectionId: id, corpId, userid }) => [id, corpId, userid]),
      [[connectionId, CORP, 'ZhangSan']],
    )
    assert.deepEqual(
      [
        subject!.username,
        subject!.displayName,
        subject!.email,
        subject!.phone,
        subject!.locale,
        subject!.emailVerified,
      ],
      ['ZhangSan', '张三', 'ZhangSan@corp.example', '+8613800000000', 'zh-CN', false],
    )
    assert.deepEqual((await findSubject(database, user.id, { withDepartments: false }))!.departments, [])
  })

  test('whoever is not active is nobody to an application', async (database) => {
    const { users, organization } = await createDirectory(database)
    const owner = requester('owner')
    const { user } = await users.create(requester('owner'), organization.id, { username: 'lisi', displayName: '李四' })

    const active = await findSubject(database, user.id, everything)
    await users.update(owner, user.id, { status: 'disabled' })
    const disabled = await findSubject(database, user.id, everything)
    await users.remove(owner, user.id)
    const deleted = await findSubject(database, user.id, everything)

    assert.deepEqual([active?.departments, active?.members], [[], []])
    assert.deepEqual([disabled, deleted, await findSubject(database, 'usr_none', everything)], Array(3).fill(undefined))
  })

  test('a circle of departments ends', async (database) => {
    const { users, departments, organization } = await createDirectory(database)
    const { department: a } = await departments.create(ACTOR, organization.id, {
      name: '甲',
      order: 0,
      leaderUserIds: [],
    })
    await database.kysely.updateTable('departments').set({ parent_id: a.id }).where('id', '=', a.id).execute()
    const { user } = await users.create(requester('owner'), organization.id, {
      username: 'wangwu',
      displayName: '王五',
      departments: [{ departmentId: a.id as never, isMain: false }],
    })

    const subject = await findSubject(database, user.id, everything)

    assert.deepEqual(
      subject!.departments.map(({ name }) => name),
      ['甲'],
    )
  })
})

/**
 * A company as an administrator meets it after some months: most of it well, and something of everything that needs a look.
 * For the pictures of the console and for what has to hold on every page of it.
 */
import {
  createAdministrator,
  createApiToken,
  createApplication,
  createConnection,
  createUser,
  diagnoseConnection,
  getConnection,
  listEvents,
  listReviews,
  listUsers,
  updateUser,
} from '@muster/contracts'
import { eventually } from '../eventually.ts'
import { createVisitor } from '../visitor.ts'
import type { Subjects } from './console-places.ts'
import { PASSWORD, setConsoleStage, type ConsoleStage } from './console-stage.ts'

export async function setCompany(people: number): Promise<{ stage: ConsoleStage; subjects: Subjects }> {
  const stage = await setConsoleStage({
    people,
    connection: {
      displayName: '总部企业微信',
      sync: { enabled: true, schedule: { kind: 'daily', at: '03:00' }, users: { onlyHere: 'disable' } },
    },
  })
  const { ask, control, corpId, app, ...stack } = stage.stack
  const active = control.truth({ corpId }).members.filter(({ status, enable }) => status === 1 && enable !== 0)

  // Two have accounts here already, with roles: sync asks who they are.
  for (const member of active.slice(0, 2)) {
    const { id } = await ask(createUser, { body: { username: member.userid, displayName: member.name } })
    await ask(createAdministrator, { body: { userId: id, role: 'operator' } })
  }
  const first = await stack.syncOnce()
  await ask(createUser, {
    body: { username: 'breakglass', displayName: '应急账号', password: PASSWORD, breakGlass: true },
  })

  const { members, departments } = control.truth({ corpId })
  for (const [index, member] of active.slice(10, 24).entries()) {
    control.patchMember({ corpId, userid: member.userid, patch: { position: index % 2 === 0 ? '高级工程师' : '主管' } })
  }
  const unread = departments.find(({ id }) => id !== 1 && members.some(({ department }) => department.includes(id)))!
  control.addFault({
    endpoint: 'user/list',
    query: { department_id: String(unread.id) },
    effect: { kind: 'errcode', errcode: 60011 },
  })
  const partly = await stack.syncOnce()
  control.clearFaults()

  await ask(createConnection, {
    body: { identifier: 'branch', displayName: '海外分公司', corpId, agentId: app.agentId, secret: app.secret },
  })
  const applications: Record<string, string> = {}
  for (const name of ['GitLab', 'Grafana']) {
    const address = `https://${name.toLowerCase()}.corp.example`
    const { id } = await ask(createApplication, {
      body: { name, redirectUris: [`${address}/oidc/callback`], connections: ['hq'] },
    })
    applications[name.toLowerCase()] = id
  }
  await ask(createApiToken, { body: { name: '备份脚本', role: 'auditor' } })
  await ask(diagnoseConnection, { params: { id: 'hq' } })
  await signIns(
    stage,
    active.slice(30, 40).map(({ userid }) => userid),
  )

  const { items: users } = await ask(listUsers, { query: { origin: 'wecom', limit: 500 } })
  const byUserid = new Map(users.map((user) => [user.username.toLowerCase(), user]))
  const person = byUserid.get(active[10]!.userid.toLowerCase())!
  const disabled = byUserid.get(active[41]!.userid.toLowerCase())!
  await ask(updateUser, { params: { id: disabled.id }, body: { status: 'disabled' } })

  const leavers = active.slice(-Math.floor(people / 4)).map(({ userid }) => userid)
  control.removeMembers({ corpId, userids: leavers })
  const held = await stack.syncOnce()
  const { items: reviews } = await ask(listReviews, { query: {} })
  await connectSuites(stage)
  const { items: events } = await ask(listEvents, { query: { type: 'create_auth' } })
  return {
    stage,
    subjects: {
      connection: 'hq',
      suites: { delegated: 'template', service_provider: 'product' },
      events: { authorised: events[0]!.id },
      runs: { first: first.id, partly: partly.id, held: held.id },
      people: { active: person.id },
      applications,
      departments: { department: person.departments[0]!.departmentId },
      reviews: { open: reviews[0]!.id },
    },
  }
}

/** Some come in, one is disabled in WeCom, one scans a code that has been used, one types a wrong password. */
async function signIns({ stack, origin }: ConsoleStage, userids: readonly string[]): Promise<void> {
  const { control, corpId } = stack
  const start = `${origin}/signin/start?return_to=/account`
  const [leaver, broken, ...fine] = userids
  control.patchMember({ corpId, userid: leaver!, patch: { status: 2 }, unchecked: true })
  for (const userid of [...fine, leaver!, broken!]) {
    await using visitor = createVisitor({ onAddress: stack.scansAs(userid) })
    if (userid === broken) {
      control.addFault({ endpoint: 'auth/getuserinfo', effect: { kind: 'errcode', errcode: 40029 } })
    }
    await visitor.follow(stack.hrefIn(await visitor.follow(start), '/go?connection=hq'))
  }
  control.clearFaults()
  await using visitor = createVisitor()
  await visitor.submit(await visitor.follow(start), '/password', { username: 'breakglass', password: 'wrong' })
}

/** A template and a login suite of a provider, authorised by two companies; one of them has cancelled the suite. */
async function connectSuites({ stack, origin }: ConsoleStage): Promise<void> {
  const { ask, control } = stack
  const secrets = { token: 'TokenOfTheCompany', aesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }
  const provider = control.createProvider({ name: '云上科技' })
  const second = control.createCompany({ people: 5, seed: 'second', name: '第二家公司' })
  for (const { identifier, displayName, kind, ofWecom } of [
    { identifier: 'template', displayName: 'OA 代开发', kind: 'delegated', ofWecom: 'delegated' },
    { identifier: 'product', displayName: '云上门户', kind: 'service_provider', ofWecom: 'third-party' },
  ] as const) {
    const { suiteId, secret } = control.createSuite({ providerCorpId: provider.corpId, kind: ofWecom })
    await ask(createConnection, {
      body: {
        identifier,
        displayName,
        kind,
        callback: secrets,
        suiteId,
        suiteSecret: secret,
        providerCorpId: provider.corpId,
        providerSecret: provider.secret,
      },
    })
    const url = `${origin}/callback/wecom/${identifier}`
    await control.setSuiteCallback({
      suiteId,
      token: secrets.token,
      encodingAesKey: secrets.aesKey,
      commandUrl: `${url}/command`,
      dataUrl: `${url}/data`,
    })
    for (const { corpId } of [{ corpId: stack.corpId }, second]) {
      control.authorize({ suiteId, corpId, from: 'wecom', seats: 4, expiresAtMs: Date.now() + 864_000_000 })
    }
    const authorised = (count: number) =>
      eventually(`${count} companies have authorised ${identifier}`, async () => {
        const { suite } = await ask(getConnection, { params: { id: identifier } })
        return suite?.authorizedCorps === count
      })
    await authorised(2)
    if (kind === 'service_provider') {
      control.cancelAuthorization({ suiteId, corpId: second.corpId })
      await authorised(1)
    }
  }
}

/**
 * Secrets and people stay where they belong (threats.md K-04) while every call fails in every way the emulator knows,
 * and every such run ends in a state that says what happened (S-36). Each combination has a company and an organization
 * of its own, so that all of them run at the same time.
 */
import assert from 'node:assert/strict'
import {
  createApiToken,
  createConnection,
  createOrganization,
  getRun,
  listUsers,
  startRun,
  type OrganizationId,
  type Run,
} from '@muster/contracts'
import type { FaultEffect } from '@muster/emulator'
import type { z } from 'zod'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { extent } from '../server/test-support/extent.ts'
import { eventually } from './eventually.ts'
import { BOOTSTRAP_TOKEN, MASTER_KEY } from './server.ts'
import { startStack, type Stack } from './stack.ts'

const ENDPOINTS = ['gettoken', 'department/list', 'user/list', 'agent/get', 'user/get'] as const

/** What an answer cannot do without. agent/get may leave out any one kind of visibility, so it has none. */
const NEEDED: Readonly<Record<string, string>> = {
  gettoken: 'access_token',
  'department/list': 'department',
  'user/list': 'userlist',
  'user/get': 'userid',
}

/** In an address nobody has and a text no library writes, so that one hit is a leak. */
const CANARY = {
  userid: 'canary.userid.7391',
  name: '金丝雀柒叁玖',
  mobile: '13973917391',
  email: 'canary.7391@people.example',
  bizMail: 'canary.biz.7391@people.example',
}

const effects: readonly FaultEffect[] = [
  ...[-1, 40001, 40014, 42001, 45009, 48002, 50001, 60011, 60020, 301007].map(
    (errcode) => ({ kind: 'errcode', errcode }) as const,
  ),
  { kind: 'errcode', errcode: 40058, errmsg: `invalid userid ${CANARY.userid}, hint: [1], from ip: 203.0.113.7` },
  { kind: 'status', status: 403 },
  { kind: 'status', status: 500, body: `<p>${CANARY.name}</p>` },
  { kind: 'latency', ms: 20 },
  { kind: 'hang' },
  { kind: 'reset' },
  { kind: 'html' },
  { kind: 'empty' },
  { kind: 'json', value: {} },
  { kind: 'json', value: [CANARY.mobile] },
  { kind: 'redirect', location: `http://elsewhere.invalid/${CANARY.userid}` },
  { kind: 'token-death', as: 40014 },
  { kind: 'token-death', as: 42001 },
  { kind: 'cut', bytes: 40 },
  { kind: 'cut', bytes: 40, afterwards: 'hang' },
  { kind: 'drip', bytesPerSecond: 5 },
  { kind: 'charset' },
  { kind: 'bom' },
  { kind: 'huge', bytes: 300_000_000 },
  { kind: 'repeat-cursor' },
]

const cases = ENDPOINTS.flatMap((endpoint) => {
  const key = NEEDED[endpoint]
  const missing: FaultEffect[] = key === undefined ? [] : [{ kind: 'missing', key }]
  return [...effects, ...missing].map((effect) => ({ endpoint, effect }))
})

/** Every second one on one database and the others on the other, or all of them on both. */
const DATABASES_EACH = extent('databases for each way to fail', { everyday: 1, thorough: 2 })

onEitherDatabase(({ dialect, testWithUrl }) => {
  const turn = dialect === 'sqlite' ? 0 : 1
  const tried = cases.filter((_, index) => (index + turn) % 2 < DATABASES_EACH)

  testWithUrl(`${tried.length} ways to fail end honestly and leak nothing`, async (url) => {
    await using stack = await startStack(url, { settings: { MUSTER_WECOM_CALL_TIMEOUT_MS: '400' } })
    const { token } = await stack.ask(createApiToken, { body: { name: 'canary', role: 'auditor' } })

    const sites = await Promise.all(tried.map((broken, index) => startBrokenRun(stack, broken, index)))
    const outcomes = await Promise.all(sites.map((site) => look(stack, site)))

    assert.deepEqual(
      outcomes.flatMap(({ dishonest }) => dishonest),
      [],
    )
    const secrets = [BOOTSTRAP_TOKEN, MASTER_KEY, token, ...sites.flatMap(({ secrets }) => secrets)]
    const personal = sites.flatMap(({ personal }) => personal)
    const runs = JSON.stringify(outcomes.map(({ run }) => run))
    const metrics = (await stack.send('/metrics')).text
    assert.deepEqual(
      secrets.filter((secret) => runs.includes(secret)),
      [],
    )
    const spoken = `${stack.server.log()}${metrics}`
    assert.ok(spoken.includes('"msg":"run ended"')) // level and stream are those that are searched
    assert.deepEqual(
      [...new Set([...secrets, ...personal])].filter((canary) => spoken.includes(canary)),
      [],
    )
  })

  testWithUrl('a refused request does not repeat the secrets in it', async (url) => {
    await using stack = await startStack(url)
    const secret = 'a-secret-that-must-not-come-back'
    const asJson = { 'content-type': 'application/json' }
    const bodies = [
      JSON.stringify({ identifier: 'Not Valid', secret }),
      JSON.stringify({ identifier: 'hq2', secret: `${secret} with spaces` }),
      JSON.stringify({ identifier: 'hq2', [secret]: 1 }).replace('"', `"${secret}`),
      `{"secret": "${secret}`,
    ]

    const answers = [
      ...(await Promise.all(
        bodies.map((body) => stack.send('/api/v1/connections', { method: 'POST', body, headers: asJson })),
      )),
      await stack.send('/api/v1/users', { headers: { authorization: `Bearer ${secret}` } }),
    ]

    assert.deepEqual(
      answers.map(({ status }) => status),
      [400, 400, 400, 400, 401],
    )
    const [, , named] = answers // a key is named, because its sender has to find it; its value is not
    assert.ok(!answers.filter((answer) => answer !== named).some(({ text }) => text.includes(secret)))
    assert.ok(!stack.server.log().includes(secret))
  })
})

interface Site {
  readonly what: string
  readonly corpId: string
  readonly agentId: number
  readonly organizationId: z.output<typeof OrganizationId>
  readonly runId: string
  readonly secrets: readonly string[]
  readonly personal: readonly string[]
}

async function startBrokenRun(stack: Stack, broken: (typeof cases)[number], index: number): Promise<Site> {
  const { control } = stack
  const { corpId, apps } = control.createCompany({ people: 12, seed: `canary ${index}` })
  const app = apps.find(({ kind }) => kind === 'self-built-before-2022')!
  control.addMember({
    corpId,
    unchecked: true,
    member: {
      userid: CANARY.userid,
      name: CANARY.name,
      mobile: CANARY.mobile,
      email: CANARY.email,
      biz_mail: CANARY.bizMail,
      department: [1],
      main_department: 1,
      order: [0],
      is_leader_in_dept: [0],
    },
  })
  // Visible one by one, so that agent/get and user/get are needed.
  const departments = control
    .truth({ corpId })
    .departments.slice(1)
    .map(({ id }) => id)
  const range = { departments, members: [CANARY.userid], tags: [] }
  control.patchApp({ corpId, agentId: app.agentId, patch: { range } })
  const { accessToken } = control.mintToken({ corpId, agentId: app.agentId })
  control.addFault({ ...broken, corpId })

  const { id: organizationId } = await stack.ask(createOrganization, { body: { slug: `o${index}`, name: `${index}` } })
  const { identifier } = await stack.ask(createConnection, {
    body: {
      organizationId,
      identifier: `c${index}`,
      corpId,
      agentId: app.agentId,
      secret: app.secret,
      sync: { enabled: true },
    },
  })
  const { id: runId } = await stack.ask(startRun, { params: { id: identifier }, body: { mode: 'apply' } })
  const { members } = control.truth({ corpId })
  return {
    what: `${broken.endpoint} ${JSON.stringify(broken.effect)}`,
    corpId,
    agentId: app.agentId,
    organizationId,
    runId,
    secrets: [app.secret, accessToken],
    personal: [
      CANARY.userid,
      ...members.flatMap(({ name, mobile, email, biz_mail }) => [name, mobile, email, biz_mail]),
    ].filter((text) => text !== ''),
  }
}

/** What a run says about itself, held against what is in the directory. */
async function look(stack: Stack, site: Site): Promise<{ run: Run; dishonest: string[] }> {
  const run = await eventually(`${site.what} ended`, async () => {
    const found = await stack.ask(getRun, { params: { id: site.runId } })
    return found.state !== 'running' && found
  })
  const { total } = await stack.ask(listUsers, { query: { organizationId: site.organizationId, limit: 1 } })
  const visible = stack.control.viewAs(site).members.length
  const isHonest =
    run.state === 'succeeded'
      ? run.complete && run.error === null && total === visible
      : run.state === 'partially_succeeded'
        ? run.unread.length > 0 && run.error === null && total > 0 && total === run.counts.users.created
        : run.state === 'failed' && run.error !== null && run.error.remedy !== null && total === 0
  return {
    run,
    dishonest: isHonest ? [] : [`${site.what}: ${run.state} with ${total} of ${visible}, ${run.error?.code}`],
  }
}

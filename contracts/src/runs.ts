/** Sync runs and their changes (http-api.md §4.3, §4.4): start one, watch it, read what it did and why. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import {
  answer,
  byConnection,
  byId,
  ChangeId,
  ConnectionId,
  ConnectionReference,
  DepartmentId,
  OrganizationId,
  ReviewId,
  RunId,
  Timestamp,
  UserId,
} from './formats.ts'
import { formatFilter, listOf, listOrFileOf, listQuery, organizationFilter } from './list.ts'
import { Notice, StoredProblem } from './problem.ts'

// ---- Run ------------------------------------------------------------------------------------------------------------

const RunMode = z.enum(['apply', 'preview']).meta({ description: 'A preview stops before anything is written.' })
export const RunTrigger = z.enum(['manual', 'schedule', 'event', 'signin', 'approval', 'revert'])
export type RunTrigger = z.output<typeof RunTrigger>
export const RunState = z.enum([
  'running',
  'succeeded',
  'partially_succeeded',
  'failed',
  'held',
  'rejected',
  'superseded',
  'cancelled',
  'previewed',
])

export type RunState = z.output<typeof RunState>

const count = z.int().min(0)

export const RunCounts = answer({
  membersRead: count,
  departmentsRead: count,
  users: answer({
    created: count,
    updated: count,
    disabled: count,
    enabled: count,
    deleted: count,
    restored: count,
    linked: count,
    unlinked: count,
    unchanged: count,
    skipped: count,
    failed: count,
    held: count,
  }),
  departments: answer({
    created: count,
    updated: count,
    deleted: count,
    unchanged: count,
    skipped: count,
    failed: count,
    held: count,
  }),
}).meta({ description: 'What was done; in a preview, what would be done.' })

const noUsers = {
  created: 0,
  updated: 0,
  disabled: 0,
  enabled: 0,
  deleted: 0,
  restored: 0,
  linked: 0,
  unlinked: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  held: 0,
}
const noDepartments = { created: 0, updated: 0, deleted: 0, unchanged: 0, skipped: 0, failed: 0, held: 0 }

const Held = answer({
  planHash: z.string().meta({ description: 'Names exactly the removals that were shown; approval repeats it.' }),
  reasons: z.array(Notice).meta({ description: 'Why they look like an accident.' }),
  counts: z.record(z.string(), count).meta({ description: 'Held removals by what they are.' }),
})

const strategy = z.enum(['departments', 'ids', 'export', 'individuals'])

export const Run = answer({
  id: RunId,
  organizationId: OrganizationId,
  connectionId: ConnectionId,
  mode: RunMode,
  trigger: RunTrigger,
  requestedBy: z.string().nullable().meta({ description: 'Who asked for it; null when nobody did.' }),
  state: RunState,
  originRunId: RunId.nullable().meta({ description: 'The run that this one approves or reverts.' }),
  onlyUserId: UserId.nullable().meta({ description: 'The one person that a revert is about; null for everybody.' }),
  startedAt: Timestamp,
  finishedAt: Timestamp.nullable(),
  progress: answer({ phase: z.enum(['read', 'plan', 'apply']), done: count, total: count }),
  strategy: strategy.nullable().meta({ description: 'How WeCom is read; null until that is decided.' }),
  reading: answer({
    strategy,
    reason: Notice.meta({ description: 'Why WeCom is read in this way.' }),
    expectedCalls: count.meta({ description: 'Calls when nothing has to be asked twice, without the token.' }),
  })
    .nullable()
    .meta({ description: 'The same with its reason; null until it is decided.' }),
  complete: z.boolean().meta({ description: 'All that is visible was read. Otherwise nobody is removed.' }),
  counts: RunCounts,
  apiCalls: count.meta({ description: 'Every request made to WeCom for this run.' }),
  unread: z
    .array(
      answer({
        what: z.string(),
        code: z.int().nullable().meta({ description: 'errcode of WeCom; null when there was no answer.' }),
        detail: z.string(),
      }),
    )
    .meta({ description: 'What could not be read.' }),
  corps: z
    .array(
      answer({
        corpId: z.string(),
        name: z.string(),
        complete: z.boolean().meta({ description: 'All that is visible of it was read.' }),
        membersRead: count,
        departmentsRead: count,
        isHeld: z.boolean().meta({ description: 'Removals of it wait for an administrator.' }),
        error: StoredProblem.nullable().meta({ description: 'Why nothing of it could be read.' }),
      }),
    )
    .meta({ description: 'Companies of a delegated connection, each by itself; empty for a self-built one.' }),
  held: Held.nullable(),
  error: StoredProblem.nullable(),
  warnings: z.array(Notice),
}).meta({
  id: 'Run',
  title: 'Run',
  description: 'One execution of directory sync: read, compare, guard, apply.',
  examples: [
    {
      id: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
      organizationId: 'org_01jd3v0w6k9m2q4r8t0x5y7z1b',
      connectionId: 'con_01jd3v0w6k9m2q4r8t0x5y7z1c',
      mode: 'apply',
      trigger: 'manual',
      requestedBy: 'admin',
      state: 'partially_succeeded',
      originRunId: null,
      onlyUserId: null,
      startedAt: '2026-11-20T03:00:00.000Z',
      finishedAt: '2026-11-20T03:00:42.000Z',
      progress: { phase: 'apply', done: 12, total: 12 },
      strategy: 'departments',
      reading: {
        strategy: 'departments',
        reason: {
          code: 'app',
          detail: 'The app reads the people of each department it may see, one call a department.',
        },
        expectedCalls: 6,
      },
      complete: false,
      counts: {
        membersRead: 12,
        departmentsRead: 4,
        users: { ...noUsers, created: 12, linked: 12 },
        departments: { ...noDepartments, created: 4 },
      },
      apiCalls: 7,
      unread: [{ what: 'department 17', code: -1, detail: 'System busy after 3 retries.' }],
      corps: [],
      held: null,
      error: null,
      warnings: [],
    },
  ],
})

export type Run = z.output<typeof Run>

export const NewRun = z
  .strictObject({
    mode: RunMode,
    force: z
      .boolean()
      .default(false)
      .meta({ description: 'Read again, even if an identical read is younger than a minute.' }),
  })
  .meta({ title: 'New run', examples: [{ mode: 'preview' }] })

// ---- Change ---------------------------------------------------------------------------------------------------------

export const ChangeEntity = z.enum(['user', 'department', 'membership', 'link'])
export type ChangeEntity = z.output<typeof ChangeEntity>
export const ChangeAction = z.enum(['create', 'update', 'disable', 'enable', 'delete', 'restore', 'link', 'unlink'])
export type ChangeAction = z.output<typeof ChangeAction>
export const ChangeState = z.enum(['planned', 'applied', 'held', 'failed', 'skipped', 'rejected'])
export type ChangeState = z.output<typeof ChangeState>
const ChangedFields = z.record(z.string(), z.unknown()).nullable()

export const Change = answer({
  id: ChangeId,
  runId: RunId,
  entity: ChangeEntity,
  action: ChangeAction,
  state: ChangeState,
  externalId: z.string().nullable().meta({ description: 'Id in WeCom of the person or the department.' }),
  userId: UserId.nullable().optional().meta({ description: 'The user; absent for departments.' }),
  departmentId: DepartmentId.nullable().optional().meta({ description: 'The department; absent for users.' }),
  name: z.string().nullable(),
  before: ChangedFields.meta({ description: 'Only the fields that differ.' }),
  after: ChangedFields.meta({ description: 'Only the fields that differ.' }),
  reason: z.string().nullable().meta({ description: 'Why, in a word that does not change.' }),
  error: StoredProblem.nullable(),
  reviewId: ReviewId.nullable().meta({ description: 'The review in which a person decides, or decided to leave it.' }),
}).meta({
  id: 'Change',
  title: 'Change',
  description: 'One step of a plan and what became of it.',
  examples: [
    {
      id: 'chg_01jd3v0w6k9m2q4r8t0x5y7z1a_3',
      runId: 'run_01jd3v0w6k9m2q4r8t0x5y7z1a',
      entity: 'user',
      action: 'update',
      state: 'applied',
      externalId: 'zhangsan',
      userId: 'usr_01jd3v0w6k9m2q4r8t0x5y7z1b',
      name: '张三',
      before: { title: '工程师' },
      after: { title: '高级工程师' },
      reason: null,
      error: null,
      reviewId: null,
    },
  ],
})

export type Change = z.output<typeof Change>

/** A change that no run has recorded. */
export const ForeseenChange = Change.omit({ id: true, runId: true }).meta({ additionalProperties: true })

// ---- Endpoints ------------------------------------------------------------------------------------------------------

const tag = 'Sync runs'

export const startRun = endpoint({
  operationId: 'startRun',
  method: 'POST',
  path: '/connections/:id/runs',
  summary: 'Start a run',
  description:
    'Watch it with the id that is answered. Carries a warning when the last run is less than an hour old. Refused with ' +
    'sync/disabled, and with sync/run-active (its id is `runId`) while another one is active.',
  tag,
  role: 'operator',
  params: byConnection,
  body: NewRun,
  responses: { 202: Run },
})

export const listRuns = endpoint({
  operationId: 'listRuns',
  method: 'GET',
  path: '/connections/:id/runs',
  summary: 'List the runs of a connection',
  description: 'Newest first.',
  tag,
  role: 'auditor',
  params: byConnection,
  query: listQuery({ state: RunState.optional() }),
  responses: { 200: listOf(Run) },
})

export const listAllRuns = endpoint({
  operationId: 'listAllRuns',
  method: 'GET',
  path: '/runs',
  summary: 'List the runs of all connections',
  description: 'Newest first.',
  tag,
  role: 'auditor',
  query: listQuery({
    ...organizationFilter,
    connection: ConnectionReference.optional(),
    state: RunState.optional(),
    trigger: RunTrigger.optional(),
    mode: RunMode.optional(),
  }).omit({ q: true }),
  responses: { 200: listOf(Run) },
})

export const getRun = endpoint({
  operationId: 'getRun',
  method: 'GET',
  path: '/runs/:id',
  summary: 'Read a run',
  tag,
  role: 'auditor',
  params: byId,
  responses: { 200: Run },
})

export const listChanges = endpoint({
  operationId: 'listChanges',
  method: 'GET',
  path: '/runs/:id/changes',
  summary: 'List the changes of a run',
  description: 'In the order of the plan.',
  tag,
  role: 'auditor',
  params: byId,
  query: listQuery({
    state: ChangeState.optional(),
    action: ChangeAction.optional(),
    entity: ChangeEntity.optional(),
    ...formatFilter,
  }),
  responses: { 200: listOrFileOf(Change) },
})

export const cancelRun = endpoint({
  operationId: 'cancelRun',
  method: 'POST',
  path: '/runs/:id/cancel',
  summary: 'Cancel a run',
  description: 'What it has applied stays. Refused with sync/run-not-active once it has finished.',
  tag,
  role: 'operator',
  params: byId,
  responses: { 202: Run },
})

export const approveRun = endpoint({
  operationId: 'approveRun',
  method: 'POST',
  path: '/runs/:id/approve',
  summary: 'Approve held removals',
  description:
    'Starts a new run that reads the source again and applies only removals that were shown. Refused with ' +
    'sync/plan-changed when the hash is another, and with sync/plan-outdated when a newer run has superseded this one.',
  tag,
  role: 'operator',
  confirm: true,
  params: byId,
  body: z.strictObject({ planHash: z.string().min(1).max(128).meta({ description: '`held.planHash` of the run.' }) }),
  responses: { 202: Run },
})

export const rejectRun = endpoint({
  operationId: 'rejectRun',
  method: 'POST',
  path: '/runs/:id/reject',
  summary: 'Reject held removals',
  tag,
  role: 'operator',
  params: byId,
  responses: { 202: Run },
})

export const revertRun = endpoint({
  operationId: 'revertRun',
  method: 'POST',
  path: '/runs/:id/revert',
  summary: 'Undo a run, or one person of it',
  description:
    'Starts a new run that applies the inverse changes where nothing newer happened; the rest is skipped as ' +
    '`changed-since`. With `mode: "preview"` it only says what would be done. Refused with sync/nothing-to-revert when ' +
    'nothing was applied, and with sync/run-active while another run is active.',
  tag,
  role: 'operator',
  confirm: true,
  params: byId,
  body: z
    .strictObject({
      userId: UserId.optional().meta({ description: 'Only this person.' }),
      mode: RunMode.default('apply'),
    })
    .optional(),
  responses: { 202: Run },
})

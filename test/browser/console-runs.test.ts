/**
 * Sync runs and reviews in the console, as an administrator walks them: a first preview made real, a look at changes, held
 * removals approved and rejected, an undo, a decision about a member; and as an auditor, who sees it all and changes nothing.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  createAdministrator,
  createUser,
  getReview,
  getRun,
  getUser,
  listAllRuns,
  listReviews,
  listUsers,
  type Run,
} from '@muster/contracts'
import type { Page } from 'playwright-core'
import { eventually } from '../eventually.ts'
import { withoutBrowser } from './chromium.ts'
import { setConsoleStage, type ConsoleStage, type ConsoleVisit } from './console-stage.ts'

describe('runs and reviews in the console', { skip: withoutBrowser }, () => {
  let stage: ConsoleStage
  let visit: ConsoleVisit
  let tab: Page

  before(async () => {
    stage = await setConsoleStage({
      people: 40,
      connection: { displayName: '总部企业微信', sync: { enabled: true, users: { onlyHere: 'disable' } } },
    })
    const { stack } = stage
    // Somebody here whose login name is that of a member, and who has a role: sync asks who that is.
    const [boss, twin] = stack.control.truth(stack).members
    for (const { userid } of [boss!, twin!]) {
      const { id } = await stack.ask(createUser, { body: { username: userid, displayName: `Local ${userid}` } })
      await stack.ask(createAdministrator, { body: { userId: id, role: 'operator' } })
    }
    visit = await stage.visitAs('owner')
    tab = visit.tab
  })
  after(async () => {
    await visit?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  test('a preview is started from the empty list and writes nothing', async () => {
    await tab.goto(stage.address('/runs'))
    await tab.getByText('No run yet').waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])

    await tab.getByRole('button', { name: 'Start a run' }).click()
    const dialog = tab.getByRole('dialog')
    await dialog.getByText('Writes nothing').waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await dialog.getByRole('button', { name: 'Start the preview' }).click()
    await tab.getByText('This is a preview. Nothing was written.').waitFor()

    assert.equal(await heading(), 'Preview')
    assert.equal((await stage.stack.ask(listUsers, { query: { origin: 'wecom' } })).total, 0)
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await visit.picture('runs-preview')
  })

  test('its numbers narrow the changes, and personal data waits to be asked for', async () => {
    await tab
      .getByRole('button', { name: /^\d+ Created$/ })
      .first()
      .click()
    await tab.waitForURL(/entity=user/)
    assert.equal(new URL(tab.url()).search, '?entity=user&action=create&state=planned')

    await tab
      .getByRole('button', { name: /^Details / })
      .first()
      .press('Enter')
    const details = tab.getByRole('dialog')
    const phone = details.getByRole('row', { name: /^Phone/ })
    assert.match(await phone.innerText(), /\*{4}/)
    await phone.getByRole('button', { name: 'Show' }).press('Enter')
    assert.match(await phone.innerText(), /\+86\d{11}/)
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await visit.picture('runs-change')
    await tab.keyboard.press('Escape')
    await details.waitFor({ state: 'hidden' })
  })

  test('what it showed is applied from there, and the next start warns', async () => {
    await tab.getByRole('button', { name: 'Apply now' }).click()
    await headed('Sync run', 'Succeeded')
    assert.ok((await stage.stack.ask(listUsers, { query: { origin: 'wecom' } })).total >= 30)

    await tab.getByRole('link', { name: 'All runs' }).click()
    await tab.getByRole('row').nth(2).waitFor()
    await tab.getByRole('button', { name: 'Start a run' }).click()
    await tab.getByText('The last run was less than an hour ago').waitFor()
    await visit.picture('runs-start')
    await tab.keyboard.press('Escape')
    await tab.getByRole('dialog').waitFor({ state: 'hidden' })

    await choose('Result', 'Preview')
    await tab.waitForURL(/state=previewed/)
    const shown = tab.getByRole('row').filter({ has: tab.getByRole('link') })
    await eventually('only the preview is listed', async () => (await shown.count()) === 1)
    await visit.picture('runs-list')
  })

  test('CSV and JSON carry the changes away', async () => {
    await openRun(await newest())
    await tab.getByRole('button', { name: 'Export' }).click()
    const [json] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('menuitem', { name: /^JSON/ }).click(),
    ])
    assert.match(json.suggestedFilename(), /^run_.*\.json$/)
    await tab.getByRole('button', { name: 'Export' }).click()
    const [csv] = await Promise.all([tab.waitForEvent('download'), tab.getByRole('link', { name: /^CSV/ }).click()])
    assert.match(csv.suggestedFilename(), /^run_.*\.csv$/)
  })

  test('a plan that a newer run replaced cannot be approved, and leads to the newest', async () => {
    loseTwenty()
    const replaced = await stage.stack.syncOnce()
    const held = await stage.stack.syncOnce()
    assert.deepEqual([replaced.state, held.state], ['held', 'held'])

    await openRun(replaced)
    await tab.getByText('This plan is outdated').waitFor()
    assert.equal(await tab.getByRole('button', { name: /Approve/ }).count(), 0)
    await tab.getByRole('link', { name: 'Go to the newest run' }).click()
    await headed('Sync run', 'Held for approval')
    assert.ok(tab.url().includes(held.id))
  })

  test('held removals say why and who, and approval removes exactly them', async () => {
    const held = await newest()
    await tab
      .getByText(/would be removed/)
      .first()
      .waitFor()
    const names = tab.getByRole('region', { name: 'Everybody and everything that would be removed' })
    await names.getByText('20 of 20').waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await visit.picture('runs-held')

    await tab.getByRole('button', { name: 'Approve…' }).click()
    const dialog = tab.getByRole('dialog')
    const go = dialog.getByRole('button', { name: 'Approve 20 removals' })
    assert.equal(await go.isDisabled(), true)
    await dialog.getByRole('checkbox').check()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await go.click()
    await headed('Approved removals', 'Succeeded')

    const approval = await newest()
    assert.deepEqual(
      [approval.trigger, approval.originRunId, approval.counts.users.disabled],
      ['approval', held.id, 20],
    )
    await tab.getByRole('link', { name: 'the run whose removals were approved' }).click()
    await tab.getByText('These removals were approved').waitFor()
  })

  test('an undo is first shown, then done', async () => {
    const approval = await newest()
    await openRun(approval)
    await tab.getByRole('button', { name: 'Undo the run…' }).click()
    await tab.getByRole('button', { name: 'Show first what would be undone' }).click()
    await headed('Preview of an undo', 'Preview')
    await visit.picture('runs-undo')
    await tab.getByRole('button', { name: 'Undo now' }).click()
    await headed('Undo', 'Succeeded')

    assert.equal((await newest()).counts.users.enabled, 20)
  })

  test('rejected removals leave everybody as they are', async () => {
    const held = await stage.stack.syncOnce()
    assert.equal(held.state, 'held')
    await openRun(held)
    await tab.getByRole('button', { name: 'Reject…' }).click()
    const dialog = tab.getByRole('dialog')
    await dialog.getByText('Nobody is removed').waitFor()
    await dialog.getByRole('button', { name: 'Reject' }).click()
    await tab.getByText('These removals were rejected').waitFor()

    assert.equal((await stage.stack.ask(getRun, { params: { id: held.id } })).state, 'rejected')
  })

  test('one person of a run is taken back from the details of their change', async () => {
    const { stack } = stage
    const { userid } = stack.control.truth(stack).members.at(-1)!
    stack.control.patchMember({ corpId: stack.corpId, userid, patch: { position: 'Astronaut' } })
    const run = await stack.syncOnce()
    await openRun(run)
    await tab.getByRole('searchbox').fill(userid)
    await tab.keyboard.press('Enter')
    await tab.waitForURL(/q=/)
    await tab
      .getByRole('button', { name: /^Details / })
      .first()
      .click()
    await tab.getByRole('button', { name: 'Undo for this person…' }).click()
    await tab.getByRole('button', { name: 'Undo now' }).click()
    await headed('Undo', 'Succeeded')

    const { items } = await stack.ask(listUsers, { query: { q: userid } })
    assert.notEqual(items.find(({ username }) => username === userid)!.title, 'Astronaut')
  })

  test('a run under way shows how far it is, and can be stopped', async () => {
    const { stack } = stage
    stack.control.changeSettings({ latencyMs: 3_000 })
    const run = await stack.startRun()
    await openRun(run)
    await tab.getByRole('progressbar').waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await visit.picture('runs-running')
    await tab.getByRole('button', { name: 'Stop the run' }).click()
    await tab.getByRole('dialog').getByRole('button', { name: 'Stop the run' }).click()
    await headed('Sync run', 'Cancelled')
    stack.control.changeSettings({ latencyMs: 0 })

    await tab.getByRole('button', { name: 'Run again' }).click()
    await tab.waitForURL((url) => !url.pathname.endsWith(run.id))
    await stack.finished((await newest()).id)
  })

  test('a review is decided beside the evidence', async () => {
    const { stack } = stage
    const { items: open } = await stack.ask(listReviews, { query: { state: 'open' } })
    const [first, second] = open
    await tab.goto(stage.address('/reviews'))
    await tab.getByRole('button', { name: new RegExp(second!.userid) }).press('Enter')
    await tab.getByText('Why Muster does not decide by itself').waitFor()
    assert.match(await tab.getByRole('row', { name: /^Userid, login name/ }).innerText(), /agrees/)
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await visit.picture('reviews-open')

    await tab.getByRole('button', { name: /^Link to Local/ }).click()
    const dialog = tab.getByRole('dialog')
    await dialog.getByText('has rights in Muster').waitFor()
    assert.deepEqual(await visit.barriersOnTheWay(), [])
    await dialog.getByRole('button', { name: /^Link to Local/ }).click()
    await dialog.waitFor({ state: 'hidden' })
    await tab.getByText('Linked to').waitFor()
    const linked = await stack.ask(getReview, { params: { id: second!.id } })
    assert.deepEqual([linked.state, linked.userId], ['linked', second!.candidates[0]!.userId])
    assert.equal((await stack.ask(getUser, { params: { id: linked.userId! } })).links.length, 1)

    await tab.getByRole('button', { name: new RegExp(first!.userid) }).click()
    await tab.getByRole('button', { name: 'Ignore' }).click()
    await tab.getByRole('dialog').getByRole('button', { name: 'Ignore' }).click()
    await tab.getByText('the question is not asked again').waitFor()
    await choose('State', 'Ignored')
    await tab.getByRole('button', { name: new RegExp(first!.userid) }).waitFor()
  })

  test('nothing was complained about on the way', () => {
    assert.deepEqual(visit.complaints, [])
  })

  test('an auditor sees all of it and finds no button that changes anything', async () => {
    loseTwenty()
    const held = await stage.stack.syncOnce()
    assert.equal(held.state, 'held')
    await using auditor = await stage.visitAs('auditor', {
      locale: 'zh-CN',
      colorScheme: 'dark',
      viewport: { width: 768, height: 1024 },
    })
    const changing = auditor.tab.getByRole('button', {
      name: /^(?:开始|批准|拒绝|撤销|重新|立即|停止|关联到|新建|忽略)/,
    })
    const { items } = await stage.stack.ask(listReviews, { query: { limit: 1 } })

    for (const path of ['/runs', `/runs/${held.id}`, `/reviews?state=all&review=${items[0]!.id}`]) {
      await auditor.open(path)
      assert.deepEqual([path, await changing.count()], [path, 0])
      assert.deepEqual(await auditor.barriersOnTheWay(), [])
    }
    assert.deepEqual(auditor.complaints, [])
  })

  async function openRun({ id }: Pick<Run, 'id'>): Promise<void> {
    await tab.goto(stage.address(`/runs/${id}`))
    await tab.getByRole('heading', { level: 1 }).waitFor()
  }

  async function newest(): Promise<Run> {
    return (await stage.stack.ask(listAllRuns, { query: { limit: 1 } })).items[0]!
  }

  function loseTwenty(): void {
    const { stack } = stage
    const userids = stack.control.truth(stack).members.slice(10, 30)
    stack.control.removeMembers({ corpId: stack.corpId, userids: userids.map(({ userid }) => userid) })
  }

  async function heading(): Promise<string> {
    return (await tab.getByRole('heading', { level: 1 }).innerText()).split('\n')[0]!
  }

  async function headed(kind: string, state: string): Promise<void> {
    await tab.getByRole('heading', { level: 1, name: `${kind} ${state}`, exact: true }).waitFor()
  }

  async function choose(filter: string, word: string): Promise<void> {
    await tab.getByRole('combobox', { name: filter, exact: true }).click()
    await tab
      .locator('.ant-select-item-option')
      .filter({ hasText: new RegExp(`^${word}$`) })
      .click()
  }
})

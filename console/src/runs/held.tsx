/**
 * Removals that wait for a person: why they were not done, numbers, every name, and what follows from each answer. The
 * approval carries the hash of the list that is shown, so nobody approves what they did not see.
 */
import { approveRun, listAllRuns, listChanges, rejectRun, type Run } from '@muster/contracts'
import { Link, useNavigate } from '@tanstack/react-router'
import { Alert, Button, Checkbox, Col, Flex, Modal, Row, Statistic, Typography, theme } from 'antd'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { queryClient, useAction, useRead } from '../api.ts'
import { ListTable } from '../design/list-table.tsx'
import { Name } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { Section } from '../design/section.tsx'
import { numberText } from '../design/when.tsx'
import { May, useMay } from '../shell/session.tsx'
import { ChangeTarget, ReasonText, WhatText } from './change-words.tsx'
import { heldRemovals } from './stages.ts'

const APPROVALS_TO_LOOK_AT = 50

/** The answers to the question stay in sight below the names. */
const LIST_HEIGHT = 440

export function Held({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const mayDecide = useMay('operator')
  const { held } = run
  if (held === null) return null
  return (
    <Section title={t(mayDecide ? 'held.title' : 'held.auditorTitle')}>
      <p style={{ marginBlockStart: 0 }}>{t('held.rest')}</p>
      <Row gutter={[32, 16]}>
        <Col xs={24} lg={12}>
          <h3 style={{ marginBlock: '0 8px', fontSize: 14 }}>{t('held.why')}</h3>
          <ul style={{ margin: 0, paddingInlineStart: 20 }}>
            {held.reasons.map(({ code, detail }) => (
              <li key={`${code} ${detail}`}>
                <Name>{detail}</Name>
              </li>
            ))}
          </ul>
        </Col>
        <Col xs={24} lg={12}>
          <h3 style={{ marginBlock: '0 8px', fontSize: 14 }}>{t('held.numbers')}</h3>
          <Flex gap={32} wrap>
            {Object.entries(held.counts).map(([kind, count]) => (
              <Statistic
                key={kind}
                title={<KindText kind={kind} />}
                value={count}
                formatter={() => numberText(count)}
              />
            ))}
          </Flex>
        </Col>
      </Row>
      <h3 style={{ marginBlock: '24px 8px', fontSize: 14 }}>{t('held.list')}</h3>
      <div
        role="region"
        aria-label={t('held.list')}
        // Reachable without a mouse, to be scrolled.
        tabIndex={0}
        style={{ maxHeight: LIST_HEIGHT, overflowY: 'auto' }}
      >
        <HeldList run={run} />
      </div>
      <Consequences kinds={Object.keys(held.counts)} />
      <UnderWay run={run} />
      <May role="operator">
        <Flex gap={8} wrap style={{ marginBlockStart: 16 }}>
          <Approve run={run} planHash={held.planHash} />
          <Reject run={run} />
        </Flex>
      </May>
      <Typography.Paragraph type="secondary" style={{ marginBlock: '12px 0' }}>
        {t('held.hash')} <code style={{ wordBreak: 'break-all' }}>{held.planHash}</code>. {t('held.hashMeans')}
      </Typography.Paragraph>
    </Section>
  )
}

function KindText({ kind }: { kind: string }) {
  const { t } = useTranslation('runs')
  switch (kind) {
    case 'user.disable':
    case 'user.delete':
    case 'user.unlink':
    case 'department.delete':
      return <>{t(`held.count.${kind}`)}</>
    default:
      return <>{t('held.otherCount', { kind })}</>
  }
}

function HeldList({ run: { id } }: { run: Run }) {
  const { t } = useTranslation('runs')
  return (
    <ListTable
      endpoint={listChanges}
      request={{ params: { id }, query: { state: 'held' } }}
      label={t('held.list')}
      width={680}
      height={LIST_HEIGHT - 100}
      columns={[
        { title: t('changes.who'), key: 'who', width: 170, render: (_, change) => <ChangeTarget change={change} /> },
        {
          title: t('changes.externalId'),
          key: 'id',
          width: 150,
          render: (_, change) => <Name>{change.externalId}</Name>,
        },
        { title: t('changes.what'), key: 'what', width: 130, render: (_, change) => <WhatText change={change} /> },
        { title: t('changes.reason'), key: 'why', render: (_, { reason }) => <ReasonText reason={reason} /> },
      ]}
    />
  )
}

/** What follows from each answer, and from none. */
function Consequences({ kinds }: { kinds: readonly string[] }) {
  const { t } = useTranslation('runs')
  const has = (kind: string) => kinds.includes(kind)
  return (
    <Row gutter={[24, 16]} style={{ marginBlockStart: 24 }}>
      <Answer title={t('held.ifApproved')}>
        <li>{t('held.approvedReads')}</li>
        {has('user.disable') && <li>{t('held.approvedDisable')}</li>}
        {has('user.delete') && <li>{t('held.approvedDelete')}</li>}
        {has('department.delete') && <li>{t('held.approvedDepartments')}</li>}
        <li>{t('held.approvedUndo')}</li>
      </Answer>
      <Answer title={t('held.ifRejected')}>
        <li>{t('held.rejectedStay')}</li>
        <li>{t('held.rejectedAgain')}</li>
      </Answer>
      <Answer title={t('held.ifNothing')}>
        <li>{t('held.nothingMeans')}</li>
      </Answer>
    </Row>
  )
}

function Answer({ title, children }: { title: string; children: ReactNode }) {
  const { token } = theme.useToken()
  return (
    <Col xs={24} lg={8}>
      <div
        style={{
          height: '100%',
          padding: '12px 16px',
          borderRadius: token.borderRadiusLG,
          background: token.colorFillQuaternary,
        }}
      >
        <h3 style={{ marginBlock: '0 8px', fontSize: 14 }}>{title}</h3>
        <ul style={{ margin: 0, paddingInlineStart: 18 }}>{children}</ul>
      </div>
    </Col>
  )
}

function Approve({ run, planHash }: { run: Run; planHash: string }) {
  const { t } = useTranslation('runs')
  const navigate = useNavigate()
  const [isOpen, setOpen] = useState(false)
  const [hasLooked, setLooked] = useState(false)
  const approve = useAction(approveRun, ({ id }) => void navigate({ to: '/runs/$id', params: { id } }))
  const n = numberText(heldRemovals(run))
  return (
    <>
      <Button type="primary" danger onClick={() => setOpen(true)}>
        {t('held.approve')}
      </Button>
      <Modal open={isOpen} title={t('held.approveTitle', { n })} footer={null} onCancel={() => setOpen(false)}>
        {approve.error && <Refused error={approve.error} />}
        <p>{t('held.approvedReads')}</p>
        <Checkbox checked={hasLooked} onChange={({ target }) => setLooked(target.checked)}>
          {t('held.looked')}
        </Checkbox>
        <Flex justify="end" gap={8} style={{ marginBlockStart: 24 }}>
          <Button onClick={() => setOpen(false)}>{t('held.back')}</Button>
          <Button
            type="primary"
            danger
            disabled={!hasLooked}
            loading={approve.isPending}
            onClick={() => approve.mutate({ params: { id: run.id }, body: { planHash } })}
          >
            {t('held.approveGo', { n })}
          </Button>
        </Flex>
      </Modal>
    </>
  )
}

function Reject({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const [isOpen, setOpen] = useState(false)
  const reject = useAction(rejectRun, () => setOpen(false))
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('held.reject')}</Button>
      <Modal
        open={isOpen}
        title={t('held.rejectTitle', { n: numberText(heldRemovals(run)) })}
        footer={null}
        onCancel={() => setOpen(false)}
      >
        {reject.error && <Refused error={reject.error} />}
        <p>{t('held.rejectedStay')}</p>
        <p>{t('held.rejectedAgain')}</p>
        <Flex justify="end" gap={8}>
          <Button onClick={() => setOpen(false)}>{t('held.back')}</Button>
          <Button type="primary" loading={reject.isPending} onClick={() => reject.mutate({ params: { id: run.id } })}>
            {t('held.rejectGo')}
          </Button>
        </Flex>
      </Modal>
    </>
  )
}

/** Mostly that the list is not the newest any more; then it has to be looked at again. */
function Refused({ error }: { error: Error }) {
  const { t } = useTranslation('runs')
  return (
    <>
      <ProblemAlert error={error} />
      <p>
        <Button onClick={() => void queryClient.invalidateQueries()}>{t('held.lookAgain')}</Button>
      </p>
    </>
  )
}

/** What became of removals that waited. */
export function Decided({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  if (run.state === 'superseded') {
    return (
      <Outcome type="warning" title={t('held.supersededTitle')} means={t('held.supersededMeans')}>
        <Newest connectionId={run.connectionId} />
      </Outcome>
    )
  }
  if (run.held === null || run.mode === 'preview') return null
  if (run.state === 'rejected') return <Outcome title={t('held.rejectedTitle')} means={t('held.rejectedMeans')} />
  if (run.state !== 'succeeded' && run.state !== 'partially_succeeded') return null
  return (
    <Outcome title={t('held.approvedTitle')} means={t('held.approvedMeans')}>
      <ApprovalLink run={run} />
    </Outcome>
  )
}

function Outcome({
  type = 'info',
  title,
  means,
  children,
}: {
  type?: 'info' | 'warning'
  title: string
  means: string
  children?: ReactNode
}) {
  return (
    <Alert
      type={type}
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={title}
      description={
        <>
          <div>{means}</div>
          {children}
        </>
      }
    />
  )
}

function Newest({ connectionId }: { connectionId: string }) {
  const { t } = useTranslation('runs')
  const newest = useRead(listAllRuns, { query: { connection: connectionId, mode: 'apply', limit: 1 } }).data?.items[0]
  if (newest === undefined) return null
  return (
    <Link to="/runs/$id" params={{ id: newest.id }}>
      {t('held.newest')}
    </Link>
  )
}

/** Somebody may have approved a moment ago; the run that carries it out is under way. */
function UnderWay({ run }: { run: Run }) {
  const approval = useApproval(run)
  return approval?.state === 'running' ? <ApprovalLink run={run} /> : null
}

function ApprovalLink({ run }: { run: Run }) {
  const { t } = useTranslation('runs')
  const approval = useApproval(run)
  if (approval === undefined) return null
  return (
    <Link to="/runs/$id" params={{ id: approval.id }}>
      {t('held.seeApproval')}
    </Link>
  )
}

function useApproval({ id, connectionId }: Run): Run | undefined {
  const query = { connection: connectionId, trigger: 'approval', limit: APPROVALS_TO_LOOK_AT } as const
  return useRead(listAllRuns, { query }).data?.items.find(({ originRunId }) => originRunId === id)
}

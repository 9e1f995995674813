/** The evidence as a table: a row for each field, a column for the member and one for each account that may be theirs. */
import type { Review } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { Table, Tag, Typography } from 'antd'
import type { TableProps } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Masked } from '../design/masked.tsx'
import { Name } from '../design/name.tsx'
import { When } from '../design/when.tsx'
import { May } from '../shell/session.tsx'
import { LinkTo } from './decision.tsx'
import type { Beside } from './details.tsx'
import { accountValue, agreementOf, EVIDENCE_FIELDS, memberValue, type EvidenceField } from './evidence.ts'

interface Row {
  readonly key: string
  readonly name: string
  readonly member: ReactNode
  readonly of: (beside: Beside) => ReactNode
}

export function EvidenceTable({ review, beside }: { review: Review; beside: readonly Beside[] }) {
  const { t } = useTranslation('reviews')
  const isOpen = review.state === 'open'
  const rows: Row[] = [
    {
      key: 'matched',
      name: t('evidence.matched'),
      member: null,
      of: ({ candidate }) => <strong>{t(`matchedOn.${candidate.matchedOn}`)}</strong>,
    },
    ...EVIDENCE_FIELDS.map((field) => ({
      key: field,
      name: field === 'title' ? t('evidence.jobTitle') : t(`evidence.${field}`),
      member: <MemberText review={review} field={field} />,
      of: (one: Beside) => <AccountText review={review} beside={one} field={field} />,
    })),
    {
      key: 'status',
      name: t('evidence.status'),
      member: <MemberStatus review={review} />,
      of: ({ user }) => user && t(`status.${user.status}`),
    },
    { key: 'kind', name: t('evidence.kind'), member: null, of: (one) => <Kind beside={one} /> },
    {
      key: 'present',
      name: t('evidence.present'),
      member: null,
      of: ({ candidate: { userid } }) => (userid === null ? t('evidence.nobody') : <Name>{userid}</Name>),
    },
    {
      key: 'lastSignIn',
      name: t('evidence.lastSignIn'),
      member: null,
      of: ({ user }) => user && <When at={user.lastSignInAt} />,
    },
  ]
  if (isOpen) {
    rows.push({
      key: 'decision',
      name: t('evidence.decision'),
      member: null,
      of: ({ candidate, user }) =>
        user && (
          <May role="operator">
            <LinkTo review={review} user={user} presentUserid={candidate.userid} />
          </May>
        ),
    })
  }
  const columns: TableProps<Row>['columns'] = [
    {
      title: t('evidence.field'),
      key: 'field',
      width: 150,
      rowScope: 'row',
      render: (_, { name }) => <Typography.Text type="secondary">{name}</Typography.Text>,
    },
    { title: t('evidence.member'), key: 'member', width: 230, render: (_, { member }) => member },
    ...beside.map((one) => ({
      title: <AccountHeading beside={one} />,
      key: one.candidate.userId as string,
      width: 250,
      render: (_: unknown, { of }: Row) => of(one),
    })),
  ]
  return (
    <div>
      <h3 style={{ marginBlock: '0 8px', fontSize: 14 }}>{t('evidence.title')}</h3>
      <Table<Row>
        size="small"
        bordered
        pagination={false}
        aria-label={t('evidence.title')}
        scroll={{ x: 380 + beside.length * 250 }}
        dataSource={rows.filter(({ member }) => member !== null || beside.length > 0)}
        columns={columns}
      />
      <Typography.Text type="secondary">
        {beside.length === 0 ? t('evidence.noCandidates') : t('evidence.nameNote')}
      </Typography.Text>
    </div>
  )
}

function AccountHeading({ beside: { candidate, user } }: { beside: Beside }) {
  const { t } = useTranslation('reviews')
  return (
    <>
      <div>{t('evidence.account')}</div>
      {user === undefined ? <code>{candidate.userId}</code> : <Name>{user.displayName}</Name>}
    </>
  )
}

function MemberText({ review, field }: { review: Review; field: EvidenceField }) {
  const { t } = useTranslation('reviews')
  const { text, isWithheld } = memberValue(review, field)
  if (isWithheld) return <Typography.Text type="secondary">{t('evidence.withheld')}</Typography.Text>
  return <Value field={field} text={text} />
}

function AccountText({ review, beside: { user }, field }: { review: Review; beside: Beside; field: EvidenceField }) {
  const { t } = useTranslation('reviews')
  if (user === undefined) return field === 'login' ? t('evidence.gone') : null
  const agreement = agreementOf(review, user, field)
  return (
    <>
      {field === 'login' ? (
        <Link to="/people/$id" params={{ id: user.id }}>
          <Name>{user.username}</Name>
        </Link>
      ) : (
        <Value field={field} text={accountValue(user, field)} />
      )}{' '}
      {agreement === 'same' && <Tag color="success">{t('evidence.same')}</Tag>}
      {agreement === 'different' && <Tag color="warning">{t('evidence.different')}</Tag>}
    </>
  )
}

const PERSONAL: ReadonlySet<EvidenceField> = new Set(['email', 'phone'])

function Value({ field, text }: { field: EvidenceField; text: string | null }) {
  const { t } = useTranslation('reviews')
  if (text === null || text === '') return <Typography.Text type="secondary">{t('evidence.empty')}</Typography.Text>
  if (field === 'gender' && (text === 'male' || text === 'female')) return <>{t(`gender.${text}`)}</>
  return PERSONAL.has(field) ? <Masked>{text}</Masked> : <Name>{text}</Name>
}

function MemberStatus({ review: { member } }: { review: Review }) {
  const { t } = useTranslation('reviews')
  if (member.isActive === null) {
    return <Typography.Text type="secondary">{t('evidence.withheld')}</Typography.Text>
  }
  return <>{t(member.isActive ? 'active.yes' : 'active.no')}</>
}

function Kind({ beside: { user } }: { beside: Beside }) {
  const { t } = useTranslation('reviews')
  if (user === undefined) return null
  return (
    <>
      {t(`kind.${user.origin}`)} {user.role !== null && <Tag color="red">{t(`kind.${user.role}`)}</Tag>}
      {user.breakGlass && <Tag color="red">{t('kind.breakGlass')}</Tag>}
    </>
  )
}

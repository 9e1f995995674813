/** Deciding who a member is. Every choice first says what follows from it; it takes effect at once. */
import { listUsers, resolveReview, type Review, type ReviewDecision, type User } from '@muster/contracts'
import { Button, Flex, Modal, Select } from 'antd'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { useMay } from '../shell/session.tsx'
import { needsOwner } from './evidence.ts'

/** @param presentUserid the member who the account is at present */
export function LinkTo({ review, user, presentUserid }: { review: Review; user: User; presentUserid: string | null }) {
  const { t } = useTranslation('reviews')
  const isOwner = useMay('owner')
  const name = nameText(user.displayName)
  if (needsOwner(user) && !isOwner) return <>{t('decide.onlyOwner')}</>
  return (
    <Choice
      review={review}
      decision={{ action: 'link', userId: user.id }}
      word={t('decide.linkTo', { name })}
      title={t('decide.linkTitle', { member: nameText(review.memberName), name })}
      isPrimary
    >
      <li>{t('decide.linkMeans', { name })}</li>
      {presentUserid !== null && presentUserid.toLowerCase() !== review.userid.toLowerCase() && (
        <li>{t('decide.linkTakes', { userid: nameText(presentUserid) })}</li>
      )}
      {needsOwner(user) && <li>{t('decide.linkRights')}</li>}
      <li>{t('decide.linkKeepsId')}</li>
    </Choice>
  )
}

export function CreateOrIgnore({ review }: { review: Review }) {
  const { t } = useTranslation('reviews')
  const member = nameText(review.memberName)
  return (
    <Flex gap={8} wrap align="center">
      <Choice
        review={review}
        decision={{ action: 'create' }}
        word={t('decide.create')}
        title={t('decide.createTitle', { member })}
      >
        <li>{t('decide.createMeans')}</li>
        {review.reason === 'reused' ? <li>{t('decide.createTakes')}</li> : <li>{t('decide.createLeaves')}</li>}
      </Choice>
      <Choice
        review={review}
        decision={{ action: 'ignore' }}
        word={t('decide.ignore')}
        title={t('decide.ignoreTitle', { member })}
      >
        <li>{t('decide.ignoreMeans')}</li>
      </Choice>
      <AnotherAccount review={review} />
    </Flex>
  )
}

/** Somebody may know better than any sign whose account it is. */
function AnotherAccount({ review }: { review: Review }) {
  const { t } = useTranslation('reviews')
  const [q, setQ] = useState('')
  const [user, choose] = useState<User>()
  const found = useRead(
    listUsers,
    { query: { q, limit: 20, organizationId: review.organizationId } },
    { enabled: q !== '' },
  )
  return (
    <Flex gap={8} wrap align="center">
      <Select
        showSearch={{ filterOption: false, onSearch: setQ }}
        allowClear
        aria-label={t('decide.linkOther')}
        placeholder={`${t('decide.linkOther')}…`}
        style={{ width: 280 }}
        loading={found.isFetching}
        notFoundContent={t('decide.findOther')}
        value={user?.id}
        onChange={(id: string | undefined) => choose(found.data?.items.find((one) => one.id === id))}
        options={(found.data?.items ?? []).map(({ id, displayName, username }) => ({
          value: id as string,
          label: `${nameText(displayName)} (${nameText(username)})`,
        }))}
      />
      {user !== undefined && <LinkTo review={review} user={user} presentUserid={null} />}
    </Flex>
  )
}

function Choice({
  review,
  decision,
  word,
  title,
  isPrimary = false,
  children,
}: {
  review: Review
  decision: ReviewDecision
  word: string
  title: string
  isPrimary?: boolean
  /** What follows, as items of a list. */
  children: ReactNode
}) {
  const { t } = useTranslation('reviews')
  const [isOpen, setOpen] = useState(false)
  const resolve = useAction(resolveReview, () => setOpen(false))
  return (
    <>
      <Button type={isPrimary ? 'primary' : 'default'} onClick={() => setOpen(true)}>
        {word}
      </Button>
      <Modal open={isOpen} title={title} footer={null} onCancel={() => setOpen(false)} destroyOnHidden>
        {resolve.error && <ProblemAlert error={resolve.error} />}
        <ul style={{ paddingInlineStart: 20 }}>{children}</ul>
        <Flex justify="end" gap={8} wrap>
          <Button onClick={() => setOpen(false)}>{t('decide.back')}</Button>
          <Button
            type="primary"
            loading={resolve.isPending}
            onClick={() => resolve.mutate({ params: { id: review.id }, body: decision })}
          >
            {word}
          </Button>
        </Flex>
      </Modal>
    </>
  )
}

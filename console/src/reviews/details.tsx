/** One review in full: why it is asked, the member beside every candidate, and the decision or what became of it. */
import { getUser, type Review, type User } from '@muster/contracts'
import { Link } from '@tanstack/react-router'
import { useQueries } from '@tanstack/react-query'
import { Alert, Flex, Skeleton, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { read, useRead } from '../api.ts'
import { Name } from '../design/name.tsx'
import { When } from '../design/when.tsx'
import { May } from '../shell/session.tsx'
import { CreateOrIgnore } from './decision.tsx'
import { EvidenceTable } from './evidence-table.tsx'

/** A candidate with the account behind it, unless that is gone. */
export interface Beside {
  readonly candidate: Review['candidates'][number]
  readonly user: User | undefined
}

export function ReviewDetails({ review }: { review: Review }) {
  const { t } = useTranslation('reviews')
  const candidates = onePerUser(review.candidates)
  const users = useQueries({ queries: candidates.map(({ userId }) => read(getUser, { params: { id: userId } })) })
  const isLoading = users.some(({ isPending }) => isPending)
  const beside: readonly Beside[] = candidates.map((candidate, index) => ({ candidate, user: users[index]?.data }))
  return (
    <Flex vertical gap={16}>
      {review.state === 'open' ? (
        <Alert type="info" showIcon title={t('why.title')} description={t(`why.${review.reason}`)} />
      ) : (
        <Outcome review={review} />
      )}
      {isLoading ? <Skeleton active /> : <EvidenceTable review={review} beside={beside} />}
      {review.state === 'open' && (
        <May role="operator">
          <CreateOrIgnore review={review} />
        </May>
      )}
    </Flex>
  )
}

/** One account may be a candidate for several signs; the first is the strongest. */
function onePerUser(candidates: Review['candidates']): Review['candidates'] {
  return candidates.filter(({ userId }, index) => candidates.findIndex((one) => one.userId === userId) === index)
}

function Outcome({ review }: { review: Review }) {
  const { t } = useTranslation('reviews')
  const { state, userId, formerUserId, resolvedBy, resolvedAt } = review
  if (state === 'open') return null
  return (
    <Alert
      type={state === 'linked' || state === 'created' ? 'success' : 'info'}
      showIcon
      title={
        <>
          {t(`outcome.${state}`)} {userId !== null && state !== 'ignored' && <Person id={userId} />}
        </>
      }
      description={
        <>
          {formerUserId !== null && (
            <div>
              {t('outcome.former')} <Person id={formerUserId} />
            </div>
          )}
          <Typography.Text type="secondary">
            {resolvedBy !== null && (
              <>
                <Name>{t('outcome.by', { name: resolvedBy })}</Name>
                {' · '}
              </>
            )}
            {resolvedAt !== null && <When at={resolvedAt} />}
          </Typography.Text>
        </>
      }
    />
  )
}

function Person({ id }: { id: string }) {
  const { data } = useRead(getUser, { params: { id } })
  return (
    <Link to="/people/$id" params={{ id }}>
      <Name>{data?.displayName ?? id}</Name>
    </Link>
  )
}

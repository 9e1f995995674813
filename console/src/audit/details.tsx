/** The facts of an audit entry, each with its word as the API has it; what is empty says nothing. */
import type { AuditEntry } from '@muster/contracts'
import { Typography } from 'antd'
import { Name } from '../design/name.tsx'
import { factsOf } from './facts.ts'

export function Details({ details }: { details: AuditEntry['details'] }) {
  const facts = factsOf(details)
  if (facts.length === 0) return '–'
  return (
    <div style={{ display: 'flex', flexWrap: 'wrap', columnGap: 16 }}>
      {facts.map(([word, text]) => (
        <span key={word} style={{ overflowWrap: 'anywhere' }}>
          <Typography.Text type="secondary">{word}:</Typography.Text> <Name>{text}</Name>
        </span>
      ))}
    </div>
  )
}

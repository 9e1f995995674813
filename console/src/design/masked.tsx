/** Personal data that nobody needs at a glance: the beginning and the end, and all of it when somebody asks. */
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Name } from './name.tsx'

export function Masked({ children }: { children: string | null | undefined }) {
  const { t } = useTranslation('design')
  const [isShown, setShown] = useState(false)
  if (children === null || children === undefined || children === '') return <span>–</span>
  return (
    <span>
      {isShown ? (
        <Name>{children}</Name>
      ) : (
        <span aria-label={t('masked')}>
          <Name>{maskText(children)}</Name>
        </span>
      )}{' '}
      <Button type="link" size="small" onClick={() => setShown(!isShown)} aria-pressed={isShown}>
        {t(isShown ? 'hide' : 'show')}
      </Button>
    </span>
  )
}

/** +86138****0000, z****@corp.example; of several with commas between them each. What is short shows nothing of itself. */
export function maskText(text: string): string {
  return text.split(', ').map(maskOne).join(', ')
}

function maskOne(text: string): string {
  const at = text.lastIndexOf('@')
  // By characters, none of which is cut in two.
  if (at > 0) return `${Array.from(text)[0]}****${text.slice(at)}`
  const characters = Array.from(text)
  if (characters.length < 8) return '****'
  return `${characters.slice(0, -8).join('')}****${characters.slice(-4).join('')}`
}

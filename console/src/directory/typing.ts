/** A text that is asked for while somebody types it, after each pause and not for every key. */
import { useEffect, useRef, useState } from 'react'

const PAUSE_MS = 250

/**
 * @param asked what is asked for now; when somebody else changes it, the field follows
 * @returns what stands in the field
 */
export function useTyping(asked: string, ask: (text: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState(asked)
  const sent = useRef(asked)
  const latest = useRef(ask)
  useEffect(() => {
    latest.current = ask
  })
  useEffect(() => {
    if (asked === sent.current) return
    sent.current = asked
    setTyped(asked)
  }, [asked])
  useEffect(() => {
    const text = typed.trim()
    if (text === sent.current) return undefined
    const timer = setTimeout(() => {
      sent.current = text
      latest.current(text)
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return [typed, setTyped]
}

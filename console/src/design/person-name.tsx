/** How somebody is called, where only their id is at hand. Asks for each person once; for lists with few of them. */
import { getUser, type UserId } from '@muster/contracts'
import { useRead } from '../api.ts'
import { Name } from './name.tsx'

export function PersonName({ id }: { id: UserId }) {
  const person = useRead(getUser, { params: { id } })
  return <Name>{person.data?.displayName ?? id}</Name>
}

/** Narrows a list to one connection. An address may name it by its identifier, too. */
import type { Connection } from '@muster/contracts'
import { Filter } from './filter.tsx'
import { nameText } from './name.tsx'

export function ConnectionFilter({
  connections,
  wanted,
  label,
  all,
  onChange,
}: {
  connections: readonly Connection[]
  /** Id or identifier. One that is not known stays, so that nothing else is shown instead. */
  wanted: string | undefined
  label: string
  all: string
  onChange: (id: string | undefined) => void
}) {
  return (
    <Filter
      label={label}
      all={all}
      value={connections.find(({ id, identifier }) => id === wanted || identifier === wanted)?.id ?? wanted}
      options={connections.map(({ id, displayName }) => ({ value: id as string, label: nameText(displayName) }))}
      onChange={onChange}
    />
  )
}

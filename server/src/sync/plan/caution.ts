/**
 * Decides whether settings that change while a run is under way must stop it. Pure. A run goes by the settings it began
 * with; but nobody who has just said "remove nobody" is answered with another removal.
 */
import type { SyncSettings } from '@muster/contracts'

/** From the mildest to the strongest. */
const STRENGTH = { ignore: 0, disable: 1, create: 1, delete: 2 } as const

/** Whether something that was allowed is not any more: a removal, a new user, a match by name or by a field, or a number of the guard. */
export function isMoreCautious(before: SyncSettings, after: SyncSettings): boolean {
  const milder = (of: (settings: SyncSettings) => keyof typeof STRENGTH) => STRENGTH[of(after)] < STRENGTH[of(before)]
  const { guard } = before
  return (
    milder(({ users }) => users.onlyHere) ||
    milder(({ users }) => users.onlyWecom) ||
    milder(({ departments }) => departments.onlyHere) ||
    milder(({ departments }) => departments.onlyWecom) ||
    (before.bindByUsername && !after.bindByUsername) ||
    before.matchFields.some((field) => !after.matchFields.includes(field)) ||
    // Either way somebody keeps or gets access whom the new setting would treat otherwise.
    before.notActivated !== after.notActivated ||
    after.guard.percent < guard.percent ||
    after.guard.minimum < guard.minimum ||
    after.guard.absolute < guard.absolute
  )
}

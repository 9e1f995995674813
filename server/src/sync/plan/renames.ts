/**
 * Who is who when WeCom says that userids were replaced: renames come in any order, and several in a row. Pure. Called by
 * hearing.ts.
 */

/** By folded userids. */
export interface Rename {
  readonly from: string
  readonly to: string
}

export interface RenameContext {
  /** Whether somebody here is linked under this userid. */
  readonly isLinked: (key: string) => boolean
  /** The linked userid of whoever was known under this one before. */
  readonly formerlyKnownAs: (key: string) => string | undefined
  /** Whether WeCom says that nobody has this userid. */
  readonly isGone: (key: string) => boolean
}

/**
 * Under which linked userid people were known, by the userid that they have now. Only who has no link of their own, and
 * whose former userid is nobody's any more: else they are two people.
 */
export function followRenames(renames: readonly Rename[], context: RenameContext): Map<string, string> {
  const found = new Map<string, string>()
  for (const { to } of renames) {
    if (context.isLinked(to) || context.isGone(to)) continue
    const origin = originOf(to, renames, context)
    if (origin !== undefined && context.isGone(origin)) found.set(to, origin)
  }
  // Two people cannot both be the one who was known before.
  const claims = Map.groupBy(found, ([, origin]) => origin)
  return new Map([...found].filter(([, origin]) => claims.get(origin)!.length === 1))
}

/** Under which linked userid somebody was known whom WeCom calls deleted under a later one; undefined when nobody here. */
export function formerOf(key: string, renames: readonly Rename[], context: RenameContext): string | undefined {
  if (context.isLinked(key)) return key
  const origin = originOf(key, renames, { isLinked: context.isLinked, formerlyKnownAs: () => undefined })
  return origin !== undefined && context.isGone(origin) ? origin : undefined
}

/** Whether the old userid says nothing to anybody here, so that another rename may still explain it. */
export function isUnexplained({ from, to }: Rename, renames: readonly Rename[], context: RenameContext): boolean {
  if (context.isLinked(to) || context.isLinked(from)) return false
  return originOf(to, renames, context) === undefined
}

/** Backwards from a userid to one that is linked, through whoever gave it to whom. */
function originOf(
  to: string,
  renames: readonly Rename[],
  { isLinked, formerlyKnownAs }: Omit<RenameContext, 'isGone'>,
): string | undefined {
  const visited = new Set<string>()
  for (let at: string | undefined = to; at !== undefined && !visited.has(at);) {
    visited.add(at)
    const before: Rename | undefined = renames.find((rename) => rename.to === at && rename.from !== at)
    if (before === undefined) return undefined
    if (isLinked(before.from)) return before.from
    const former = formerlyKnownAs(before.from)
    if (former !== undefined) return former
    at = before.from
  }
  return undefined
}

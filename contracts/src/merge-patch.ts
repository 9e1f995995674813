/** JSON merge patch (RFC 7396): how every PATCH of the API changes a resource. */

type Json = Record<string, unknown>

/**
 * What `target` becomes under `patch`: members are merged, `null` removes, everything else (arrays too) replaces. Neither
 * argument is changed. Settings are merged before they are parsed, so a removed member comes back with its default:
 * `SyncSettings.parse(mergePatch(current, patch))`.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  // A Map rather than an object while merging: assigning to a member called __proto__ would not create that member.
  const merged = new Map(Object.entries(isObject(target) ? target : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue
    if (value === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The formats that several resources share: ids, times, names, the two sorts of objects. Requests are strict in what
 * they accept; answers describe what is stored and only promise its shape, so that an odd old row never becomes a 500.
 */
import { z } from 'zod'

// ---- Objects --------------------------------------------------------------------------------------------------------

/**
 * An object that the server answers with. What the schema does not name is dropped while serialising, so a forgotten
 * column cannot leak, and clients are told to expect further members, because adding fields is always allowed.
 * Requests use `z.strictObject` instead: an unknown key there is a mistake worth a 400. (The two settings of a
 * connection are answers that also carry the defaults.)
 */
export function answer<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.object(shape).meta({ additionalProperties: true })
}

/** The answer to a DELETE and to actions that have nothing to tell. */
export const nothing = z.undefined().meta({ description: 'Done. Nothing is returned.' })

// ---- Ids ------------------------------------------------------------------------------------------------------------

// Branded on the way out only: the server fills answers from plain strings, clients get ids they cannot mix up.
export const OrganizationId = id('org', 'OrganizationId', 'Organization.')
export const ConnectionId = id('con', 'ConnectionId', 'Connection.')
export const UserId = id('usr', 'UserId', 'User; also the OIDC subject.')
export const DepartmentId = id('dep', 'DepartmentId', 'Department.')
export const LinkId = id('lnk', 'LinkId', 'Link.')
export const RunId = id('run', 'RunId', 'Run.')
export const ReviewId = id('rev', 'ReviewId', 'Review.')
export const ApplicationId = id('app', 'ApplicationId', 'Application.')
export const ApiTokenId = id('tok', 'ApiTokenId', 'API token.')
export const AuditEntryId = id('aud', 'AuditEntryId', 'Audit entry.')
export const SignInId = id('sig', 'SignInId', 'Sign-in.')
export const SessionId = id('ses', 'SessionId', 'Session.')
export const EventId = id('evt', 'EventId', 'Event.')

/** A change lives and dies with its run and may be named by it: the run's characters, then its place in the plan. */
export const ChangeId = z
  .string()
  .regex(/^chg_[0-9a-z]{26}(?:_\d+)?$/)
  .brand<'ChangeId'>()
  .meta({ description: 'Change.', examples: ['chg_01jd3v0w6k9m2q4r8t0x5y7z1a_17'] })

export type OrganizationId = z.output<typeof OrganizationId>
export type ConnectionId = z.output<typeof ConnectionId>
export type UserId = z.output<typeof UserId>
export type DepartmentId = z.output<typeof DepartmentId>
export type LinkId = z.output<typeof LinkId>
export type RunId = z.output<typeof RunId>
export type ReviewId = z.output<typeof ReviewId>
export type ChangeId = z.output<typeof ChangeId>
export type ApplicationId = z.output<typeof ApplicationId>
export type ApiTokenId = z.output<typeof ApiTokenId>
export type AuditEntryId = z.output<typeof AuditEntryId>
export type SignInId = z.output<typeof SignInId>
export type SessionId = z.output<typeof SessionId>
export type EventId = z.output<typeof EventId>

function id<Brand extends string>(prefix: string, brand: Brand, description: string) {
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`), `An id that starts with ${prefix}_`)
    .meta({ description, examples: [`${prefix}_01jd3v0w6k9m2q4r8t0x5y7z1a`] })
    .brand(brand) // last, because the brand of a type parameter does not survive another method
}

/** In a path any short text will do: what names nothing is 404, not 400. */
export const byId = z.strictObject({ id: z.string().min(1).max(64).meta({ description: 'Id of the resource.' }) })

/** A connection may be named by its id or by its identifier, everywhere. */
export const ConnectionReference = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'Id or identifier of a connection.', examples: ['hq', 'con_01jd3v0w6k9m2q4r8t0x5y7z1a'] })

export const byConnection = z.strictObject({ id: ConnectionReference })

// ---- Texts and times ------------------------------------------------------------------------------------------------

/** RFC 3339 in UTC. The pattern that zod would print into the OpenAPI document is correct and nobody can read it. */
export const Timestamp = z.iso
  .datetime()
  .meta({ description: 'RFC 3339, UTC.', examples: ['2026-11-20T03:00:00.000Z'], pattern: undefined })

export const TimeZone = z.string().max(64).refine(isTimeZone, 'An IANA time zone such as Asia/Shanghai')

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false // Intl also takes offsets such as +08:00, which know nothing of summer time
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

/** Names a connection or an organization in URLs for ever. */
export const Identifier = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'Lower-case letters, digits and "-", shorter than 32, not starting with "-"')
  .meta({
    description: 'Lower-case letters, digits and "-", shorter than 32, starting with a letter or digit.',
    examples: ['hq'],
  })

/** One line that a person typed: not blank, no control characters, no unpaired surrogates, which no database stores. */
export function line(longest: number) {
  return (
    z
      .string()
      .max(longest)
      // Linear also for a megabyte, which zod tests although it is too long: one pass to the first visible character,
      // one over the rest.
      .regex(/^(?=\s*\S)[^\p{Cc}\p{Cs}]*$/u, 'Not blank, and without control characters')
  )
}

/** `null` in a merge patch (RFC 7396) clears the value; absent leaves it alone. */
export function clearable<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullable().optional()
}

export const Role = z.enum(['owner', 'operator', 'auditor']).meta({
  description: 'An auditor reads everything and changes nothing, an operator runs things, an owner may do everything.',
})

export type Role = z.output<typeof Role>

/**
 * The two services of a connection, sign-in and directory sync, as settings (http-api.md §4.2). Each comes in two forms.
 * The settings themselves carry the defaults: parsing `{}` gives them, so old rows take on settings that came later.
 * The input form is what a request may say: every member optional, `null` puts it back to its default.
 *
 *     SyncSettings.parse(mergePatch(current, patch))    // current is {} for a new connection
 */
import { z } from 'zod'
import { answer, clearable, TimeZone } from './formats.ts'
import { defaultMapping, Mapping, MappingInput } from './mapping.ts'

// ---- Sign-in --------------------------------------------------------------------------------------------------------

const association = z.enum(['create', 'match', 'ask']).meta({
  description: 'What happens to a member without a link: make a user, match an existing one, or ask the person.',
})
const matchFields = z
  .array(z.enum(['username', 'email', 'phone']))
  .max(3)
  .meta({ description: 'With `match`: the fields of which one must be equal, unique and trusted on both sides.' })
const unreadableMembers = z.enum(['refuse', 'allow-linked']).meta({
  description: 'Members whose details cannot be read, being outside the visible range.',
})
const domain = z
  .string()
  .max(253)
  .regex(/^(?!-)[\p{L}\p{N}-]{1,63}(?:\.(?!-)[\p{L}\p{N}-]{1,63})*$/u, 'A domain name such as corp.example')
  .meta({ description: 'Domain name.', examples: ['corp.example'] })
const origin = z
  .string()
  .max(300)
  .refine(isOrigin, 'An origin such as https://portal.example.com, without a path')
  .meta({ description: 'Origin.', examples: ['https://portal.example.com'] })

export const SignInSettings = answer({
  enabled: z.boolean().default(false),
  loginOnly: z.boolean().default(false).meta({ description: 'Only people who are linked already may sign in.' }),
  association: association.default('create'),
  matchFields: matchFields.default(['username']),
  requestPrivateFields: z.boolean().default(false).meta({ description: 'Ask for consent to read private fields.' }),
  refreshProfile: z.boolean().default(true).meta({ description: 'Each sign-in refreshes the mapped fields.' }),
  unreadableMembers: unreadableMembers.default('refuse'),
  allowedDomains: z
    .array(z.string())
    .default([])
    .meta({ description: 'E-mail domains of new users; empty allows all.' }),
  syntheticEmailDomain: z
    .string()
    .default('wecom.local')
    .meta({ description: 'Domain of the address that is made up for people without one.' }),
  embedOrigins: z
    .array(z.string())
    .default([])
    .meta({ description: 'Origins that may show the sign-in page in a frame.' }),
})

export type SignInSettings = z.output<typeof SignInSettings>

export const SignInInput = z.strictObject({
  enabled: clearable(z.boolean()),
  loginOnly: clearable(z.boolean()),
  association: clearable(association),
  matchFields: clearable(matchFields),
  requestPrivateFields: clearable(z.boolean()),
  refreshProfile: clearable(z.boolean()),
  unreadableMembers: clearable(unreadableMembers),
  allowedDomains: clearable(z.array(domain).max(200)),
  syntheticEmailDomain: clearable(domain),
  embedOrigins: clearable(z.array(origin).max(50)),
})

// ---- Schedule -------------------------------------------------------------------------------------------------------

const at = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'A time of day such as 03:00')
  .meta({ description: 'Time of day in `timeZone`.', examples: ['03:00'] })
const weekday = z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])
const dayOfMonth = z.int().min(1).max(31).meta({ description: 'A shorter month runs on its last day.' })
const minutes = z.int().min(15).max(44_640).meta({ description: 'From one run to the next; at least 15.' })

const manual = answer({ kind: z.literal('manual') })
const daily = answer({ kind: z.literal('daily'), at })
const weekly = answer({ kind: z.literal('weekly'), day: weekday, at })
const monthly = answer({ kind: z.literal('monthly'), day: dayOfMonth, at })
const interval = answer({ kind: z.literal('interval'), minutes })

/** Forgets members of another kind: a merge patch that changes the kind need not clear them first. */
export const Schedule = z.discriminatedUnion('kind', [manual, daily, weekly, monthly, interval])

export type Schedule = z.output<typeof Schedule>

export const NewSchedule = z.discriminatedUnion('kind', [
  manual.strict(),
  daily.strict(),
  weekly.strict(),
  monthly.strict(),
  interval.strict(),
])

/** Any part of a schedule; whether the result is one is known only after merging. */
const SchedulePatch = z.strictObject({
  kind: z.enum(['manual', 'daily', 'weekly', 'monthly', 'interval']).optional(),
  at: clearable(at),
  day: clearable(z.union([weekday, dayOfMonth])),
  minutes: clearable(minutes),
})

// ---- Directory sync -------------------------------------------------------------------------------------------------

const userOnlyHere = z.enum(['ignore', 'disable', 'delete'])
const departmentOnlyHere = z.enum(['ignore', 'delete'])
const onlyWecom = z.enum(['create', 'ignore'])
const notActivated = z.enum(['disable', 'active']).meta({
  description: 'How to treat members who never signed in to WeCom (status 4).',
})

const syncMatchFields = z
  .array(z.enum(['email', 'phone']))
  .max(2)
  .meta({
    description:
      'After the link and the login name: a user without a link whose phone equals the mobile, or whose e-mail equals ' +
      'the `biz_mail` of a member, where nobody else has it on either side. Personal addresses never count.',
  })

const percent = z.int().min(0).max(100)
const people = z.int().min(0).max(1_000_000)

export const SyncSettings = answer({
  enabled: z.boolean().default(false),
  schedule: Schedule.default({ kind: 'manual' }),
  timeZone: z.string().default('Asia/Shanghai').meta({ description: 'IANA time zone of the schedule.' }),
  bindByUsername: z
    .boolean()
    .default(true)
    .meta({ description: 'Link a user without a link whose username equals the userid, ignoring case.' }),
  matchFields: syncMatchFields.default([]),
  users: answer({
    onlyHere: userOnlyHere.default('ignore').meta({ description: 'Linked users without a matching member.' }),
    onlyWecom: onlyWecom.default('create').meta({ description: 'Members without a matching user.' }),
  }).prefault({}),
  departments: answer({
    onlyHere: departmentOnlyHere.default('ignore').meta({ description: 'Synced departments that WeCom has no more.' }),
    onlyWecom: onlyWecom.default('create').meta({ description: 'Departments of WeCom that are not here yet.' }),
  }).prefault({}),
  notActivated: notActivated.default('disable'),
  realTime: z.boolean().default(false).meta({ description: 'Follow contact events between runs.' }),
  mapping: Mapping.default(() => [...defaultMapping]).meta({
    description: 'Which fields of a member become which fields of a user; null puts the default back.',
  }),
  guard: answer({
    percent: percent.default(20).meta({ description: 'Removals above this share are held …' }),
    minimum: people.default(10).meta({ description: '… when they are at least this many.' }),
    absolute: people.default(500).meta({ description: 'This many removals are held whatever the share.' }),
  })
    .prefault({})
    .meta({ description: 'When removals look like an accident and wait for a person.' }),
})

export type SyncSettings = z.output<typeof SyncSettings>

export const NewSyncInput = syncInput(NewSchedule)
export const SyncPatch = syncInput(SchedulePatch)

function syncInput<S extends z.ZodType>(schedule: S) {
  return z.strictObject({
    enabled: clearable(z.boolean()),
    schedule: clearable(schedule),
    timeZone: clearable(TimeZone),
    bindByUsername: clearable(z.boolean()),
    matchFields: clearable(syncMatchFields),
    users: clearable(z.strictObject({ onlyHere: clearable(userOnlyHere), onlyWecom: clearable(onlyWecom) })),
    departments: clearable(
      z.strictObject({ onlyHere: clearable(departmentOnlyHere), onlyWecom: clearable(onlyWecom) }),
    ),
    notActivated: clearable(notActivated),
    realTime: clearable(z.boolean()),
    mapping: clearable(MappingInput),
    guard: clearable(
      z.strictObject({ percent: clearable(percent), minimum: clearable(people), absolute: clearable(people) }),
    ),
  })
}

// ---- Checks ---------------------------------------------------------------------------------------------------------

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text
}

/** Lists: what every one of them accepts and how every one of them answers. */
import { z } from 'zod'
import { OrganizationId, Timestamp } from './formats.ts'

/** The parameters of a list, with filters of its own. Query strings are text, hence the coerced number. */
export function listQuery<Filters extends z.core.$ZodLooseShape>(filters: Filters) {
  return z.strictObject({
    limit: z.coerce
      .number<number | string>()
      .int()
      .min(1)
      .max(500)
      .default(50)
      .meta({ description: 'How many items at most.' }),
    cursor: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .meta({ description: 'The `nextCursor` of the page before. Opaque; belongs to this list and its filters.' }),
    q: z.string().max(200).optional().meta({ description: 'Only what contains this text, ignoring case.' }),
    ...filters,
  })
}

/** For lists of what happened at a moment. */
export const momentFilters = {
  from: Timestamp.optional().meta({ description: 'Only what happened then or later.' }),
  to: Timestamp.optional().meta({ description: 'Only what happened before then.' }),
}

/** For lists that can also be had as a file. */
export const formatFilter = {
  format: z
    .enum(['json', 'csv'])
    .default('json')
    .meta({ description: '`csv` exports all that match, whatever `limit` and `cursor` say.' }),
}

/** The answer of a list that can also be had as a file. */
export function listOrFileOf<Item extends z.ZodType>(item: Item) {
  return {
    description: 'A page, or all of it as CSV.',
    content: {
      'application/json': { schema: listOf(item) },
      'text/csv': { schema: z.string().meta({ description: 'UTF-8 with a header row (RFC 4180).' }) },
    },
  } as const
}

/** For lists of what belongs to an organization. */
export const organizationFilter = {
  organizationId: OrganizationId.optional().meta({
    description: 'Only of this organization; without it, of the organization `default`.',
  }),
}

export function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .object({
      items: z.array(item),
      nextCursor: z
        .string()
        .nullable()
        .meta({ description: 'Send as `cursor` for the next page; null on the last one.' }),
      total: z.int().min(0).meta({ description: 'How many match the filters, on all pages.' }),
    })
    .meta({ additionalProperties: true })
}

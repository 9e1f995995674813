/** Lists: what every one of them accepts and how every one of them answers. */
import { z } from 'zod'
import { OrganizationId } from './formats.ts'

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

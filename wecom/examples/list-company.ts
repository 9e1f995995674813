/**
 * Prints the visible departments as a tree, each with its members.
 * WECOM_CORP_ID, WECOM_SECRET and optionally WECOM_API_URL come from the environment.
 */

import { createWecom } from '../src/index.ts'
import type { Department } from '../src/index.ts'

const { WECOM_API_URL, WECOM_CORP_ID = '', WECOM_SECRET = '' } = process.env

const wecom = createWecom({ apiUrl: WECOM_API_URL })
const company = wecom.principal({ corpId: WECOM_CORP_ID, secret: WECOM_SECRET })

const { departments } = await company.departments.list()
const visible = new Set(departments.map(({ id }) => id))

// With a narrowed visible range there are several roots, and none of them needs to have id 1.
for (const root of departments) {
  if (root.parentId === undefined || !visible.has(root.parentId)) await print(root, 0)
}
await wecom.close()

async function print(department: Department, depth: number): Promise<void> {
  if (!visible.delete(department.id)) return // a cycle in the tree
  const indent = '  '.repeat(depth)
  console.log(`${indent}${department.name ?? department.id}`)
  const { members, rejected } = await company.members.list(department.id)
  for (const member of members) console.log(`${indent}  - ${member.name ?? ''} (${member.userid})`)
  if (rejected.length > 0) console.log(`${indent}  - and ${rejected.length} who could not be read`)
  for (const child of departments) if (child.parentId === department.id) await print(child, depth + 1)
}

/** Every route, by chapter of wecom-api.md. A later chapter adds a line here; coverage.ts says what is still missing. */

import type { Route } from '../route.ts'
import { appRoutes } from './apps.ts'
import { departmentRoutes } from './departments.ts'
import { memberRoutes } from './members.ts'
import { tokenRoutes } from './token.ts'

export const routes: readonly Route[] = [
  ...tokenRoutes, //      1.1
  ...appRoutes, //        1.3
  ...departmentRoutes, // 2.2
  ...memberRoutes, //     2.3
]

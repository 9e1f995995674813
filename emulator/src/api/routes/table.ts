/** Every route, by chapter of wecom-api.md. A later chapter adds a line here; coverage.ts says what is still missing. */

import type { Route } from '../route.ts'
import { appRoutes } from './apps.ts'
import { departmentRoutes } from './departments.ts'
import { exportRoutes } from './exports.ts'
import { idRoutes } from './ids.ts'
import { memberRoutes } from './members.ts'
import { providerSignInRoutes } from './provider-sign-in.ts'
import { signInRoutes } from './sign-in.ts'
import { suiteRoutes } from './suites.ts'
import { tagRoutes } from './tags.ts'
import { tokenRoutes } from './token.ts'
import { writeRoutes } from './writes.ts'

export const routes: readonly Route[] = [
  ...tokenRoutes, //      1.1
  ...suiteRoutes, //      1.2
  ...appRoutes, //        1.3
  ...departmentRoutes, // 2.2
  ...memberRoutes, //     2.3
  ...idRoutes, //         2.3, 2.6
  ...writeRoutes, //      2.2, 2.3
  ...exportRoutes, //     2.4
  ...tagRoutes, //        2.5
  ...signInRoutes, //     3.1.4, the exchange only
  ...providerSignInRoutes, // 3.4, the exchange only
]

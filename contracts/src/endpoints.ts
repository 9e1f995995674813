/** The whole API on one screen. A test holds this list against the files, so that no endpoint is forgotten here. */
import * as administrators from './administrators.ts'
import * as apiTokens from './api-tokens.ts'
import * as applications from './applications.ts'
import * as audit from './audit.ts'
import * as backup from './backup.ts'
import * as connections from './connections.ts'
import * as corps from './corps.ts'
import * as departments from './departments.ts'
import * as diagnosis from './diagnosis.ts'
import type { Endpoint } from './endpoint.ts'
import * as events from './events.ts'
import * as links from './links.ts'
import * as mapping from './mapping.ts'
import * as organizations from './organizations.ts'
import * as overview from './overview.ts'
import * as previews from './previews.ts'
import * as reviews from './reviews.ts'
import * as runs from './runs.ts'
import * as signIns from './sign-ins.ts'
import * as session from './session.ts'
import * as sessions from './sessions.ts'
import * as setup from './setup.ts'
import * as signingKeys from './signing-keys.ts'
import * as users from './users.ts'
import * as verificationFiles from './verification-files.ts'

/** What the server answers and the OpenAPI document lists. */
export const endpoints = [
  setup.setUp,

  overview.getOverview,

  organizations.listOrganizations,
  organizations.createOrganization,
  organizations.getOrganization,
  organizations.updateOrganization,
  organizations.deleteOrganization,

  connections.listConnections,
  connections.createConnection,
  connections.getConnection,
  connections.updateConnection,
  connections.deleteConnection,
  mapping.sampleMapping,
  previews.previewSchedule,
  previews.checkIdentifier,
  diagnosis.diagnoseConnection,
  diagnosis.getDiagnosis,
  diagnosis.explainMember,
  verificationFiles.putVerificationFile,
  verificationFiles.deleteVerificationFile,
  corps.listCorps,
  corps.startInstallation,

  events.listEvents,
  events.getEvent,
  events.replayEvent,

  runs.startRun,
  runs.listRuns,
  runs.listAllRuns,
  runs.getRun,
  runs.listChanges,
  runs.cancelRun,
  runs.approveRun,
  runs.rejectRun,
  runs.revertRun,

  users.listUsers,
  users.createUser,
  users.getUser,
  users.updateUser,
  users.deleteUser,
  users.restoreUser,
  users.signOutUser,
  users.getUserTimeline,

  session.getSession,
  session.confirmSession,
  session.signOutSession,

  sessions.listUserSessions,
  sessions.deleteUserSession,

  departments.listDepartments,
  departments.createDepartment,
  departments.getDepartment,
  departments.updateDepartment,
  departments.deleteDepartment,

  links.listLinks,
  links.createLink,
  links.deleteLink,

  reviews.listReviews,
  reviews.getReview,
  reviews.resolveReview,

  applications.listApplications,
  applications.createApplication,
  applications.getApplication,
  applications.updateApplication,
  applications.deleteApplication,
  applications.listApplicationSecrets,
  applications.createApplicationSecret,
  applications.deleteApplicationSecret,
  applications.previewClaims,

  signingKeys.rotateSigningKeys,

  administrators.listAdministrators,
  administrators.createAdministrator,
  administrators.updateAdministrator,
  administrators.deleteAdministrator,

  apiTokens.listApiTokens,
  apiTokens.createApiToken,
  apiTokens.deleteApiToken,

  signIns.listSignIns,
  audit.listAudit,

  backup.takeSnapshot,
] as const satisfies readonly Endpoint[]

/** Designed, not answered yet, and therefore in no document. */
export const plannedEndpoints: readonly Endpoint[] = []

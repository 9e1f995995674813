/**
 * The public door of the package: the admin API of Muster as values. A schema and the type of what it gives share one
 * name. `endpoints` is the API; the rest is what it is made of.
 */

export { endpoints, plannedEndpoints } from './endpoints.ts'
export { endpoint } from './endpoint.ts'
export type { Endpoint, Method, Received, Reply, Representations, Result, Sent } from './endpoint.ts'
export { ApiProblem, call } from './call.ts'
export type { Transport } from './call.ts'
export { isAppScheme } from './addresses.ts'
export { mergePatch } from './merge-patch.ts'

export { Notice, Problem, StoredProblem } from './problem.ts'
export { listOf, listQuery } from './list.ts'
export * from './formats.ts'

export * from './administrators.ts'
export * from './api-tokens.ts'
export * from './applications.ts'
export * from './audit.ts'
export * from './backup.ts'
export * from './connection-settings.ts'
export * from './connections.ts'
export * from './departments.ts'
export * from './diagnosis.ts'
export * from './links.ts'
export * from './mapping.ts'
export * from './organizations.ts'
export * from './reviews.ts'
export * from './runs.ts'
export * from './sign-ins.ts'
export * from './sessions.ts'
export * from './setup.ts'
export * from './signing-keys.ts'
export * from './users.ts'
export * from './verification-files.ts'

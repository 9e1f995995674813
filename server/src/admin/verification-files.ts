/** Verification files of WeCom in the admin API (http-api.md §4.1). Serving them is app.ts. */
import { deleteVerificationFile, putVerificationFile } from '@muster/contracts'
import type { VerificationFiles } from '../connections/verification-files.ts'
import { route, type Route } from './routes.ts'

export function verificationFileRoutes({
  verificationFiles,
  publicUrl,
}: {
  verificationFiles: VerificationFiles
  publicUrl: string
}): Route[] {
  return [
    route(putVerificationFile, async ({ params, body, actor }) => {
      const { name, connectionId, updatedAt } = await verificationFiles.put(actor, params.id, params.name, body)
      return { name, connectionId, url: `${publicUrl}/${name}`, updatedAt: new Date(updatedAt).toISOString() }
    }),

    route(deleteVerificationFile, async ({ params, actor }) => {
      await verificationFiles.remove(actor, params.id, params.name)
      return undefined
    }),
  ]
}

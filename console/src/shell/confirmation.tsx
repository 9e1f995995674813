/** Where the dialog of confirmation.ts appears. Loaded when somebody is asked. */
import { lazy, Suspense } from 'react'
import { useAsked } from './confirmation.ts'

const Dialog = lazy(async () => ({ default: (await import('./confirmation-dialog.tsx')).ConfirmationDialog }))

export function Confirmation() {
  const asked = useAsked()
  return asked === undefined ? null : (
    <Suspense>
      <Dialog {...asked} />
    </Suspense>
  )
}

/** The process in which one floor runs: takes its order from the parent, answers with what was measured. See floors.ts. */
import { runFloor } from './floors.ts'
import type { FloorOrder } from './floors.ts'

process.once('disconnect', () => process.exit(1)) // the parent is gone
process.once('message', (order: FloorOrder) => {
  // A rejection ends the process with its stack on standard error, and the parent notices the exit.
  void runFloor(order).then((result) => process.send?.(result))
})

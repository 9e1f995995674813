/** A port of this machine that nobody has: for whoever has to be told its own address before it listens. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** Free a moment ago; somebody else may take it before it is used. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo // a TCP server's address is never a string
  probe.close()
  await once(probe, 'close')
  return port
}

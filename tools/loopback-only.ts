/**
 * Loaded before every test file (`node --import`): a connection to anything but this machine throws, so that no test
 * depends on somebody else's server, and none sends a made-up password to a real one. Loaded by tools/test.ts only.
 */
import { BlockList, Socket, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

// oxlint-disable-next-line typescript/unbound-method -- applied to the socket below
const connect = Socket.prototype.connect

Socket.prototype.connect = function connectToLoopback(this: Socket, ...args: unknown[]): Socket {
  const host = destination(args)
  if (host !== undefined && !isLoopback(host)) {
    throw new Error(`A test tried to connect to ${host}. Tests talk to this machine only: use the emulator.`)
  }
  return Reflect.apply(connect, this, args) as Socket // what connect returns
}

/** Node calls connect with an options object, with (port, host), with a path, or with its own array of normalised arguments. */
function destination(args: readonly unknown[]): string | undefined {
  const [first, second] = args
  if (Array.isArray(first)) return destination(first)
  if (typeof first === 'object' && first !== null) {
    // A socket in the file system is this machine, whatever the host is called.
    if ('path' in first && typeof first.path === 'string') return undefined
    return 'host' in first && typeof first.host === 'string' ? first.host : undefined
  }
  return typeof second === 'string' ? second : undefined
}

function isLoopback(host: string): boolean {
  // No name below .invalid exists anywhere (RFC 6761): tests use them to see what happens when a name does not resolve.
  if (host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.invalid')) return true
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

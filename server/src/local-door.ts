/**
 * The door for commands on this machine: a socket in the data directory that only its owner can open. A request that
 * comes through it is made by whoever could read the database file anyway, so it needs no other credential.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

/** Unix limits the length of a socket's path; Linux to 107 bytes. */
const LONGEST_PATH_BYTES = 107

export function localDoorPath(dataDir: string): string {
  return join(dataDir, 'muster.sock')
}

export function createLocalDoor({ http, dataDir, log }: { http: FastifyInstance; dataDir: string; log: Logger }) {
  const path = localDoorPath(dataDir)
  const sockets = new WeakSet<Socket>()
  let server: Server | undefined

  return {
    isLocal: (request: { raw: IncomingMessage }) => sockets.has(request.raw.socket),

    async open(): Promise<void> {
      if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
        log.warn({ bytes: Buffer.byteLength(path) }, 'the path of the data directory is too long for local commands')
        return
      }
      if (await answers(path)) {
        log.info('another process serves local commands for this data directory')
        return
      }
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      rmSync(path, { force: true }) // left behind by a process that was killed
      const opening = createServer((request, response) => http.routing(request, response))
      opening.on('connection', (socket: Socket) => sockets.add(socket))
      await new Promise<void>((resolve, reject) => {
        opening.once('error', reject)
        opening.listen(path, resolve)
      })
      chmodSync(path, 0o600)
      server = opening
    },

    async close(): Promise<void> {
      if (server === undefined) return
      const closing = server
      server = undefined
      await new Promise<void>((resolve) => {
        closing.close(() => resolve())
        closing.closeIdleConnections()
      })
    },
  }
}

/** Whether somebody is behind this socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // A frozen process accepts and says nothing; its door must not be taken for a dead one.
    socket.once('error', (error) =>
      resolve(!('code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED'))),
    )
  })
}

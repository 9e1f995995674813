/** Opens the port of a command that serves. */
import type { App } from '../app.ts'
import type { Config } from '../config.ts'
import { AppError, type Text } from '../errors.ts'

const REASONS: Record<string, Text> = {
  EADDRINUSE: { en: 'something else listens there already (EADDRINUSE)', zh: '已有其他程序在监听（EADDRINUSE）' },
  EADDRNOTAVAIL: { en: 'this machine has no such address (EADDRNOTAVAIL)', zh: '本机没有该地址（EADDRNOTAVAIL）' },
  EACCES: { en: 'this user may not listen there (EACCES)', zh: '当前用户无权监听（EACCES）' },
}

/**
 * @param remedy where it is not MUSTER_LISTEN that chooses the port
 * @returns the address
 * @throws AppError `server/address` when nobody can listen there
 */
export async function listenAt(app: App, { listen: { host, port } }: Config, remedy?: Text): Promise<string> {
  try {
    return await app.http.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const { en, zh } = REASONS[code] ?? { en: code, zh: code }
    const detail = { en: `${host}:${port}: ${en}.`, zh: `${host}:${port}：${zh}。` }
    throw new AppError('server/address', { detail, remedy, cause: error })
  }
}

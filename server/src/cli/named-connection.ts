/** The connection that somebody at a terminal names: when there is none, they are told which there are, and where. */
import { ApiProblem, call, listConnections, type Transport } from '@muster/contracts'
import type { Config } from '../config.ts'
import { AppError, type ErrorCode, type Text } from '../errors.ts'
import { printable } from './terminal.ts'

const NOT_FOUND: ErrorCode = 'connections/not-found'
const MOST_NAMED = 20

/**
 * Does what is asked of one connection.
 *
 * @throws AppError `connections/not-found` that names the connections there are. Where there are none, the settings of the
 *   server are most often missing in this shell, so that another data directory is meant
 */
export async function atConnection<T>(
  config: Config,
  api: Transport,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiProblem && error.code === NOT_FOUND)) throw error
    const { items, total } = await call(listConnections, { query: { limit: MOST_NAMED } }, api)
    throw notFound(
      printable(name),
      items.map(({ identifier }) => identifier),
      total,
      config.dataDir,
    )
  }
}

function notFound(name: string, identifiers: readonly string[], total: number, dataDir: string): AppError {
  const detail: Text = {
    en: `There is no connection “${name}” here (data directory ${dataDir}).`,
    zh: `没有名为“${name}”的连接（数据目录 ${dataDir}）。`,
  }
  const more = total > identifiers.length
  const remedy: Text =
    identifiers.length === 0
      ? {
          en: 'There is none at all. Connect WeCom in the console first; if you have, give this command the settings of the server (./muster config shows those in force).',
          zh: '其中没有任何连接。请先在控制台接入企业微信；如已接入，请让此命令使用与服务相同的设置（./muster config 会显示当前生效的设置）。',
        }
      : {
          en: `Connections here: ${identifiers.join(', ')}${more ? ' …' : ''}.`,
          zh: `现有连接：${identifiers.join('、')}${more ? ' …' : ''}。`,
        }
  return new AppError(NOT_FOUND, { detail, remedy })
}

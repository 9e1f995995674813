/**
 * What the doctor says about our side of a connection, whichever kind it is: our clock, the settings here, and the addresses
 * that WeCom reaches us by. Pure. Called by diagnosis.ts and suite-diagnosis.ts.
 */
import { unreachable } from '../../../errors.ts'
import { callbackVerdict } from './callback-diagnosis.ts'
import type { ConnectionFacts, Facts } from './diagnosis.ts'
import { duration, pass, plural, skipped, type Verdict } from './verdicts.ts'

const CLOCK_WARN_MS = 30_000
const CLOCK_FAIL_MS = 5 * 60_000

export function clockVerdict(clockAheadMs: number | null): Verdict {
  if (clockAheadMs === null) {
    return skipped({ en: 'No answer of WeCom named a time.', zh: '企业微信未返回时间。' })
  }
  const difference = Math.abs(clockAheadMs)
  if (difference < CLOCK_WARN_MS) return pass({ en: "It agrees with WeCom's.", zh: '与企业微信一致。' })
  const ahead = clockAheadMs > 0
  return {
    result: difference < CLOCK_FAIL_MS ? 'warn' : 'fail',
    detail: {
      en: `This server is ${duration(difference).en} ${ahead ? 'ahead of' : 'behind'} WeCom. Times of runs are wrong by as much, and WeCom's callbacks can look too old or too new.`,
      zh: `本服务器比企业微信${ahead ? '快' : '慢'} ${duration(difference).zh}。同步记录的时间会有同样的偏差，回调也可能被视为过期或来自未来。`,
    },
    remedy: {
      en: 'Set the clock of this server by NTP (timedatectl set-ntp true).',
      zh: '请通过 NTP 校准本服务器时钟（timedatectl set-ntp true）。',
    },
  }
}

export function syncOwner({
  connection,
  syncOwner: owner,
}: Pick<Facts, 'syncOwner'> & { readonly connection: Pick<ConnectionFacts, 'identifier'> }): Verdict {
  if (owner === null) {
    return pass({
      en: 'Sync is off, and no other connection of the organization has it.',
      zh: '同步未启用，且该组织没有其他连接启用同步。',
    })
  }
  if (owner.isThis) {
    return pass({ en: 'Sync of the organization belongs to this connection.', zh: '该组织的同步由此连接负责。' })
  }
  return {
    result: 'warn',
    detail: {
      en: `Sync of the organization belongs to “${owner.displayName}” (${owner.identifier}), so it cannot be switched on for ${connection.identifier}.`,
      zh: `该组织的同步由“${owner.displayName}”（${owner.identifier}）负责，${connection.identifier} 无法启用。`,
    },
    remedy: {
      en: `Switch it off at ${owner.identifier} first, if this connection is to take over.`,
      zh: `如需由此连接接管，请先在 ${owner.identifier} 停用同步。`,
    },
  }
}

export function leavers({
  connection,
}: {
  readonly connection: Pick<ConnectionFacts, 'identifier' | 'usesSync' | 'onlyHere'>
}): Verdict {
  if (!connection.usesSync) return skipped({ en: 'Sync is off.', zh: '同步未启用。' })
  switch (connection.onlyHere) {
    case 'ignore':
      return {
        result: 'warn',
        detail: {
          en: 'Whoever is deleted from WeCom stays active here: users.onlyHere is ignore.',
          zh: '从企业微信删除的成员在本系统中仍为启用状态：users.onlyHere 为 ignore。',
        },
        remedy: {
          en: `Choose what becomes of them: Connections → ${connection.identifier} → Fields in the console, or sync.users.onlyHere (disable, delete). Look at a preview first.`,
          zh: `请选择如何处理：控制台“连接 → ${connection.identifier} → 字段与差异”，或设置 sync.users.onlyHere（disable、delete）。请先查看预览。`,
        },
      }
    case 'disable':
      return pass({ en: 'Leavers are disabled.', zh: '离职成员会被禁用。' })
    case 'delete':
      return pass({ en: 'Leavers are deleted.', zh: '离职成员会被删除。' })
    default:
      return unreachable(connection.onlyHere)
  }
}

export function organization({ organization: { name, users, linkedUsers } }: Pick<Facts, 'organization'>): Verdict {
  return pass({
    en: `“${name}” has ${plural(users, 'user')}, ${linkedUsers.toLocaleString('en')} linked through this connection.`,
    zh: `“${name}”有 ${users} 个用户，其中 ${linkedUsers} 个通过此连接关联。`,
  })
}

/** Undefined when WeCom can send people back to this address. */
export function noDomain(returnsTo: URL): Verdict | undefined {
  if (!isNoDomain(returnsTo.hostname)) return undefined
  return {
    result: 'warn',
    detail: {
      en: `WeCom sends people back to ${returnsTo.origin}, which is no public domain. WeCom itself does not take one like it.`,
      zh: `企业微信将返回 ${returnsTo.origin}，它不是公网域名，企业微信不接受此类地址。`,
    },
    remedy: {
      en: 'Set MUSTER_PUBLIC_URL to the https address at which people reach this server. For a trial with the emulator nothing is wrong.',
      zh: '请将 MUSTER_PUBLIC_URL 设为用户访问本服务的 https 地址。仅使用模拟器试用时无需处理。',
    },
  }
}

/** Not what WeCom takes: an address in numbers, or a name without a dot. */
function isNoDomain(hostname: string): boolean {
  return !hostname.includes('.') || hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
}

/** What is served, not whether WeCom gets it: only WeCom can say that, when its button is pressed. */
export function verificationFile({
  verificationFiles,
  returnsTo,
}: Pick<ConnectionFacts, 'verificationFiles' | 'returnsTo'>): Verdict {
  if (verificationFiles.length === 0) {
    return skipped({
      en: 'None is kept for this connection. WeCom gives one (WW_verify_….txt) where it asks for proof of the domain.',
      zh: '此连接未保存域名校验文件。企业微信要求校验域名归属时会提供 WW_verify_….txt。',
    })
  }
  const addresses = verificationFiles.map((name) => `${returnsTo.origin}/${name}`)
  return pass({
    en: `Served for WeCom: ${addresses.join(', ')}. Whether WeCom reaches it, it says when you press its button.`,
    zh: `已提供：${addresses.join('、')}。企业微信能否访问，以其管理后台的校验结果为准。`,
  })
}

/** Left out of a connection that has none. */
export function callback({ callback: facts }: Pick<Facts, 'callback'>): Verdict | undefined {
  return facts === null ? undefined : callbackVerdict(facts, isNoDomain(facts.publicUrl.hostname))
}

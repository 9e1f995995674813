/** Translates what the WeCom client throws into our own codes, keeping its remedy, which knows the exact console page. */
import { WecomError } from '@muster/wecom'
import { unreachable, type ErrorCode, type Problem } from '../errors.ts'

/** @returns the problem to store and show, or undefined when the error did not come from WeCom */
export function wecomProblem(error: unknown): Problem | undefined {
  if (!(error instanceof WecomError)) return undefined
  const { observedAddress } = error
  const address =
    observedAddress === undefined
      ? { en: '', zh: '' }
      : { en: ` WeCom sees the address ${observedAddress}.`, zh: ` 企业微信看到的地址是 ${observedAddress}。` }
  return {
    code: codeOf(error),
    detail: { en: `${error.message}.${address.en}`, zh: `${error.message}。${address.zh}` },
    remedy: error.remedy,
  }
}

function codeOf(error: WecomError): ErrorCode {
  // Whatever was asked of the suite: the next ticket heals it, and no credential that somebody could enter.
  if (error.code === 'WECOM_NO_TICKET' || error.code === 'WECOM_SUITE_TICKET_REJECTED') return 'suites/no-ticket'
  switch (error.kind) {
    case 'credential':
    case 'address':
    case 'permission':
    case 'scope':
    case 'not-found':
    case 'frequency':
    case 'busy':
    case 'network':
    case 'timeout':
    case 'protocol':
    case 'invalid-request':
    case 'sign-in':
    case 'configuration':
    case 'licence':
      return `wecom/${error.kind}`
    case 'unknown':
      return 'wecom/refused'
    case 'aborted':
      return 'wecom/timeout'
    default:
      return unreachable(error.kind)
  }
}

/** Whether asking WeCom anything else with the same credential would only fail in the same way. */
export function isFatal(error: unknown): boolean {
  return error instanceof WecomError && (error.kind === 'credential' || error.kind === 'address')
}

/** What the control functions that send messages accept as tampering; request.ts says what each of these does. */

import type { Tampering } from './request.ts'
import { either, flag, integer, number, object, oneOf, optional, text } from '../shape.ts'
import type { Check } from '../shape.ts'

export const checkTampering: Check<Tampering> = object({
  token: optional(text),
  encodingAesKey: optional(text),
  receiveId: optional(text),
  toUserName: optional(text),
  timestampShiftSeconds: optional(integer(-1e12)),
  timestamp: optional(text),
  nonce: optional(text),
  claimedLength: optional(integer(-(2 ** 31), 2 ** 32 - 1)),
  padByte: optional(integer(0, 255)),
  unevenPadding: optional(flag),
  flipBit: optional(integer(0)),
  encrypted: optional(text),
  signature: optional(oneOf('wrong', 'upper-case', 'missing', 'empty', 'twice')),
  shiftDigits: optional(integer(0)),
  query: optional(text),
  body: optional(text),
  bodyBytes: optional(integer(0, 512 * 1024 * 1024)),
  contentType: optional(either(oneOf(null), text)),
  bytesPerSecond: optional(number(0.001)),
})

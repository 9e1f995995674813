/**
 * What WeCom says in callbacks: the envelope around a ciphertext, and the event in the message that callback-crypto.ts
 * opens. Owns the closed list of events; decides nothing about them and asks nobody. An event is a hint that something
 * changed: read the object again instead of believing what is said about it.
 */

import { NESTED, readDocument } from './callback-documents.ts'
import type { Fields } from './callback-documents.ts'
import { rejectedCallback } from './errors.ts'
import { toInteger } from './wire.ts'

/** The body of a callback, before anything in it is to be believed. */
export type CallbackEnvelope = {
  /** Corp id, or suite id on commands. Not signed: believe the receiver that `open` returns. */
  readonly toUserName: string | undefined
  readonly agentId: string | undefined
  /** The ciphertext, for `open`. */
  readonly encrypt: string
}

/** Switch on `kind`, then on `type`. */
export type CallbackEvent = ContactEvent | SuiteEvent | OtherEvent

/** Somebody or something in the address book of a company changed. */
export type ContactEvent = {
  readonly kind: 'contact'
  /** Must be the receiver of the envelope, or a company that authorised the suite. */
  readonly corpId: string
  /** Set when it came as a command of this suite, which must then be the receiver of the envelope. */
  readonly suiteId: string | undefined
  /** By WeCom's clock, milliseconds since 1970. */
  readonly happenedAt: number | undefined
} & ContactChange

export type ContactChange =
  | {
      readonly type: 'create_user'
      readonly userid: string
      readonly openUserid: string | undefined
      readonly departments: readonly number[] | undefined
    }
  | {
      readonly type: 'update_user'
      /** The userid before the change. */
      readonly userid: string
      /** Only when the member was renamed. */
      readonly newUserid: string | undefined
      readonly openUserid: string | undefined
      /** Only when they changed. */
      readonly departments: readonly number[] | undefined
    }
  | { readonly type: 'delete_user'; readonly userid: string; readonly openUserid: string | undefined }
  | { readonly type: 'create_party' | 'update_party' | 'delete_party'; readonly departmentId: number }
  | { readonly type: 'update_tag'; readonly tagId: number }

/** Something about the authorisation of a suite. */
export type SuiteEvent = {
  readonly kind: 'suite'
  /** Must be the receiver of the envelope. */
  readonly suiteId: string
  readonly happenedAt: number | undefined
} & SuiteChange

export type SuiteChange =
  /** Every ten minutes, for thirty. Secret. */
  | { readonly type: 'suite_ticket'; readonly ticket: string }
  /** For `permanentCode`, once and for ten minutes. Secret. */
  | { readonly type: 'create_auth'; readonly authCode: string; readonly state: string | undefined }
  | { readonly type: 'change_auth' | 'cancel_auth'; readonly corpId: string; readonly state: string | undefined }
  /** For `permanentCode`, which tells the company too. Secret. */
  | { readonly type: 'reset_permanent_code'; readonly authCode: string }

/** Well formed, but nothing that this package knows. */
export type OtherEvent = {
  readonly kind: 'other'
  /** WeCom's ChangeType, InfoType, Event or MsgType: letters, digits, `_`, `-` and `.`, at most 64. */
  readonly type: string
  readonly corpId: string | undefined
  readonly suiteId: string | undefined
  readonly happenedAt: number | undefined
}

/** Base64 of the largest message and its frame, with room for the rest. */
const MAX_ENVELOPE_BYTES = 96 * 1024
const MAX_MESSAGE_BYTES = 64 * 1024

/**
 * Finds the ciphertext in the body of a callback, XML or JSON; which of both it is shows in the body. Of the content type
 * only the charset counts.
 * @throws WecomError WECOM_CALLBACK_REJECTED
 */
export function readEnvelope(body: string | Uint8Array, contentType?: string): CallbackEnvelope {
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase() ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'utf8') throw rejectedCallback('the body is not in UTF-8')
  if (body.length > MAX_ENVELOPE_BYTES) throw rejectedCallback('the body is too large')
  const fields = readDocument(typeof body === 'string' ? body : decode(body), MAX_ENVELOPE_BYTES)
  return {
    toUserName: optional(fields, 'tousername', ID),
    agentId: optional(fields, 'agentid', ID),
    encrypt: required(fields, 'encrypt', BASE64),
  }
}

/**
 * The event in a message that `open` has verified.
 * @throws WecomError WECOM_CALLBACK_REJECTED for what is no message of WeCom, and for a known event without its object
 */
export function readEvent(message: string): CallbackEvent {
  const fields = readDocument(message, MAX_MESSAGE_BYTES)
  const isCommand = fields.has('infotype')
  if (isCommand === fields.has('msgtype')) throw rejectedCallback('the message is of no known form')
  return isCommand ? readCommand(fields) : readMessage(fields)
}

/** The form of suites: InfoType, SuiteId, and AuthCorpId where it is about a company. */
function readCommand(fields: Fields): CallbackEvent {
  const type = required(fields, 'infotype', WORD)
  const suiteId = required(fields, 'suiteid', ID)
  const happenedAt = momentOf(fields, 'timestamp')
  const suite = { kind: 'suite', suiteId, happenedAt } as const
  switch (type) {
    case 'suite_ticket':
      return { ...suite, type, ticket: required(fields, 'suiteticket', SECRET) }
    case 'create_auth':
      return { ...suite, type, authCode: required(fields, 'authcode', SECRET), state: stateOf(fields) }
    case 'change_auth':
    case 'cancel_auth':
      return { ...suite, type, corpId: required(fields, 'authcorpid', ID), state: stateOf(fields) }
    case 'reset_permanent_code':
      return { ...suite, type, authCode: required(fields, 'authcode', SECRET) }
    case 'change_contact':
      return readContactChange(fields, { corpId: required(fields, 'authcorpid', ID), suiteId, happenedAt })
    default:
      return { kind: 'other', type, corpId: optional(fields, 'authcorpid', ID), suiteId, happenedAt }
  }
}

/** The form of companies: MsgType, and Event where it is one. */
function readMessage(fields: Fields): CallbackEvent {
  const messageType = required(fields, 'msgtype', WORD)
  const corpId = required(fields, 'tousername', ID)
  const happenedAt = momentOf(fields, 'createtime')
  const type = messageType === 'event' ? required(fields, 'event', WORD) : messageType
  if (messageType === 'event' && type === 'change_contact') {
    return readContactChange(fields, { corpId, suiteId: undefined, happenedAt })
  }
  return { kind: 'other', type, corpId, suiteId: undefined, happenedAt }
}

function readContactChange(
  fields: Fields,
  origin: Pick<ContactEvent, 'corpId' | 'suiteId' | 'happenedAt'>,
): ContactEvent | OtherEvent {
  const type = required(fields, 'changetype', WORD)
  const contact = { kind: 'contact', ...origin } as const
  switch (type) {
    case 'create_user':
    case 'update_user':
    case 'delete_user': {
      const userid = required(fields, 'userid', USERID)
      const openUserid = optional(fields, 'openuserid', USERID)
      if (type === 'delete_user') return { ...contact, type, userid, openUserid }
      const departments = departmentsOf(fields)
      if (type === 'create_user') return { ...contact, type, userid, openUserid, departments }
      return { ...contact, type, userid, newUserid: optional(fields, 'newuserid', USERID), openUserid, departments }
    }
    case 'create_party':
    case 'update_party':
    case 'delete_party':
      return { ...contact, type, departmentId: wholeNumber(fields, 'id') }
    case 'update_tag':
      return { ...contact, type, tagId: wholeNumber(fields, 'tagid') }
    default:
      return { kind: 'other', type, ...origin }
  }
}

// ---- Values ---------------------------------------------------------------------------------------------------------

const ID = /^[\w.@-]{1,128}$/
const WORD = /^[\w.-]{1,64}$/
/** Wider than WeCom's own rule, which is letters, digits and `_-@.`: companies have older ids. */
const USERID = /^[^\s<>&"'\p{Cc}]{1,128}$/u
/** Codes and tickets have at most 512 bytes. */
const SECRET = /^[\x21-\x7e]{1,1024}$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
/** Our own, which WeCom hands back. */
const STATE = /^[\x20-\x7e]{1,256}$/

/** An empty value is none. One of another form than it must have is refused, and so is one that holds elements. */
function optional(fields: Fields, name: string, form: RegExp): string | undefined {
  const value = fields.get(name)
  if (value === undefined || value === '') return undefined
  if (value === NESTED || !form.test(value)) throw rejectedCallback('a value has not the form that it must have')
  return value
}

function required(fields: Fields, name: string, form: RegExp): string {
  const value = optional(fields, name, form)
  if (value === undefined) throw rejectedCallback('a value is missing that must be there')
  return value
}

/** Up to the largest id of a department; 0 is none. */
function wholeNumber(fields: Fields, name: string): number {
  const number = toInteger(required(fields, name, /^\d{1,10}$/))
  if (number === undefined || number === 0) throw rejectedCallback('a value has not the form that it must have')
  return number
}

/** Only a hint within a hint: a list that cannot be read is none. */
function departmentsOf(fields: Fields): number[] | undefined {
  const value = fields.get('department')
  if (typeof value !== 'string' || !/^\d{1,10}(?:,\d{1,10}){0,999}$/.test(value)) return undefined
  return value.split(',').map(Number)
}

function stateOf(fields: Fields): string | undefined {
  const value = fields.get('state')
  return typeof value === 'string' && STATE.test(value) ? value : undefined
}

function momentOf(fields: Fields, name: string): number | undefined {
  const value = fields.get(name)
  return typeof value === 'string' && /^\d{10}$/.test(value) ? Number(value) * 1000 : undefined
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw rejectedCallback('the body is not UTF-8')
  }
}

/**
 * Reads the documents of callbacks, XML or JSON, into their top-level fields. Owns what is a plain document: callbacks come
 * from the internet, so everything that XML offers beyond elements, text and CDATA is refused before a parser sees it.
 * Called by callback-events.ts, which knows what the fields mean. Every check takes time in proportion to the length of the
 * text.
 */

import { XMLParser, XMLValidator } from 'fast-xml-parser'

import { rejectedCallback } from './errors.ts'
import { isObject } from './wire.ts'

/** By name in lower case, because WeCom spells names differently from page to page. */
export type Fields = ReadonlyMap<string, string | typeof NESTED>

/** The field holds further elements. Nothing is read out of those, so what is in them is only checked for form. */
export const NESTED = Symbol('nested')

/** The root is the first level. Approvals, the deepest messages of WeCom's documentation, have seven. */
const MAX_DEPTH = 8
const MAX_NAME_LENGTH = 64
/** WeCom writes its text as CDATA; references are for those who put it together differently. */
const MAX_REFERENCES = 500
/** Of the markup: each element has one or two of the former. Tens are usual, hundreds are in the longest approvals. */
const MAX_TAGS = 4000
const MAX_CDATA_SECTIONS = 2000

/** @throws WecomError WECOM_CALLBACK_REJECTED, whatever is wrong with it */
export function readDocument(text: string, maxBytes: number): Fields {
  if (Buffer.byteLength(text) > maxBytes) throw rejectedCallback('the document is too large')
  if (UNREADABLE_CHARACTER.test(text)) throw rejectedCallback('the document has characters that are no text')
  const start = /\S/.exec(text)?.[0]
  if (start === '<') return readXml(text)
  if (start === '{') return readJson(text)
  throw rejectedCallback('the document is neither XML nor a JSON object')
}

/** What XML 1.0 does not allow, among it halves of surrogate pairs. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNREADABLE_CHARACTER = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u

// ---- XML ------------------------------------------------------------------------------------------------------------

const DECLARATION =
  /^<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*(?:"utf-8"|'utf-8'))?(?:\s+standalone\s*=\s*(?:"yes"|'yes'))?\s*\?>/i
const CDATA_START = '<![CDATA['
const CDATA_END = ']]>'
/** Stands for a CDATA section. Cannot be in the text itself, see UNREADABLE_CHARACTER. */
const CDATA_MARK = '\0'
const PLAIN_TAG = /^<(?:\/?[A-Za-z]\w*\s*|[A-Za-z]\w*\s*\/)>$/
const FORBIDDEN_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)/

const parser = new XMLParser({
  preserveOrder: true, // else a repeated element would become a list, and the order of text and CDATA would be lost
  ignoreAttributes: true,
  processEntities: false,
  parseTagValue: false,
  trimValues: false,
  cdataPropName: '#cdata',
  maxNestedTags: MAX_DEPTH, // stops early; counts one level less than we do
})

/** One element as the parser gives it with `preserveOrder`: its name as the only key, its children as the value. */
type XmlNode = Readonly<Record<string, unknown>>

function readXml(text: string): Fields {
  const document = text.trim().replace(DECLARATION, '').trim()
  requirePlain(withoutCdata(document))
  let nodes: unknown
  try {
    if (XMLValidator.validate(document) !== true) throw rejectedCallback('the XML is broken')
    nodes = parser.parse(document)
  } catch {
    // Without cause: the parser quotes the document.
    throw rejectedCallback('the XML is broken')
  }
  const [root, ...others] = childrenOf(nodes)
  if (root === undefined || others.length > 0 || nameOf(root) !== 'xml') throw rejectedCallback('the root is not "xml"')

  const fields = new Map<string, string | typeof NESTED>()
  for (const node of childrenOf(root['xml'] ?? root['XML'])) {
    const name = nameOf(node)
    if (name === '#text' && isBlank(node)) continue
    if (name.startsWith('#')) throw rejectedCallback('there is text between the elements')
    if (fields.has(name)) throw rejectedCallback('an element is there twice')
    fields.set(name, valueOf(Object.values(node)[0], 2))
  }
  return fields
}

/** The document with a mark instead of each CDATA section, in which everything is text. */
function withoutCdata(document: string): string {
  const pieces: string[] = []
  let position = 0
  for (;;) {
    const start = document.indexOf(CDATA_START, position)
    if (start < 0) break
    const end = document.indexOf(CDATA_END, start)
    if (end < 0) throw rejectedCallback('a CDATA section does not end')
    pieces.push(document.slice(position, start), CDATA_MARK)
    position = end + CDATA_END.length
    if (pieces.length > 2 * MAX_CDATA_SECTIONS) throw rejectedCallback('there are too many CDATA sections')
  }
  pieces.push(document.slice(position))
  return pieces.join('')
}

/** No attributes, namespaces, comments, processing instructions, DTD or entities beyond the five. */
function requirePlain(markup: string): void {
  let tags = 0
  for (const [tag] of markup.matchAll(/<[^<>]*>?/g)) {
    if (++tags > MAX_TAGS) throw rejectedCallback('there are too many elements')
    if (tag.length > MAX_NAME_LENGTH || !PLAIN_TAG.test(tag)) throw rejectedCallback('the markup is not plain')
  }
  if (markup.includes(CDATA_END)) throw rejectedCallback('the markup is not plain')
  if (FORBIDDEN_REFERENCE.test(markup)) throw rejectedCallback('an entity is not one of the five')
  if (markup.split('&').length - 1 > MAX_REFERENCES) throw rejectedCallback('there are too many references')
}

/** Text, or sections of CDATA, but not both in one value: that is legal XML, but no value of WeCom looks like it. */
function valueOf(content: unknown, depth: number): string | typeof NESTED {
  if (depth > MAX_DEPTH) throw rejectedCallback('the XML is nested too deeply')
  const children = childrenOf(content)
  const names = new Set(children.map(nameOf))
  if ([...names].some((name) => !name.startsWith('#'))) {
    for (const child of children) {
      if (!nameOf(child).startsWith('#')) valueOf(Object.values(child)[0], depth + 1)
      else if (!isBlank(child)) throw rejectedCallback('there is text between the elements')
    }
    return NESTED
  }
  if (!names.has('#cdata')) return decodeReferences(children.map(textOf).join('')).trim()
  const sections = children.filter((child) => nameOf(child) === '#cdata' || !isBlank(child))
  if (sections.some((child) => nameOf(child) !== '#cdata')) throw rejectedCallback('a value mixes text and CDATA')
  return sections
    .flatMap((section) => childrenOf(section['#cdata']))
    .map(textOf)
    .join('')
}

function decodeReferences(text: string): string {
  return text.replaceAll(/&(?:(amp|lt|gt|quot|apos)|#(\d+)|#x([\da-fA-F]+));/g, (_, name, decimal, hexadecimal) => {
    if (typeof name === 'string') return NAMED_REFERENCES[name] ?? ''
    const codePoint = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hexadecimal), 16)
    const character = codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : ''
    if (character === '' || UNREADABLE_CHARACTER.test(character)) throw rejectedCallback('a reference is to no text')
    return character
  })
}

const NAMED_REFERENCES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function childrenOf(content: unknown): XmlNode[] {
  return Array.isArray(content) ? content.filter(isObject) : []
}

function nameOf(node: XmlNode): string {
  return (Object.keys(node)[0] ?? '').toLowerCase()
}

function textOf(node: XmlNode): string {
  const text = node['#text']
  return typeof text === 'string' ? text : ''
}

function isBlank(node: XmlNode): boolean {
  return nameOf(node) === '#text' && textOf(node).trim() === ''
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

function readJson(text: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw rejectedCallback('the JSON is broken')
  }
  if (!isObject(value)) throw rejectedCallback('the JSON is not an object')
  if (countKeys(value, 1) !== countWrittenKeys(text)) throw rejectedCallback('a key is there twice')

  const fields = new Map<string, string | typeof NESTED>()
  for (const [key, content] of Object.entries(value)) {
    const name = key.toLowerCase()
    if (fields.has(name)) throw rejectedCallback('a key is there twice')
    if (typeof content === 'string') fields.set(name, content)
    else if (typeof content === 'number' || typeof content === 'boolean') fields.set(name, String(content))
    else if (content !== null) fields.set(name, NESTED)
  }
  return fields
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > MAX_DEPTH) throw rejectedCallback('the JSON is nested too deeply')
  const children: unknown[] = Object.values(value)
  const own = Array.isArray(value) ? 0 : children.length
  return children.reduce<number>((sum, child) => sum + countKeys(child, depth + 1), own)
}

/** JSON.parse keeps the last of equal keys and does not tell; in valid JSON a key is a text before a colon. */
function countWrittenKeys(json: string): number {
  let count = 0
  for (const [, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"\s*(:)?/g)) if (colon !== undefined) count++
  return count
}

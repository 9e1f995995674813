/**
 * Small pictures that travel inside JSON, as data URLs. Judged by their first bytes and not by what they call themselves,
 * because they are served to people who sign in; SVG, which can carry a script, is not among them.
 */
import { z } from 'zod'

export const MOST_ICON_BYTES = 16 * 1024

/** Longer than any data URL that could be right: the base64 of the most bytes, and the media type. */
const LONGEST = Math.ceil(MOST_ICON_BYTES / 3) * 4 + 32

export type IconType = 'image/png' | 'image/jpeg' | 'image/webp'

export const Icon = z
  .string()
  .max(LONGEST, `At most ${MOST_ICON_BYTES} bytes`)
  .superRefine((text, context) => {
    const message = iconProblem(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
  .meta({
    description: 'Data URL of a square PNG, JPEG or WebP of at most 16 kB.',
    examples: [
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
    ],
  })

/** @returns why a text is no icon, in English, or null */
export function iconProblem(text: string): string | null {
  const icon = readIcon(text)
  if (icon === null) return 'A data URL in base64 of a PNG, JPEG or WebP picture'
  if (icon.bytes.length > MOST_ICON_BYTES) return `At most ${MOST_ICON_BYTES} bytes`
  return typeByBytes(icon.bytes) === icon.type ? null : `Not the picture that it says it is (${icon.type})`
}

/** @returns null when the text is not the data URL of one of the three types */
export function readIcon(text: string): { readonly type: IconType; readonly bytes: Uint8Array<ArrayBuffer> } | null {
  const [, type, base64] = /^data:(image\/(?:png|jpeg|webp));base64,([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (type === undefined || base64 === undefined) return null
  try {
    return { type: type as IconType, bytes: Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)) }
  } catch {
    return null
  }
}

function typeByBytes(bytes: Uint8Array): IconType | null {
  const begins = (at: number, ...expected: number[]) => expected.every((byte, index) => bytes[at + index] === byte)
  if (begins(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png'
  if (begins(0, 0xff, 0xd8, 0xff)) return 'image/jpeg'
  if (begins(0, 0x52, 0x49, 0x46, 0x46) && begins(8, 0x57, 0x45, 0x42, 0x50)) return 'image/webp'
  return null
}

/**
 * A name that people or other systems chose. It cannot turn the direction of what stands around it, and characters that
 * would turn its own are spelled out instead of obeyed, as on the pages of signing in.
 */

/** Embeddings, overrides, isolates and marks; and what an old browser takes for control. */
const DIRECTION_CONTROL = /((?![\t\n])[\p{Bidi_Control}\p{Control}])/u

export function Name({ children }: { children: string | null | undefined }) {
  if (children === null || children === undefined) return null
  return (
    <bdi>
      {children.split(DIRECTION_CONTROL).map((part, index) =>
        index % 2 === 0 ? (
          part
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- the parts of one text never change places
          <span key={index} className="mark">
            {spell(part)}
          </span>
        ),
      )}
    </bdi>
  )
}

/** The same where only text can stand: titles, labels. */
export function nameText(name: string): string {
  return name.replace(new RegExp(DIRECTION_CONTROL, 'gu'), spell)
}

function spell(character: string): string {
  return `[U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`
}

/**
 * Repeatable randomness: the same seed gives the same sequence on every machine and every Node version.
 * The generator, the churn script and the faults draw from it. Not for secrets.
 */

export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A whole number in [0, below). */
  integer(below: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** `length` lower-case hexadecimal digits. */
  hex(length: number): string
}

/** sfc32, chosen because it is short, fast and has no weak seeds once its state is stirred. */
export function createRandom(seed: string): Random {
  let [a, b, c, d] = [hash(seed, 1), hash(seed, 2), hash(seed, 3), 1]

  const draw = (): number => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) draw()

  const next = () => draw() / 4_294_967_296
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    chance: (probability) => next() < probability,
    pick: (list) => {
      if (list.length === 0) throw new Error('cannot pick from an empty list')
      // The index is below the length, so the element exists; undefined may itself be a legal element of T.
      return list[Math.floor(next() * list.length)] as (typeof list)[number]
    },
    hex: (length) => {
      let digits = ''
      while (digits.length < length) digits += draw().toString(16).padStart(8, '0')
      return digits.slice(0, length)
    },
  }
}

/** FNV-1a over UTF-16 units, started from `basis` so that one seed yields several independent words. */
function hash(text: string, basis: number): number {
  let value = (2_166_136_261 ^ Math.imul(basis, 0x9e37_79b9)) >>> 0
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16_777_619)
  return value >>> 0
}

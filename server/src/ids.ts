/**
 * Our identifiers: a prefix that names the kind and 26 characters of time and chance (the ULID layout, lower case).
 * Never reused, never derived from anything outside. Time first, so that bulk inserts append to their index.
 */

export type IdKind = 'org' | 'con' | 'usr' | 'dep' | 'lnk' | 'run' | 'tok' | 'aud'

/** Makes one new identifier of a kind, for example `usr_01jd3v0w6k9m2q4r8t0x5y7z1a`. */
export type NewId = (kind: IdKind) => string

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz' // Crockford: no i, l, o, u
const RANDOM_BYTES = 10
const POOL_BYTES = RANDOM_BYTES * 512

/**
 * @param now milliseconds since 1970
 * @param random fills the array with unpredictable bytes, such as `crypto.getRandomValues`
 */
export function createIds({ now, random }: { now: () => number; random: (bytes: Uint8Array) => void }): NewId {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES

  return function newId(kind) {
    if (used === POOL_BYTES) {
      random(pool)
      used = 0
    }
    let text = `${kind}_`
    const time = now()
    for (let shift = 9; shift >= 0; shift--) text += ALPHABET[Math.floor(time / 32 ** shift) % 32]
    // 80 random bits are 16 characters of five bits: two groups of 40 bits stay below 2^53.
    for (let group = 0; group < 2; group++) {
      let bits = 0
      for (let byte = 0; byte < 5; byte++) bits = bits * 256 + pool[used++]!
      for (let shift = 7; shift >= 0; shift--) text += ALPHABET[Math.floor(bits / 32 ** shift) % 32]
    }
    return text
  }
}

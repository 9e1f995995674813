/**
 * Our identifiers: a prefix that names the kind and 26 characters of time and chance (the ULID layout, lower case).
 * Never reused, never derived from anything outside. Time first, so that bulk inserts append to their index.
 */

export type IdKind =
  | 'org'
  | 'con'
  | 'usr'
  | 'dep'
  | 'lnk'
  | 'run'
  | 'rev'
  | 'tok'
  | 'ses'
  | 'aud'
  | 'sig'
  | 'att'
  | 'app'
  | 'sec'
  | 'evt'

/** Makes one new identifier of a kind, for example `usr_01jd3v0w6k9m2q4r8t0x5y7z1a`. */
export type NewId = (kind: IdKind) => string

const ALPHABET = Buffer.from('0123456789abcdefghjkmnpqrstvwxyz', 'latin1') // Crockford: no i, l, o, u
const PREFIX_LENGTH = 4
const TIME_LENGTH = 10
const LENGTH = PREFIX_LENGTH + TIME_LENGTH + 16
const RANDOM_BYTES = 10
const POOL_BYTES = RANDOM_BYTES * 512

/** No identifier of this kind that was made at a moment or later comes before it in the order of identifiers. */
export function lowestId(kind: IdKind, at: number): string {
  let [rest, text] = [Math.max(0, at), '']
  for (let place = 0; place < TIME_LENGTH; place++) {
    text = String.fromCharCode(ALPHABET[rest % 32]!) + text
    rest = Math.floor(rest / 32)
  }
  return `${kind}_${text}${'0'.repeat(LENGTH - PREFIX_LENGTH - TIME_LENGTH)}`
}

/**
 * @param now milliseconds since 1970
 * @param random fills the array with unpredictable bytes, such as `crypto.getRandomValues`
 */
export function createIds({ now, random }: { now: () => number; random: (bytes: Uint8Array) => void }): NewId {
  const pool = new Uint8Array(POOL_BYTES)
  // Written as bytes and read once: built by concatenation, a hundred thousand ids would be chains of two million strings.
  const text = Buffer.alloc(LENGTH, '_')
  let used = POOL_BYTES

  return function newId(kind) {
    if (used === POOL_BYTES) {
      random(pool)
      used = 0
    }
    text.write(kind, 'latin1')
    writeBase32(now(), PREFIX_LENGTH, TIME_LENGTH)
    // 80 random bits are 16 characters of five bits: two groups of 40 bits stay below 2^53.
    for (let group = 0; group < 2; group++) {
      let bits = 0
      for (let byte = 0; byte < 5; byte++) bits = bits * 256 + pool[used++]!
      writeBase32(bits, PREFIX_LENGTH + TIME_LENGTH + group * 8, 8)
    }
    return text.toString('latin1')
  }

  function writeBase32(value: number, start: number, length: number): void {
    let rest = value
    for (let place = start + length - 1; place >= start; place--) {
      text[place] = ALPHABET[rest % 32]!
      rest = Math.floor(rest / 32)
    }
  }
}

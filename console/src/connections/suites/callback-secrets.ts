/** New secrets for the callback of a connection, as WeCom's own “random” button makes them. Pure but for `random`. */

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const TOKEN_LENGTH = 32
const AES_KEY_LENGTH = 43
/**
 * 43 characters of base64 are two bits more than a key of 32 bytes has. Those two are zero in these, so that strict decoders
 * take the key as well (wecom-api.md §4.2).
 */
const LAST_OF_AES_KEY = 'AEIMQUYcgkosw048'

/** @param random `crypto.getRandomValues` outside of tests */
export function newCallbackSecrets(random: Random = (bytes) => crypto.getRandomValues(bytes)) {
  return {
    token: pick(ALPHANUMERIC, TOKEN_LENGTH, random),
    aesKey: pick(ALPHANUMERIC, AES_KEY_LENGTH - 1, random) + pick(LAST_OF_AES_KEY, 1, random),
  }
}

type Random = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array

function pick(characters: string, length: number, random: Random): string {
  // Bytes above are left out: with them, the first characters would be likelier than the last.
  const fair = 256 - (256 % characters.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random(new Uint8Array(length))) {
      if (byte < fair && text.length < length) text += characters[byte % characters.length]
    }
  }
  return text
}

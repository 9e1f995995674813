/**
 * A self-signed certificate in the names of WeCom's hosts, for a browser that was told to find them here and to ignore that
 * nobody vouches for it. Written out in DER by hand (RFC 5280), because Node can read certificates but not make them.
 */

import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** Both as PEM. */
export interface TlsIdentity {
  readonly key: string
  readonly cert: string
}

const hosts = [
  'login.work.weixin.qq.com',
  'open.work.weixin.qq.com',
  'open.weixin.qq.com',
  'qyapi.weixin.qq.com',
  'localhost',
]
const yearMs = 365 * 86_400_000

// Object identifiers, encoded.
const ecdsaWithSha256 = '2a8648ce3d040302'
const commonName = '550403'
const subjectAltName = '551d11'

/** Valid from a day before until a year after. */
export function selfSigned(nowMs: number): TlsIdentity {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const algorithm = sequence(identifier(ecdsaWithSha256))
  const name = sequence(
    tagged(0x31, sequence(identifier(commonName), tagged(0x0c, Buffer.from('WeCom emulator, not WeCom')))),
  )
  const names = sequence(
    ...hosts.map((host) => tagged(0x82, Buffer.from(host))),
    tagged(0x87, Buffer.from([127, 0, 0, 1])),
  )
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // version 3
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])), // a serial number, positive by its first byte
    algorithm,
    name,
    sequence(time(nowMs - 86_400_000), time(nowMs + yearMs)),
    name,
    publicKey,
    tagged(0xa3, sequence(sequence(identifier(subjectAltName), tagged(0x04, names)))),
  )
  const signature = sign('sha256', body, createPrivateKey(key))
  const certificate = sequence(body, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = certificate.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return { key, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` }
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function identifier(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'))
}

/** RFC 5280 wants two digits for the year before 2050 and four from then on. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')
  return ms < Date.UTC(2050, 0) ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), content])
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), content])
}

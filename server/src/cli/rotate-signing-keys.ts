/** `./muster rotate-signing-keys`: the next key signs from now on. It happens by itself every 90 days. */
import { readFileSync } from 'node:fs'
import { call, rotateSigningKeys } from '@muster/contracts'
import { loadConfig } from '../config.ts'
import { withLocalApi } from './local-api.ts'
import { printJson, readArguments, say } from './terminal.ts'

export async function rotateKeys(args: string[]): Promise<number> {
  const { values } = readArguments(
    args,
    { now: { type: 'boolean' }, withdraw: { type: 'boolean' }, json: { type: 'boolean' } },
    0,
  )
  const config = loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') })
  const rotated = await withLocalApi(config, (api) =>
    call(rotateSigningKeys, { body: { urgent: values.now === true, withdraw: values.withdraw === true } }, api),
  )
  if (values.json) {
    printJson(rotated)
    return 0
  }
  const [current] = rotated.keys
  say(
    values.withdraw
      ? `${current?.kid} signs from now on. All keys before it are withdrawn.`
      : `${current?.kid} signs from now on. What the keys before it have signed stays valid for 30 days.`,
  )
  if (values.now || values.withdraw)
    say('→ Applications that keep keys may refuse sign-ins until they ask for them again, often an hour.')
  return 0
}

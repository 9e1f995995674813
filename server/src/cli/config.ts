/** `./muster config`: what is in force, and why. */
import { readFileSync } from 'node:fs'
import { describeConfig, loadConfig } from '../config.ts'
import { printJson, readArguments, say } from './terminal.ts'

export async function config(args: string[]): Promise<number> {
  const { values } = readArguments(args, { json: { type: 'boolean' } }, 0)
  const rows = describeConfig(loadConfig({ env: process.env, readFile: (path) => readFileSync(path, 'utf8') }))
  if (values.json) {
    printJson(rows)
    return 0
  }
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, value, source } of rows) say(`${name.padEnd(width)}  ${value ?? '(not set)'}  [${source}]`)
  return 0
}

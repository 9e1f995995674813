/**
 * The control functions over HTTP, on a port of their own: `POST /<function>` with the argument as JSON answers the result
 * as JSON. `GET /<function>` calls it without an argument, `GET /` lists the functions. For a developer's own machine:
 * there is no authentication, and it hands out every secret of the emulated world.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { controlArguments } from './arguments.ts'
import { ControlError } from './errors.ts'
import type { Control } from './control.ts'
import { ShapeError } from '../shape.ts'

/** Enough to plant one thing; bulk is made by `createCompany`. */
const bodyBytesMax = 4 * 1024 * 1024

export function createControlServer(control: Control): Server {
  return createServer((request, response) => {
    answer(control, request, response).catch((error: unknown) => {
      const isCallersFault = error instanceof ControlError || error instanceof ShapeError || error instanceof RangeError
      if (!isCallersFault) console.error('a control function failed', error)
      reply(response, isCallersFault ? 400 : 500, { error: error instanceof Error ? error.message : String(error) })
    })
  })
}

async function answer(control: Control, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readText(request)
  // A web page must not be able to steer the emulator: browsers send Origin, tools do not.
  if (request.headers.origin !== undefined) return reply(response, 403, { error: 'not for browsers' })
  const name = (request.url ?? '/').slice(1).split('?')[0] ?? ''
  if (name === '') return reply(response, 200, { functions: Object.keys(controlArguments) })
  if (!Object.hasOwn(controlArguments, name)) {
    return reply(response, 404, { error: `no function ${name}`, functions: Object.keys(controlArguments) })
  }
  reply(response, 200, (await call(control, name as keyof Control, parse(body))) ?? null)
}

function call(control: Control, name: keyof Control, given: unknown): unknown {
  const argument = controlArguments[name](given, 'argument')
  // The table above proves, per function, that the checked value is its argument; across the union TypeScript cannot see it.
  return (control[name] as (argument: unknown) => unknown)(argument)
}

function parse(body: string): unknown {
  if (body === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    throw new ControlError('the body is not JSON')
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) {
    body += chunk
    if (body.length > bodyBytesMax) throw new ControlError(`a body may have ${bodyBytesMax} characters`)
  }
  return body
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

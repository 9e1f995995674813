/** The control functions over HTTP: `POST /<function>` with the argument as JSON, `GET /<function>` for those without. */

import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'

import type { Control } from './control.ts'

export function createControlServer(control: Control): Server {
  const functions = new Map<string, (argument: unknown) => unknown>(Object.entries(control))
  return createServer((request, response) => {
    const reply = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify(body))
    }
    const name = (request.url ?? '/').slice(1).split('?')[0] ?? ''
    const action = functions.get(name)
    if (!action) return reply(404, { error: `no function ${name}`, functions: [...functions.keys()] })
    readJson(request)
      .then((argument) => reply(200, action(argument) ?? null))
      .catch((error: unknown) => reply(400, { error: error instanceof Error ? error.message : String(error) }))
  })
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk
  return text === '' ? undefined : JSON.parse(text)
}

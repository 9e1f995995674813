/** Sends a list as a file of comma-separated values, row by row: nobody holds all of a large one in memory. */
import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { csvRow } from './csv.ts'

/** @param name of the file, without its ending. @returns what the handler has to return */
export function sendCsv(
  reply: FastifyReply,
  name: string,
  columns: readonly string[],
  rows: AsyncIterable<readonly unknown[]>,
): never {
  void reply
    .type('text/csv; charset=utf-8')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .serializer((body: unknown) => body as string)
    .send(Readable.from(lines(columns, rows)))
  // The reply can be awaited until the stream has ended; anything else would be sent in its place, half way.
  return reply as never
}

async function* lines(columns: readonly string[], rows: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  // The mark at the start makes spreadsheets read Chinese as UTF-8.
  yield `\uFEFF${csvRow(columns)}`
  for await (const row of rows) yield csvRow(row)
}

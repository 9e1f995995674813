/**
 * Exports all members as one JSON object per line. Lines are worth something only if the command succeeds: an export is
 * complete when its loop ends without an error.
 * WECOM_CORP_ID, WECOM_SECRET and optionally WECOM_API_URL come from the environment.
 */

import { createWecom } from '../src/index.ts'

const { WECOM_API_URL, WECOM_CORP_ID = '', WECOM_SECRET = '' } = process.env

const wecom = createWecom({ apiUrl: WECOM_API_URL })
const company = wecom.principal({
  corpId: WECOM_CORP_ID,
  secret: WECOM_SECRET,
  onCall: ({ api, outcome, durationMs }) => console.error(`${api}: ${outcome}, ${durationMs} ms`),
})

const signal = AbortSignal.timeout(60 * 60_000)
let count = 0
for await (const { rows, rejected } of company.exports.run('user', { signal })) {
  for (const member of rows) console.log(JSON.stringify(member))
  count += rows.length
  if (rejected.length > 0) console.error(`${rejected.length} rows could not be read`)
}
console.error(`${count} members`)
await wecom.close()

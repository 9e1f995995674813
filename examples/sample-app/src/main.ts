/** Starts the sample application as its environment says, and prints where it listens. See README.md. */
import { createSampleApp } from './sample-app.ts'

if (process.argv.includes('--help')) {
  console.log(`Usage: ISSUER=URL CLIENT_ID=ID [CLIENT_SECRET=SECRET] [PORT=8100] ./muster sample-app

A sample application to sign in to with OpenID Connect, until it is stopped. examples/sample-app/README.md says more.`)
  process.exit(0)
}
const { ISSUER = '', CLIENT_ID = '', CLIENT_SECRET, PORT = '8100' } = process.env
if (!URL.canParse(ISSUER) || CLIENT_ID === '') {
  console.error('ISSUER and CLIENT_ID have to be set; see examples/sample-app/README.md.')
  process.exit(1)
}

const app = createSampleApp({ issuer: new URL(ISSUER), clientId: CLIENT_ID, clientSecret: CLIENT_SECRET })
const { url, close } = await app.listen(Number(PORT))
console.log(JSON.stringify({ url }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())

/**
 * Says whether a credential works, what it sees, and what to do if it does not. Exits with 1 when something is wrong.
 * WECOM_CORP_ID, WECOM_SECRET, WECOM_AGENT_ID and optionally WECOM_API_URL come from the environment.
 */

import { WecomError, createWecom } from '../src/index.ts'

const { WECOM_API_URL, WECOM_CORP_ID = '', WECOM_SECRET = '', WECOM_AGENT_ID } = process.env

const wecom = createWecom({ apiUrl: WECOM_API_URL })
const app = wecom.principal({
  corpId: WECOM_CORP_ID,
  secret: WECOM_SECRET,
  agentId: WECOM_AGENT_ID,
  priority: 'interactive',
})

try {
  await app.token()
  console.log('token: ok')

  const agent = await app.agent.get()
  console.log(`app: ${agent.name ?? ''}${agent.isClosed ? ' (disabled)' : ''}`)
  console.log(
    `visible: ${agent.allowedDepartmentIds.length} departments, ${agent.allowedUserids.length} members one by one`,
  )

  const { departments } = await app.departments.ids()
  const [first] = departments
  console.log(
    `departments: ${departments.length}${departments.some(({ id }) => id === 1) ? ', with the root' : ', without the root'}`,
  )

  if (first !== undefined) {
    const [member] = (await app.members.list(first.id)).members
    const withheld = (['mobile', 'email', 'bizMail', 'avatar', 'gender'] as const).filter(
      (field) => member?.[field] === undefined,
    )
    if (member !== undefined) console.log(`withheld fields: ${withheld.join(', ') || 'none'}`)
  }
} catch (error) {
  if (!(error instanceof WecomError)) throw error
  console.log(`${error.code}: ${error.remedy.en}`)
  if (error.observedAddress !== undefined) console.log(`address that WeCom sees: ${error.observedAddress}`)
  console.log(error.documentation)
  process.exitCode = 1
} finally {
  await wecom.close()
}

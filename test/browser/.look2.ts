import { setConsoleStage } from './console-stage.ts'
await using stage = await setConsoleStage({ people: 6 })
await using v = await stage.visitAs('owner')
v.tab.on('console', (m) => console.log(m.type(), m.text().slice(0, 300)))
v.tab.on('response', (r) => console.log(r.status(), r.url().slice(20)))
v.tab.on('requestfailed', (r) => console.log('FAILED', r.url(), r.failure()))
await v.tab.goto(stage.address('/'))
await v.tab.waitForTimeout(4000)
console.log(await v.tab.locator('figure').count())

/** The account page as a browser meets it: what it shows, and what its forms do and refuse (threats.md SI-08, L-08, L-23). */
import assert from 'node:assert/strict'
import { getUser, listAudit, listUserSessions } from '@muster/contracts'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import type { RawAnswer } from './client.ts'
import { PASSWORD, startSignedIn } from './signed-in.ts'

type Scene = Awaited<ReturnType<typeof startSignedIn>>
type Who = Parameters<Scene['send']>[0]

const NEW_PASSWORD = 'a new one for the owner'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('without a session the page leads to signing in, and back', async (url) => {
    await using scene = await startSignedIn(url)

    const page = await scene.stranger.send('/account')
    const form = await scene.stranger.send('/account/sessions/end-others', { method: 'POST' })

    for (const answer of [page, form]) {
      assert.equal(answer.status, 303)
      assert.equal(answer.headers.get('location'), '/signin/start?return_to=%2Faccount')
    }
  })

  testWithUrl('the page shows ways in and sessions in two languages, and escapes what it shows', async (url) => {
    await using scene = await startSignedIn(url)
    await scene.owner.send(`/api/v1/users/${scene.userOf(null)}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ displayName: '<img src=x onerror=alert(1)>\u202e"' }),
    })

    const english = await scene.send('owner', '/account', { headers: {} })
    const chinese = await scene.send(null, '/account', { headers: { 'accept-language': 'zh-CN' } })

    assert.equal(english.status, 200)
    assert.match(english.text, /<html lang="en">[^]*Your account[^]*this browser[^]*Change the password/)
    assert.match(english.text, /企业微信[^]*owner/)
    assert.match(chinese.text, /<html lang="zh-CN">[^]*我的账号[^]*当前浏览器/)
    assert.match(chinese.text, /&lt;img src=x onerror=alert\(1\)&gt;/)
    assert.doesNotMatch(chinese.text, /<img|<script|\u202e/)
    const policy = english.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'.*style-src 'nonce-.*frame-ancestors 'none'/)
    assert.equal(english.headers.get('cache-control'), 'no-store')
    assert.equal(english.headers.get('referrer-policy'), 'no-referrer')
    assert.ok(english.text.length < 30_000)
  })

  testWithUrl('a form from anywhere else changes nothing', async (url) => {
    await using scene = await startSignedIn(url)
    const token = await tokenOf(scene, 'owner')
    const foreign = await tokenOf(scene, 'operator')
    const forms = {
      '/account/password': { password: PASSWORD, newPassword: NEW_PASSWORD, newPasswordAgain: NEW_PASSWORD },
      '/account/links/bind': { connection: 'hq' },
      '/account/links/unbind': { link: 'lnk_none' },
      '/account/sessions/end': { session: 'ses_none' },
      '/account/sessions/end-others': {},
      '/signout': {},
    }

    for (const [path, fields] of Object.entries(forms)) {
      for (const given of [undefined, '', 'x', foreign, token.slice(1), `${token}x`]) {
        const answer = await submit(scene, 'owner', path, {
          ...fields,
          ...(given === undefined ? {} : { token: given }),
        })
        assert.equal(answer.status, 403, `${path} with ${given}`)
      }
      for (const site of ['cross-site', 'same-site', 'none']) {
        const answer = await submit(scene, 'owner', path, { ...fields, token }, { 'sec-fetch-site': site })
        assert.equal(answer.status, 403, `${path} from ${site}`)
      }
      const reading = await scene.send('owner', `${path}?token=${token}`, { headers: {} })
      assert.equal(reading.status, 404, `${path} by GET`)
      const typed = await scene.send('owner', path, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: JSON.stringify({ ...fields, token }),
      })
      assert.equal(typed.status, 403, `${path} as text/plain`)
    }
    assert.equal((await scene.send('owner', '/account', { headers: {} })).status, 200)
  })

  testWithUrl('the password is changed by who knows it, and guesses here count like any', async (url) => {
    await using scene = await startSignedIn(url)
    const token = await tokenOf(scene, 'owner')
    const change = (password: string, newPassword: string, newPasswordAgain = newPassword) =>
      submit(scene, 'owner', '/account/password', { token, password, newPassword, newPasswordAgain })

    assert.equal((await change(PASSWORD, NEW_PASSWORD, `${NEW_PASSWORD}!`)).status, 400)
    assert.equal((await change(PASSWORD, 'password123')).status, 400)
    assert.equal((await change('x'.repeat(4_000), NEW_PASSWORD)).status, 403)
    assert.equal((await change('wrong', NEW_PASSWORD)).status, 403)
    const changed = await change(PASSWORD, NEW_PASSWORD)
    assert.deepEqual([changed.status, changed.headers.get('location')], [303, '/account?done=password'])
    assert.match((await scene.send('owner', '/account?done=password', { headers: {} })).text, /role="status"/)
    const { items } = await scene.owner.ask(listAudit, { query: { q: 'user.change-password' } })
    assert.equal(items[0]!.actor.id, scene.userOf('owner'))

    const answers: RawAnswer[] = []
    for (let guess = 0; guess < 9; guess++) answers.push(await change('wrong', NEW_PASSWORD))
    assert.deepEqual([answers.at(-2)!.status, answers.at(-1)!.status], [403, 429])
    assert.match(answers.at(-1)!.headers.get('retry-after') ?? '', /^\d{1,3}$/)
    assert.equal((await change(NEW_PASSWORD, PASSWORD)).status, 429)
  })

  testWithUrl('a way in is taken away, except the last one of somebody without a password', async (url) => {
    await using scene = await startSignedIn(url)
    const [owner, operator] = [await linkOf(scene, 'owner'), await linkOf(scene, 'operator')]

    const foreign = await unbind(scene, 'owner', operator)
    const own = await unbind(scene, 'owner', owner)
    const last = await unbind(scene, 'operator', operator)

    assert.equal(foreign.status, 404)
    assert.equal(own.status, 303)
    assert.equal(last.status, 409)
    assert.match(last.text, /only way in/)
    assert.deepEqual((await scene.owner.ask(getUser, { params: { id: scene.userOf('owner') } })).links, [])
    assert.equal((await scene.owner.ask(getUser, { params: { id: scene.userOf('operator') } })).links.length, 1)
  })

  testWithUrl('sessions are ended one by one or all others; nobody ends those of somebody else', async (url) => {
    await using scene = await startSignedIn(url)
    const token = await tokenOf(scene, 'owner')
    const { items: others } = await scene.owner.ask(listUserSessions, { params: { id: scene.userOf('auditor') } })
    const { items: own } = await scene.owner.ask(listUserSessions, { params: { id: scene.userOf('owner') } })

    const foreign = await submit(scene, 'owner', '/account/sessions/end', { token, session: others[0]!.id })
    const ending = await submit(scene, 'owner', '/account/sessions/end-others', { token })
    const still = await scene.send('owner', '/account', { headers: {} })
    const out = await submit(scene, 'owner', '/signout', { token })
    const after = await scene.send('owner', '/account', { headers: {} })

    assert.equal(foreign.status, 404)
    assert.equal(ending.headers.get('location'), '/account?done=others-ended')
    assert.equal(still.status, 200)
    assert.equal(own.length, 1)
    assert.equal(out.headers.get('location'), '/signed-out')
    const cleared = out.headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-muster_session='))
    assert.match(cleared ?? '', /^__Host-muster_session=; .*Path=\/.*HttpOnly; Secure; SameSite=Lax/)
    assert.equal(after.status, 303)
    assert.equal((await scene.send('auditor', '/account', { headers: {} })).status, 200)
  })

  testWithUrl('binding begins at a page of ours and goes on to WeCom', async (url) => {
    await using scene = await startSignedIn(url)
    const token = await tokenOf(scene, 'auditor')

    const begun = await submit(scene, 'auditor', '/account/links/bind', { token, connection: 'hq' })
    const unknown = await submit(scene, 'auditor', '/account/links/bind', { token, connection: 'none' })

    assert.equal(begun.status, 200)
    assert.match(begun.text, /http-equiv="refresh"\s+content="0; ?url=https:\/\/login\.work\.weixin\.qq\.com\/wwlogin/)
    assert.equal(unknown.status, 404)
  })
})

async function tokenOf(scene: Scene, who: Who): Promise<string> {
  const { text } = await scene.send(who, '/account', { headers: {} })
  const [, token] = /name="token" value="([\w-]{43})"/.exec(text) ?? []
  assert.ok(token)
  return token
}

async function linkOf(scene: Scene, who: 'owner' | 'operator'): Promise<string> {
  return (await scene.owner.ask(getUser, { params: { id: scene.userOf(who) } })).links[0]!.id
}

async function unbind(scene: Scene, who: Who, link: string): Promise<RawAnswer> {
  return submit(scene, who, '/account/links/unbind', { token: await tokenOf(scene, who), link })
}

/** As Chromium sends a form of a page that says no-referrer. */
function submit(
  scene: Scene,
  who: Who,
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = { 'sec-fetch-site': 'same-origin', origin: 'null' },
): Promise<RawAnswer> {
  return scene.send(who, path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  })
}

/** The pages of signing in as the server sends them: their headers, and their language. */
import assert from 'node:assert/strict'
import { onEitherDatabase } from '../server/test-support/databases.ts'
import { open, startSignInStack } from './sign-in-stack.ts'

onEitherDatabase(({ testWithUrl }) => {
  testWithUrl('a page says what it allows, and the language that was chosen stays chosen', async (url) => {
    await using stack = await startSignInStack(url)
    const browser = open(stack)

    const { address, answer } = await browser.start()
    const chinese = await browser.send(`${address}?lang=zh`)
    const later = await browser.send(address)
    const elsewhere = await open(stack).send('/signin/unknown?lang=zh')
    const odd = await browser.send(`${address}?lang=xx`)

    assert.equal(answer!.headers.get('cache-control'), 'no-store')
    assert.equal(answer!.headers.get('referrer-policy'), 'no-referrer')
    const policy = answer!.headers.get('content-security-policy')!
    assert.match(policy, /^default-src 'none'; script-src 'nonce-[A-Za-z0-9_-]{22,}';/)
    assert.match(policy, /form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/)
    assert.notEqual(policy, later.headers.get('content-security-policy'), 'a nonce is used once')
    assert.match(answer!.text, /<html lang="en">/)
    assert.match(chinese.text, /<html lang="zh-CN">/)
    assert.match(later.text, /<html lang="zh-CN">/)
    assert.match(elsewhere.text, /<html lang="zh-CN">/)
    assert.match(odd.text, /<html lang="en">/)
    assert.ok(Buffer.byteLength(answer!.text) < 30_000)
  })
})

/**
 * The pages of signing in and out in a real Chromium: whatever names are called, nothing of them runs and nothing breaks
 * the policy; they fit 320 px, can be used by keyboard and without scripts, and are light.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { startChromium, withoutBrowser } from './chromium.ts'
import { ACCOUNT, startGallery, views, type Gallery } from './gallery.ts'

/** One refusal stands for all: they differ in a sentence, and none has a name in it. */
const PAGES = [ACCOUNT, ...Object.keys(views('ordinary')).filter((page) => !/^refused-(?!wecom-problem)/.test(page))]

let browser: Browser
let gallery: Gallery

before(async () => {
  if (withoutBrowser !== false) return
  browser = await startChromium()
  gallery = await startGallery()
})

after(async () => {
  await browser?.close()
  await gallery?.[Symbol.asyncDispose]()
})

test('nothing in a name runs or breaks a page, in both languages at 320 px', { skip: withoutBrowser }, async () => {
  const { context, tab, complaints } = await open({ viewport: { width: 320, height: 640 } })

  const found: string[] = []
  for (const [set, language] of [
    ['markup', 'zh'],
    ['long', 'en'],
  ] as const) {
    for (const page of PAGES) {
      const note = (problem: string) => void found.push(`${page}, ${set}: ${problem}`)
      await tab.goto(gallery.href(page, set, language), { waitUntil: 'domcontentloaded' })
      const seen = await look(tab)
      if (seen.taken !== null) note(`ran ${seen.taken}`)
      if (seen.width > 320) note(`${seen.width} px wide`)
      if (!seen.language.startsWith(language)) note(`says that it is in ${seen.language}`)
      if (seen.headings !== 1) note(`${seen.headings} headings of the first order`)
      seen.foreign.forEach(note)
      seen.unlabelled.forEach((field) => note(`no label on ${field}`))
      complaints().forEach(note)
      if (language === 'en' && /[\u4e00-\u9fff]/.test(seen.text)) note(`Chinese in ${seen.text}`)
    }
  }
  await context.close()

  assert.deepEqual(found, [])
})

test('an address of a logo that is a script is no logo', { skip: withoutBrowser }, async () => {
  const { context, tab } = await open()

  await tab.goto(gallery.href('choice', 'address'))
  const images = await tab.locator('img').count()
  await context.close()

  assert.equal(images, 0)
})

test('names that turn their direction are shown, not obeyed', { skip: withoutBrowser }, async () => {
  const { context, tab } = await open()

  await tab.goto(gallery.href('bind', 'direction', 'en'))
  const heading = await tab.locator('header').innerText()
  await context.close()

  assert.match(heading, /abc\[U\+202E\]gnp\.exe\[U\+202C\]/)
  assert.doesNotMatch(heading, /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/)
})

test('the keyboard reaches everything, in the order of the page', { skip: withoutBrowser }, async () => {
  const { context, tab } = await open()

  for (const page of [
    'plain',
    'choice',
    'wechat',
    'password-wrong',
    'bind',
    'number-asked',
    'refused-expired',
    'confirm-sign-out',
    ACCOUNT,
  ]) {
    await tab.goto(gallery.href(page))
    const wanted = await tab.evaluate<string[]>('inPage.stops()')
    const reached: string[] = []
    // Once round, and past the browser's own controls.
    for (let step = 0; step <= wanted.length; step++) {
      await tab.keyboard.press('Tab')
      reached.push(await tab.evaluate<string>('inPage.stop()'))
    }

    assert.ok(wanted.length > 0, page)
    const round = reached.filter((stop) => stop !== 'nothing').slice(0, wanted.length)
    const first = wanted.indexOf(round[0] ?? '')
    assert.deepEqual(round, [...wanted.slice(first), ...wanted.slice(0, first)], page)
  }
  await context.close()
})

test('the first view weighs less than 30 kB and shows its ways without scripts', { skip: withoutBrowser }, async () => {
  const { context, tab } = await open({ javaScriptEnabled: false })
  let bytes = 0
  let requests = 0
  tab.on('response', (response) => {
    requests++
    void response.body().then((body) => (bytes += body.length))
  })

  await tab.goto(gallery.href('plain'), { waitUntil: 'networkidle' })
  const link = tab.getByRole('link', { name: '前往企业微信页面登录' })
  assert.ok(await link.isVisible())
  assert.ok(await tab.getByRole('link', { name: '海外分公司' }).isVisible())
  await tab.goto(gallery.href('panel'))
  assert.ok(await link.isVisible(), 'beside a panel that cannot be there')
  assert.equal(await tab.locator('#panel').isVisible(), false)
  await tab.goto(gallery.href('password-only'))
  assert.ok(await tab.getByLabel('密码').isVisible())
  await context.close()

  const { context: usual, tab: second } = await open()
  const sizes = new Map<string, number>()
  second.on('response', (response) => void response.body().then((body) => sizes.set(response.url(), body.length)))
  await second.goto(gallery.href('plain'), { waitUntil: 'networkidle' })
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  await usual.close()

  assert.ok(requests > 0 && bytes > 0)
  assert.ok(sizes.size <= 3, `${sizes.size} requests`)
  assert.ok(total < 30_000, `${total} bytes, uncompressed`)
})

test(
  'a form that ends at another origin gets there by a page that goes on, not by a redirect',
  {
    skip: withoutBrowser,
  },
  async () => {
    const { context, tab, complaints } = await open()
    const fillIn = async (page: string) => {
      await tab.goto(gallery.href(page))
      await tab.getByLabel('用户名').fill('zhang.san')
      await tab.getByLabel('密码').fill('a secret of theirs')
    }

    await fillIn('password-only')
    await tab.getByRole('button', { name: '登录' }).click()
    await tab.getByText('arrived').waitFor()
    const onTheWay = complaints().filter((complaint) => complaint.includes('Security Policy'))
    await fillIn('bind')
    const stopped = tab.waitForEvent('console', (message) => message.text().includes('form-action'))
    await tab.getByRole('button', { name: '关联此账号' }).click()
    await stopped
    await context.close()

    assert.deepEqual(onTheWay, [])
  },
)

interface Opened {
  readonly context: BrowserContext
  readonly tab: Page
  /** What the browser has complained about since it was asked last: scripts that were stopped, errors, dialogs. */
  complaints(): string[]
}

async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Opened> {
  const context = await browser.newContext(options)
  await context.addInitScript({ path: join(import.meta.dirname, 'in-page.js') })
  const tab = await context.newPage()
  let found: string[] = []
  tab.on('console', (message) => {
    // WeCom is out of reach here, and the page says so itself.
    if (message.type() === 'error' && !message.text().includes('ERR_NAME_NOT_RESOLVED')) found.push(message.text())
  })
  tab.on('pageerror', (error) => found.push(String(error)))
  tab.on('dialog', (dialog) => {
    found.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  return {
    context,
    tab,
    complaints() {
      const before = found
      found = []
      return before
    },
  }
}

interface Look {
  readonly taken: number | null
  readonly width: number
  readonly foreign: readonly string[]
  readonly language: string
  readonly unlabelled: readonly string[]
  readonly headings: number
  readonly text: string
}

/** Asked by text, because the functions are the page's and not ours. */
function look(tab: Page): Promise<Look> {
  return tab.evaluate<Look>('inPage.look()')
}

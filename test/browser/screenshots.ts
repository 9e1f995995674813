/**
 * `node test/browser/screenshots.ts FOLDER [PAGE…]`: pictures of the pages, to be looked at after a change of their looks:
 * three widths, light and dark, Chinese and English. The way from page to page is in flows.test.ts, which takes pictures, too.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startChromium } from './chromium.ts'
import { ACCOUNT, startGallery, views } from './gallery.ts'

const [folder = 'screenshots', ...wished] = process.argv.slice(2)
const SIZES = { 1280: 900, 768: 1024, 320: 640 } as const

mkdirSync(folder, { recursive: true })
const browser = await startChromium()
await using gallery = await startGallery()
try {
  const pages = [ACCOUNT, ...Object.keys(views('ordinary'))].filter(
    (page) => wished.length === 0 || wished.includes(page),
  )
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [width, height] of Object.entries(SIZES)) {
      const context = await browser.newContext({ colorScheme, viewport: { width: Number(width), height } })
      const tab = await context.newPage()
      for (const page of pages) {
        for (const language of ['zh', 'en'] as const) {
          await tab.goto(gallery.href(page, 'ordinary', language))
          await tab.screenshot({
            path: join(folder, `${page}-${language}-${width}-${colorScheme}.png`),
            fullPage: true,
          })
        }
      }
      await context.close()
    }
  }
} finally {
  await browser.close()
}

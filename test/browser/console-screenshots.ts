/**
 * `node test/browser/console-screenshots.ts FOLDER [PLACE…]`: pictures of every page of the console, to be looked at after a
 * change of its looks: both languages, light and dark, at 1440 and 768 px, of a company of 300 people with something of
 * everything. `--readme` takes the six of docs/pictures instead, and `node test/browser/console-screenshots.ts docs/pictures
 * --readme` replaces them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setCompany } from './console-company.ts'
import { placesOf } from './console-places.ts'

const [folder = 'screenshots', ...wished] = process.argv.slice(2)
/** What the README shows, in windows of 1440 pixels that are so high: two in a row are the same, and show what they are there for. */
const README: Readonly<Record<string, number>> = {
  overview: 1400,
  'run-held': 1400,
  'people-department': 1240,
  'connection-doctor': 1240,
  'review-open': 1080,
  'wizard-credentials': 1080,
}
const SIZES = { 1440: 900, 768: 1024 } as const
const LANGUAGES = { zh: 'zh-CN', en: 'en' } as const

mkdirSync(folder, { recursive: true })
const { stage, subjects } = await setCompany(300)
await using _ = stage
const isForReadme = wished.includes('--readme')
const names = isForReadme ? Object.keys(README) : wished
const places = placesOf(subjects).filter(({ name }) => names.length === 0 || names.includes(name))
for (const [language, locale] of Object.entries(LANGUAGES)) {
  for (const colorScheme of isForReadme ? (['light'] as const) : (['light', 'dark'] as const)) {
    await using visit = await stage.visitAs('owner', { locale, colorScheme })
    const { tab } = visit
    for (const [width, height] of Object.entries(isForReadme ? { 1440: 900 } : SIZES)) {
      for (const { name, path } of places) {
        await tab.setViewportSize({ width: Number(width), height: isForReadme ? README[name]! : height })
        await tab.goto(stage.address(path))
        await tab.getByRole('heading', { level: 1 }).waitFor()
        await visit.settled()
        const file = isForReadme ? `${name}.${language}.png` : `${name}-${language}-${width}-${colorScheme}.png`
        await tab.screenshot({ path: join(folder, file), fullPage: !isForReadme })
      }
    }
    for (const complaint of visit.complaints) console.error(complaint)
  }
}

/**
 * Every page of the console for people who use a keyboard, a screen reader, a narrow or a dark screen: axe finds nothing
 * serious, and the page is no wider than its window. An owner sees everything in two combinations that differ in all of
 * language, colours and width; an auditor, whose pages have less on them, sees every second page in each of the other two.
 * An everyday run looks at a quarter of the pages once, each in the next of the four combinations.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { extent } from '../../server/test-support/extent.ts'
import { withoutBrowser } from './chromium.ts'
import { setCompany } from './console-company.ts'
import { placesOf, type Place } from './console-places.ts'
import type { ConsoleStage } from './console-stage.ts'

/** Two combinations take all of the pages, and two half of them. */
const ALL_QUARTERS = 12
const QUARTERS = extent('looks at a quarter of the pages', { everyday: 1, thorough: ALL_QUARTERS })

const COMBINATIONS = [
  { role: 'owner', locale: 'en', colorScheme: 'light', width: 1440, takes: () => true },
  { role: 'owner', locale: 'zh-CN', colorScheme: 'dark', width: 768, takes: () => true },
  { role: 'auditor', locale: 'en', colorScheme: 'dark', width: 1440, takes: (index: number) => index % 2 === 0 },
  { role: 'auditor', locale: 'zh-CN', colorScheme: 'light', width: 768, takes: (index: number) => index % 2 === 1 },
] as const

describe('every page of the console has no barrier', { skip: withoutBrowser }, () => {
  let stage: ConsoleStage
  let places: readonly Place[]

  before(async () => {
    const company = await setCompany(80)
    stage = company.stage
    places = placesOf(company.subjects)
  })
  after(() => stage?.[Symbol.asyncDispose]())

  for (const [turn, { role, locale, colorScheme, width, takes }] of COMBINATIONS.entries()) {
    test(`as ${role}, in ${locale}, ${colorScheme}, at ${width} px`, async () => {
      await using visit = await stage.visitAs(role, {
        locale,
        colorScheme,
        viewport: { width, height: 1000 },
      })
      const { tab } = visit
      const found: string[] = []

      const isNext = (index: number) => index % (4 * COMBINATIONS.length) === 4 * turn
      const looked = places.filter((_, index) => (QUARTERS < ALL_QUARTERS ? isNext(index) : takes(index)))

      for (const { name, path } of looked) {
        await visit.open(path)
        for (const barrier of await visit.barriers()) found.push(`${name}: ${barrier}`)
        const wide = await tab.evaluate<number>('document.documentElement.scrollWidth')
        if (wide > width) found.push(`${name}: ${wide} px wide`)
      }

      assert.deepEqual([found, visit.complaints], [[], []])
    })
  }
})

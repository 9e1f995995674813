/**
 * How Chinese is pronounced: for login names one reading, for searching every one that somebody may type. Owns pinyin-pro,
 * which is loaded when it is needed first, so that nobody else pays its time and memory (a tenth of a second, 10 MB).
 */

/** 张三 → zhangsan, 吕布 → lvbu, 尉迟恭 → yuchigong. What is left is fit for a login name: other signs are dropped. */
export async function loadPinyin(): Promise<(text: string) => string> {
  const { pinyin } = await import('pinyin-pro')
  return (text) =>
    pinyin(text, { toneType: 'none', separator: '', surname: 'head', v: true, nonZh: 'consecutive' })
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9._-]/g, '')
}

/** One way to pronounce a text, syllable by syllable; what is not Chinese stays a piece as it is. */
export type Reading = readonly string[]

/** @returns the likeliest reading first; none for a text without Chinese */
export type Readings = (text: string, as: 'name' | 'words') => readonly Reading[]

/** Whether `Readings` have anything to say about a text; else they need not be loaded. */
export function isChinese(text: string): boolean {
  return /\p{Script=Han}/u.test(text)
}

/** Further readings of one character: 乐 is le and yue, and after that it becomes rare. */
const MOST_OTHERS = 2
/** Of a text. A person has few uncertain characters; in the tail of a long department name only the likeliest counts. */
const MOST_READINGS = 16
/** Characters of a text; people type the beginning. */
const LONGEST = 64

export async function loadReadings(): Promise<Readings> {
  const { pinyin, polyphonic } = await import('pinyin-pro')
  return (text, as) => {
    if (!isChinese(text)) return []
    const read = Array.from(text).slice(0, LONGEST).join('')
    const characters = pinyin(read, {
      toneType: 'none',
      type: 'all',
      v: true,
      surname: as === 'name' ? 'head' : 'off',
    })
    const others = polyphonic(read, { toneType: 'none', type: 'array', v: true })
    let readings: string[][] = [[]]
    let isInWord = false
    characters.forEach(({ origin, pinyin: likeliest, isZh }, index) => {
      if (!isZh) {
        const letters = origin.trim()
        // Latin letters come one by one, and a word of them is one piece.
        readings = readings.map((pieces) => {
          if (letters === '') return pieces
          return isInWord ? [...pieces.slice(0, -1), `${pieces.at(-1)}${letters}`] : [...pieces, letters]
        })
        isInWord = letters !== ''
        return
      }
      isInWord = false
      const ways = [likeliest, ...(others[index] ?? []).filter((other) => other !== likeliest).slice(0, MOST_OTHERS)]
      const spelled = ways.flatMap(spellings)
      const room = Math.max(1, Math.floor(MOST_READINGS / readings.length))
      readings = spelled.slice(0, room).flatMap((syllable) => readings.map((pieces) => [...pieces, syllable]))
    })
    return readings
  }
}

/** ü is v on keyboards and in login names, u to whoever does not care, and yu in passports. */
function spellings(syllable: string): string[] {
  return /^[ln]v/.test(syllable) ? ['v', 'u', 'yu'].map((vowel) => syllable.replace('v', vowel)) : [syllable]
}

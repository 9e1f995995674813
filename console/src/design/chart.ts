/** Where the marks of a chart go. Pure: numbers in, numbers out; chart.tsx draws them. */

export interface Frame {
  /** Pixels, of the whole picture and of what its axes take. */
  readonly width: number
  readonly height: number
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A round number at or above the highest value, and the ticks below it: 0 to 4 steps of 1, 2 or 5 times a power of ten. */
export function scaleOf(highest: number, isWhole = true): { top: number; ticks: number[] } {
  const wanted = Math.max(highest, isWhole ? 1 : 0.1) / 4
  const power = 10 ** Math.floor(Math.log10(wanted))
  const rounded = [1, 2, 5, 10].find((factor) => factor * power >= wanted - power * 1e-9)! * power
  const step = isWhole ? Math.max(1, rounded) : rounded
  const count = Math.ceil(highest / step - 1e-9) || 1
  // Multiplied and not added up, and cut to what a person would write: 0.3, not 0.30000000000000004.
  const ticks = Array.from({ length: count + 1 }, (_, place) => Number((place * step).toPrecision(12)))
  return { top: ticks.at(-1)!, ticks }
}

/** From a value to its height in the picture. */
export function heightAt(value: number, top: number, { height, top: above, bottom }: Frame): number {
  return above + (height - above - bottom) * (1 - value / top)
}

/** The band of one of `count` places, left to right. */
export function bandAt(place: number, count: number, { width, left, right }: Frame): { x: number; width: number } {
  const band = (width - left - right) / Math.max(1, count)
  return { x: left + place * band, width: band }
}

/** Which places get a label, so that `most` of them fit: always the last one, then every so many before it. */
export function labelled(count: number, most: number): Set<number> {
  const every = Math.max(1, Math.ceil(count / Math.max(1, most)))
  const places = new Set<number>()
  for (let place = count - 1; place >= 0; place -= every) places.add(place)
  return places
}

/** A line through the values; where one is unknown the line has a gap. SVG path data. */
export function pathOf(values: readonly (number | null)[], top: number, frame: Frame): string {
  let isDrawing = false
  let path = ''
  for (const [place, value] of values.entries()) {
    if (value === null) {
      isDrawing = false
      continue
    }
    const band = bandAt(place, values.length, frame)
    path += `${isDrawing ? 'L' : 'M'}${(band.x + band.width / 2).toFixed(1)} ${heightAt(value, top, frame).toFixed(1)}`
    isDrawing = true
  }
  return path
}

/** Places of known values with unknown ones on both sides: a line does not show them. */
export function lonePlaces(values: readonly (number | null)[]): number[] {
  const isKnown = (place: number) => values[place] !== null && values[place] !== undefined
  return [...values.keys()].filter((place) => isKnown(place) && !isKnown(place - 1) && !isKnown(place + 1))
}

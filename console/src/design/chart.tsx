/**
 * Small charts over time, drawn as SVG: lines, or bars that stand on each other. Everything in them is also a table, for
 * whoever cannot see the picture or wants the numbers; no value is told by colour alone.
 */
import { theme } from 'antd'
import { useId, useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { bandAt, heightAt, labelled, lonePlaces, pathOf, scaleOf, type Frame } from './chart.ts'
import { numberText } from './when.tsx'

export interface Series {
  readonly name: string
  /** One for each label; null where nobody knows. */
  readonly values: readonly (number | null)[]
  readonly tone: Tone
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain' | 'quiet'

const HEIGHT = 200
/** Of a character of a label, at most, and of the space around it. */
const CHARACTER_WIDTH = 7
const LABEL_SPACE = 28
const WIDEST_BAR = 32

export function Chart({
  title,
  labels,
  series,
  kind,
  isWhole = true,
  format = numberText,
}: {
  title: string
  /** Of the places, left to right. */
  labels: readonly string[]
  series: readonly Series[]
  kind: 'lines' | 'bars'
  /** Whether a fraction of a value makes no sense. */
  isWhole?: boolean
  format?: (value: number) => string
}) {
  const { t } = useTranslation('design')
  const colours = useColoursOfTones()
  const { token } = theme.useToken()
  const [box, width] = useWidth()
  const titleId = useId()
  const frame: Frame = { width, height: HEIGHT, left: 52, right: 12, top: 10, bottom: 24 }
  const heights = labels.map((_, place) =>
    kind === 'lines'
      ? Math.max(0, ...series.map(({ values }) => values[place] ?? 0))
      : series.reduce((sum, { values }) => sum + (values[place] ?? 0), 0),
  )
  const { top, ticks } = scaleOf(Math.max(0, ...heights), isWhole)
  const longest = Math.max(0, ...labels.map(({ length }) => length))
  const named = labelled(labels.length, (width - frame.left) / (longest * CHARACTER_WIDTH + LABEL_SPACE))

  return (
    <figure style={{ margin: 0 }} aria-labelledby={titleId}>
      <figcaption id={titleId} style={{ fontWeight: 600 }}>
        {title}
      </figcaption>
      <ul style={{ display: 'flex', flexWrap: 'wrap', gap: 16, listStyle: 'none', margin: '4px 0', padding: 0 }}>
        {series.map(({ name, tone }) => (
          <li key={name} style={{ color: token.colorTextDescription }}>
            <svg width="10" height="10" aria-hidden="true">
              <rect width="10" height="10" rx="2" fill={colours[tone]} />
            </svg>{' '}
            {name}
          </li>
        ))}
      </ul>
      <div ref={box}>
        <svg width={width} height={HEIGHT} aria-hidden="true" style={{ display: 'block' }}>
          {ticks.map((tick) => {
            const y = heightAt(tick, top, frame)
            return (
              <g key={tick}>
                <line x1={frame.left} x2={width - frame.right} y1={y} y2={y} stroke={token.colorBorderSecondary} />
                <text x={frame.left - 8} y={y + 4} textAnchor="end" fontSize="11" fill={token.colorTextDescription}>
                  {format(tick)}
                </text>
              </g>
            )
          })}
          {labels.map((label, place) => {
            const band = bandAt(place, labels.length, frame)
            return (
              // oxlint-disable-next-line react/no-array-index-key -- places never change places
              <g key={place}>
                {kind === 'bars' && <Bar place={place} band={band} series={series} top={top} frame={frame} />}
                {named.has(place) && (
                  <text
                    x={band.x + band.width / 2}
                    y={HEIGHT - 6}
                    textAnchor="middle"
                    fontSize="11"
                    fill={token.colorTextDescription}
                  >
                    {label}
                  </text>
                )}
                <rect
                  x={band.x}
                  y={frame.top}
                  width={band.width}
                  height={HEIGHT - frame.top - frame.bottom}
                  fill="none"
                  pointerEvents="all"
                >
                  <title>{tipOf(label, series, place, format)}</title>
                </rect>
              </g>
            )
          })}
          {kind === 'lines' &&
            series.map(({ name, values, tone }) => (
              <g key={name} fill="none" stroke={colours[tone]} strokeWidth="2" pointerEvents="none">
                <path d={pathOf(values, top, frame)} />
                {lonePlaces(values).map((place) => {
                  const band = bandAt(place, values.length, frame)
                  return (
                    <circle
                      key={place}
                      r="2"
                      cx={band.x + band.width / 2}
                      cy={heightAt(values[place] ?? 0, top, frame)}
                    />
                  )
                })}
              </g>
            ))}
        </svg>
      </div>
      <details>
        <summary style={{ color: token.colorTextDescription, cursor: 'pointer' }}>{t('chartTable')}</summary>
        <div style={{ maxHeight: 240, overflow: 'auto' }} tabIndex={0} role="group" aria-label={title}>
          <table style={{ fontVariantNumeric: 'tabular-nums' }}>
            <thead>
              <tr>
                <td />
                {series.map(({ name }) => (
                  <th key={name} scope="col" style={{ textAlign: 'end', paddingInline: 8 }}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map((label, place) => (
                // oxlint-disable-next-line react/no-array-index-key -- places never change places
                <tr key={place}>
                  <th scope="row" style={{ textAlign: 'start', fontWeight: 'normal' }}>
                    {label}
                  </th>
                  {series.map(({ name, values }) => (
                    <td key={name} style={{ textAlign: 'end', paddingInline: 8 }}>
                      {valueText(values[place], format)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  )
}

function Bar({
  place,
  band,
  series,
  top,
  frame,
}: {
  place: number
  band: { x: number; width: number }
  series: readonly Series[]
  top: number
  frame: Frame
}) {
  const colours = useColoursOfTones()
  const width = Math.max(1, Math.min(WIDEST_BAR, band.width * 0.8))
  let below = 0
  return series.map(({ name, values, tone }) => {
    const value = values[place] ?? 0
    const y = heightAt(below + value, top, frame)
    const height = heightAt(below, top, frame) - y
    below += value
    return (
      <rect key={name} x={band.x + (band.width - width) / 2} width={width} y={y} height={height} fill={colours[tone]} />
    )
  })
}

function tipOf(label: string, series: readonly Series[], place: number, format: (value: number) => string): string {
  const values = series.map(({ name, values }) => `${name}: ${valueText(values[place], format)}`)
  return [label, ...values].join('\n')
}

function valueText(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value)
}

function useColoursOfTones(): Readonly<Record<Tone, string>> {
  const { token } = theme.useToken()
  return {
    good: token.colorSuccess,
    bad: token.colorError,
    warn: token.colorWarning,
    plain: token.colorPrimary,
    quiet: token.colorTextQuaternary,
  }
}

/** Of the element, as it is now. */
function useWidth() {
  const element = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(480)
  useLayoutEffect(() => {
    if (element.current === null) return undefined
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.max(160, Math.floor(entry.contentRect.width)))
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [])
  return [element, width] as const
}

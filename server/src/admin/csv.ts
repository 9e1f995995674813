/** Rows of comma-separated values (RFC 4180) that a spreadsheet shows and never runs. Pure. */

/**
 * One row with its line end. Objects become JSON. A cell that a spreadsheet would take for a formula gets an apostrophe
 * in front, also when it starts with a full-width sign or white space (threats.md C-13).
 */
export function csvRow(cells: readonly unknown[]): string {
  return `${cells.map(cell).join(',')}\r\n`
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const harmless = /^[\s\p{Cc}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(text) ? `'${text}` : text
  return /[",\r\n]|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

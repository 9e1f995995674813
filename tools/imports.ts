/**
 * Finds what a TypeScript file imports, without a compiler (TypeScript 7 has no library, and type stripping removes the
 * type imports that import-rules.ts has to see). Reads tokens, so that words in comments, strings, templates and regular
 * expressions are not taken for imports. Called by import-rules.ts only.
 */

export type Import = {
  readonly specifier: string
  /** `type`: gone when the code runs. `import { type A }` is a value import: the module is still loaded. */
  readonly kind: 'value' | 'type'
  readonly line: number
}

export function findImports(source: string): Import[] {
  const tokens = tokenize(source)
  const found: Import[] = []

  for (let at = 0; at < tokens.length; at++) {
    if (isWord(tokens[at - 1], '.')) continue // a property of this name
    if (isWord(tokens[at], 'import') || isWord(tokens[at], 'require')) {
      const imported = isWord(tokens[at + 1], '(')
        ? called(tokens, at)
        : isWord(tokens[at], 'import')
          ? declared(tokens, at)
          : undefined
      if (imported !== undefined) found.push(imported)
    } else if (isWord(tokens[at], 'export')) {
      const imported = reexported(tokens, at)
      if (imported !== undefined) found.push(imported)
    }
  }
  return found
}

/** `import('x')` and `require('x')`. As a type (`typeof import('x')`) it counts as a value: the linter asks for `import type`. */
function called(tokens: readonly Token[], at: number): Import | undefined {
  const argument = tokens[at + 2]
  return argument?.kind === 'text' ? { specifier: argument.text, kind: 'value', line: argument.line } : undefined
}

/** `import 'x'`, `import a, { b } from 'x'`, `import type { a } from 'x'`, `import type from 'x'` (which names a value `type`). */
function declared(tokens: readonly Token[], at: number): Import | undefined {
  const next = tokens[at + 1]
  if (next?.kind === 'text') return { specifier: next.text, kind: 'value', line: next.line }
  if (isWord(next, '.')) return undefined // import.meta

  const isType =
    isWord(next, 'type') &&
    !isWord(tokens[at + 2], ',') &&
    !(isWord(tokens[at + 2], 'from') && tokens[at + 3]?.kind === 'text')
  return fromClause(tokens, at + 1, isType)
}

/** `export { a } from 'x'`, `export * as a from 'x'`, `export type { a } from 'x'`; not `export { a }` or `export type A = …`. */
function reexported(tokens: readonly Token[], at: number): Import | undefined {
  const isType = isWord(tokens[at + 1], 'type')
  const start = isType ? at + 2 : at + 1
  return isWord(tokens[start], '{') || isWord(tokens[start], '*') ? fromClause(tokens, start, isType) : undefined
}

/** Reads names, commas, stars and one pair of braces up to `from 'x'`; anything else means that there is no such clause. */
function fromClause(tokens: readonly Token[], start: number, isType: boolean): Import | undefined {
  let closed = false
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at]
    const next = tokens[at + 1]
    if (isWord(token, 'from') && next?.kind === 'text') {
      return { specifier: next.text, kind: isType ? 'type' : 'value', line: next.line }
    }
    if (closed || token === undefined) return undefined
    if (isWord(token, '}')) closed = true
    if (token.kind === 'word' && !/^[\p{ID_Continue}$*,{}]+$/u.test(token.text)) return undefined
  }
  return undefined
}

// ---- Tokens ---------------------------------------------------------------------------------------------------------

/** `word`: a name, number or one punctuation character. `text`: a string literal without its quotes. */
type Token = { readonly kind: 'word' | 'text' | 'other'; readonly text: string; readonly line: number }

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text
}

const SKIP = /\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y
const NAME = /[\p{ID_Start}$_#\d][\p{ID_Continue}$\u200c\u200d]*/uy
/** An unfinished string ends with its line: in JSX text an apostrophe is no string, and the rest of the file still counts. */
const STRING = /'((?:[^'\\\n]|\\[\s\S])*)'?|"((?:[^"\\\n]|\\[\s\S])*)"?/y
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** A piece of a template: up to its end or to the next `${`. */
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  /** For each open brace whether it is the `${` of a template, whose text goes on behind its `}`. */
  const braces: ('block' | 'template')[] = []
  let position = 0
  let line = 1

  function take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = position
    const match = pattern.exec(source)
    if (match === null || match[0] === '') return undefined
    position += match[0].length
    return match
  }
  function push(kind: Token['kind'], text: string, consumed: string): void {
    tokens.push({ kind, text, line })
    line += consumed.split('\n').length - 1
  }
  function takeTemplate(): void {
    const piece = take(TEMPLATE)?.[0] ?? ''
    push('other', '', piece)
    if (piece.endsWith('${')) braces.push('template')
  }

  while (position < source.length) {
    const skipped = take(SKIP)
    if (skipped !== undefined) {
      line += skipped[0].split('\n').length - 1
      continue
    }
    const string = take(STRING)
    if (string !== undefined) {
      push('text', string[1] ?? string[2] ?? '', string[0])
      continue
    }
    const name = take(NAME)
    if (name !== undefined) {
      push('word', name[0], '')
      continue
    }
    if (source[position] === '/' && mayStartExpression(tokens.at(-1))) {
      const expression = take(REGULAR_EXPRESSION)
      if (expression !== undefined) {
        push('other', '', '')
        continue
      }
    }
    const character = source[position] ?? ''
    position++
    if (character === '`') {
      takeTemplate()
    } else if (character === '}' && braces.pop() === 'template') {
      takeTemplate()
    } else {
      if (character === '{') braces.push('block')
      push('word', character, '')
    }
  }
  return tokens
}

/** Whether a slash after this token begins a regular expression; otherwise it divides. Wrong only after `if (…)`. */
function mayStartExpression(previous: Token | undefined): boolean {
  if (previous === undefined) return true
  if (previous.kind !== 'word') return false
  if (/^(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield|instanceof)$/.test(previous.text))
    return true
  return !/^[\p{ID_Continue}$#)\]]/u.test(previous.text)
}

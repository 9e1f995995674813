import { inspect } from 'node:util'

const MASK = '[secret]'

/**
 * Text that must not be printed: a key, a token, a password. It shows as `[secret]` in strings, JSON, logs and the
 * inspector, so that only a visible `.reveal()` lets it out. Guards against accidents, not against code of ours.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [inspect.custom](): string {
    return MASK
  }
}

/**
 * An endpoint as a value: everything that the server needs to route, check and document it, and a client to call it.
 * Also the types that follow from one. Paths are below `/api/v1`.
 */
import type { z } from 'zod'
import type { Role } from './formats.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

/** A body in several media types; JSON is always one of them. */
export interface Representations {
  readonly description: string
  readonly content: { readonly 'application/json': { readonly schema: z.ZodType } } & {
    readonly [mediaType: string]: { readonly schema: z.ZodType }
  }
}

export interface Endpoint {
  /** Unique; the operation id of the OpenAPI document. */
  readonly operationId: string
  readonly method: Method
  /** With `:name` for parameters. */
  readonly path: `/${string}`
  /** One line. */
  readonly summary: string
  /** What the summary leaves out: effects, refusals by their permanent code. */
  readonly description?: string
  readonly tag: string
  /**
   * The least role that may call it. `any`: whoever is recognised, also somebody who is signed in and has no role. null:
   * everybody, where the body itself proves the right.
   */
  readonly role: Role | 'any' | null
  /**
   * A dangerous act: somebody with a browser must have signed in or confirmed their session in the last ten minutes, else
   * 403 auth/confirm-first. API tokens and the local door need no confirmation.
   */
  readonly confirm?: true
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  /** Media types of the body, where it is not only JSON. */
  readonly consumes?: readonly string[]
  /** The one successful answer, under its status. Every error is a `Problem`. */
  readonly responses: { readonly [status: number]: z.ZodType | Representations }
}

/** Keeps the exact type of an endpoint while checking that it is one. */
export function endpoint<const E extends Endpoint>(given: E): E {
  return given
}

type Schema<T> = T extends z.ZodType
  ? T
  : T extends Representations
    ? T['content']['application/json']['schema']
    : never
type Successes<E extends Endpoint> = Schema<E['responses'][keyof E['responses']]>

/** What a caller has to send: exactly the parts that the endpoint has; a part is optional when all its members are. */
export type Sent<E extends Endpoint> = Part<'params', E['params']> & Part<'query', E['query']> & Part<'body', E['body']>

type Part<Name extends string, S> = S extends z.ZodType
  ? // oxlint-disable-next-line typescript/no-empty-object-type -- asks "could the caller leave everything out?"
    {} extends z.input<S>
    ? { [N in Name]?: z.input<S> }
    : { [N in Name]: z.input<S> }
  : unknown

/** What the caller gets: ids are branded. */
export type Result<E extends Endpoint> = z.output<Successes<E>>

/** What the server has to answer: the same with ids as plain strings. */
export type Reply<E extends Endpoint> = z.input<Successes<E>>

/** What the server has received once it was checked: defaults are filled in. */
export type Received<E extends Endpoint, Name extends 'params' | 'query' | 'body'> = E[Name] extends z.ZodType
  ? z.output<E[Name]>
  : undefined

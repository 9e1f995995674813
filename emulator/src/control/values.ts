/** Values that functions of both halves of the control surface take over HTTP. */
import { either, integer, listOf, object, oneOf, text } from '../shape.ts'

/** The argument of a control function. */
export type Argument<F> = F extends (argument: infer A) => unknown ? A : undefined

/** Addresses or hosts; `any` switches the check off. */
export const hosts = either(oneOf('any'), listOf(text))

export const visibleRange = object({ departments: listOf(integer(0)), members: listOf(text), tags: listOf(integer(0)) })

/**
 * The number that a second browser has to name, when WeCom's client came back in another one than the first: `/signin/number`,
 * which belongs to no request, only to the attempt that this browser carries. The first browser shows the number and goes on.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Admitting } from './admitting.ts'
import type { Attempt, Attempts } from './attempts.ts'
import type { Browsers } from './browser.ts'
import { redirect, type Showing } from './showing.ts'

export interface NumberStepParts {
  readonly attempts: Attempts
  readonly admitting: Admitting
  readonly browsers: Browsers
  readonly showing: Showing
}

const NumberBody = z.object({ number: z.string().max(16), token: z.string().max(512) })

export function createNumberStep({ attempts, admitting, browsers, showing }: NumberStepParts) {
  const { show, formFor, readForm } = showing

  return { showNumberForm, takeNumber }

  async function showNumberForm(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const attempt = await carriedAttempt(request)
    if (attempt === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    if (attempt.phase !== 'carried') return show(request, reply, null, { kind: 'number-right' })
    return showNumberQuestion(request, reply, attempt, false)
  }

  async function takeNumber(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const attempt = await carriedAttempt(request)
    const { number } = readForm(request, null, 'number', NumberBody)
    if (attempt === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const outcome = await attempts.tryNumber(attempt.id, browsers.hashOf(request)!, number.trim())
    if (outcome === 'right') return redirect(reply, '/signin/number')
    if (outcome === 'wrong') return showNumberQuestion(request, reply, attempt, true)
    const settled = await admitting.refuse(attempt, 'carried', { reason: 'number-wrong' }, browsers.placeOf(request))
    if (settled.kind !== 'refused') return show(request, reply, null, { kind: 'expired' }, 404)
    return show(request, reply, null, { ...settled, againHref: null }, 403)
  }

  function showNumberQuestion(request: FastifyRequest, reply: FastifyReply, attempt: Attempt, isWrong: boolean) {
    const form = formFor(request, null, 'number')
    const { applicationName } = attempt
    return show(request, reply, null, { kind: 'number-asked', form, applicationName, isWrong }, isWrong ? 403 : 200)
  }

  async function carriedAttempt(request: FastifyRequest): Promise<Attempt | undefined> {
    const hash = browsers.hashOf(request)
    return hash === undefined ? undefined : attempts.carriedBy(hash)
  }
}

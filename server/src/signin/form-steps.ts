/**
 * The steps that people take with the forms of the pages of one request: a password, a new one in its place, whose account
 * it is, a new account, or none of it. Each reads the form, has it judged by password-door.ts or admitting.ts, and sends the
 * browser back to the dispatcher, or shows the form again with what was wrong.
 */
import { FEWEST_CHARACTERS } from '@muster/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { Attempt } from './attempts.ts'
import type { Browsers } from './browser.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { NewPasswordProblem, PasswordProblem } from './pages/views.ts'
import type { PasswordDoor, PasswordOutcome, Typed } from './password-door.ts'
import type { Showing } from './showing.ts'
import type { SignInRequest } from './signin.ts'
import type { Visits } from './visits.ts'

export interface FormStepParts {
  readonly browsers: Browsers
  readonly passwordDoor: PasswordDoor
  readonly visits: Visits
  readonly showing: Showing
  readonly dispatcher: Dispatcher
}

const Text = z.string().max(512)
const Password = z.string().max(2_000)
const PasswordBody = z.object({ username: Text, password: Password, token: Text })
const NewPasswordBody = z.object({
  username: Text,
  current: Password,
  password: Password,
  repeated: Password,
  token: Text,
})
const TokenBody = z.object({ token: Text })

export function createFormSteps({ browsers, passwordDoor, visits, showing, dispatcher }: FormStepParts) {
  const { show, goOn, formFor, readForm } = showing
  const { settleHere, showSignIn, showBinding } = dispatcher

  return { takePassword, takeNewPassword, takeBinding, takeCreation, cancel }

  async function takePassword(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visits.loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const { username, password } = readForm(request, asked, 'password', PasswordBody)
    return signInWith(request, reply, asked, { username, password })
  }

  /** A password that somebody else has set is right once: then it is to be replaced, and counts for what it was typed for. */
  async function takeNewPassword(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visits.loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    const given = readForm(request, asked, 'new-password', NewPasswordBody)
    const { username, current: password, password: newPassword, repeated } = given
    if (newPassword !== repeated) return showPasswordChange(request, reply, asked, username, { kind: 'differs' })
    const attempt = await visits.attemptOf(request, asked)
    const typed = { username, password, newPassword }
    return attempt?.phase === 'asking'
      ? bindWith(request, reply, { asked, attempt }, typed)
      : signInWith(request, reply, asked, typed)
  }

  async function takeBinding(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const scene = await askingScene(request, reply)
    if (scene === undefined) return reply
    const { username, password } = readForm(request, scene.asked, 'bind', PasswordBody)
    return bindWith(request, reply, scene, { username, password })
  }

  async function takeCreation(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const scene = await askingScene(request, reply)
    if (scene === undefined) return reply
    readForm(request, scene.asked, 'create', TokenBody)
    return settleHere(request, reply, scene.asked, scene.attempt, { kind: 'create' })
  }

  async function cancel(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visits.loadRequest(request, reply)
    if (asked === undefined) return show(request, reply, null, { kind: 'expired' }, 404)
    readForm(request, asked, 'cancel', TokenBody)
    return goOn(request, reply, asked, await visits.requestsOf(asked.uid)!.refuse(request, reply, asked.uid))
  }

  /** undefined: answered already, because nothing is being asked. */
  async function askingScene(request: FastifyRequest, reply: FastifyReply) {
    const asked = await visits.loadRequest(request, reply)
    if (asked === undefined) {
      await show(request, reply, null, { kind: 'expired' }, 404)
      return undefined
    }
    const attempt = await visits.attemptOf(request, asked)
    if (attempt?.phase === 'asking') return { asked, attempt }
    await goOn(request, reply, asked, `/signin/${asked.uid}`)
    return undefined
  }

  async function signInWith(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    typed: Omit<Typed, 'organizationId'>,
  ): Promise<FastifyReply> {
    if (!asked.passwordSignIn) throw new AppError('auth/forbidden')
    const { organizationId, application } = asked
    const browser = browsers.placeOf(request)
    const outcome = await passwordDoor.signIn({ ...typed, organizationId }, application?.id ?? null, browser)
    if (outcome.kind !== 'proved') {
      return showProblem(request, reply, asked, typed, outcome, (problem) =>
        showSignIn(request, reply, asked, { username: typed.username, problem }),
      )
    }
    await visits.enter(request, reply, outcome.value)
    return goOn(request, reply, asked, `/signin/${asked.uid}`)
  }

  async function bindWith(
    request: FastifyRequest,
    reply: FastifyReply,
    { asked, attempt }: { asked: SignInRequest; attempt: Attempt },
    typed: Omit<Typed, 'organizationId'>,
  ): Promise<FastifyReply> {
    const { organizationId } = attempt
    const outcome = await passwordDoor.prove({ ...typed, organizationId }, browsers.placeOf(request))
    if (outcome.kind !== 'proved') {
      return showProblem(request, reply, asked, typed, outcome, (problem) =>
        showBinding(request, reply, asked, attempt, { username: typed.username, problem }),
      )
    }
    return settleHere(request, reply, asked, attempt, { kind: 'account', by: 'password', userId: outcome.value })
  }

  /** On the page where the password was typed, or on the one where a new one is. */
  async function showProblem(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    { username, newPassword }: Omit<Typed, 'organizationId'>,
    outcome: Exclude<PasswordOutcome<unknown>, { kind: 'proved' }>,
    showAgain: (problem: PasswordProblem) => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    if (outcome.kind === 'must-change') return showPasswordChange(request, reply, asked, username, null)
    void reply.code(outcome.kind === 'locked' ? 429 : outcome.kind === 'busy' ? 503 : 403)
    if (outcome.kind === 'locked') void reply.header('retry-after', String(outcome.retryAfterSeconds))
    if (outcome.kind === 'weak') {
      return showPasswordChange(request, reply, asked, username, { kind: 'refused', text: outcome.detail })
    }
    const { retryAfterSeconds } = { retryAfterSeconds: 0, ...outcome }
    const problem =
      outcome.kind === 'locked' ? ({ kind: 'throttled', retryAfterSeconds } as const) : { kind: outcome.kind }
    return newPassword === undefined ? showAgain(problem) : showPasswordChange(request, reply, asked, username, problem)
  }

  function showPasswordChange(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: SignInRequest,
    username: string,
    problem: NewPasswordProblem | null,
  ): Promise<FastifyReply> {
    const form = formFor(request, asked, 'new-password')
    const rest = { isForced: true, asksCurrent: true, minimumLength: FEWEST_CHARACTERS } as const
    return show(request, reply, asked, { kind: 'change-password', form, username, problem, ...rest })
  }
}

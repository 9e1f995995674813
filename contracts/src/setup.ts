/** The first owner of an installation, made by whoever can read what the server printed at its start. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { NewUser, User } from './users.ts'

export const SetUp = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .max(200)
      .meta({ description: 'What follows `#token=` in the line `Set-up:`.', writeOnly: true }),
    username: NewUser.shape.username,
    displayName: NewUser.shape.displayName,
    password: NewUser.shape.password.unwrap().unwrap(),
  })
  .meta({
    title: 'Set-up',
    description: 'Who becomes the first owner.',
    examples: [
      {
        token: 'from the line Set-up',
        username: 'admin',
        displayName: 'Administrator',
        password: 'correct horse battery',
      },
    ],
  })

export type SetUp = z.output<typeof SetUp>

export const setUp = endpoint({
  operationId: 'setUp',
  method: 'POST',
  path: '/setup',
  summary: 'Make the first owner',
  description:
    'Needs no credential but the token that the server printed at its start, which works once. Refused for ever with ' +
    'setup/closed as soon as there is an owner, and with setup/wrong-token.',
  tag: 'Set-up',
  role: null,
  body: SetUp,
  responses: { 201: User },
})

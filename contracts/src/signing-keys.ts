/** The keys that sign ID tokens. Applications read the public ones from the provider; here is when which one signs. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { answer, Timestamp } from './formats.ts'

export const SigningKeys = answer({
  keys: z.array(
    answer({
      kid: z.string().meta({ description: 'As in the key set that applications read.' }),
      state: z.enum(['current', 'next', 'retired']).meta({
        description:
          'One signs, one is published and waits for its turn, those that signed before are still published.',
      }),
      createdAt: Timestamp,
      activatedAt: Timestamp.nullable(),
      retiredAt: Timestamp.nullable(),
    }),
  ),
}).meta({
  id: 'SigningKeys',
  title: 'Signing keys',
  description: 'The one that signs comes first.',
  examples: [
    {
      keys: [
        {
          kid: 'RQcaeiFmUOx3Tly2',
          state: 'current',
          createdAt: '2026-08-01T03:00:00.000Z',
          activatedAt: '2026-10-30T03:00:00.000Z',
          retiredAt: null,
        },
      ],
    },
  ],
})

export type SigningKeys = z.output<typeof SigningKeys>

export const rotateSigningKeys = endpoint({
  operationId: 'rotateSigningKeys',
  method: 'POST',
  path: '/signing-keys/rotations',
  summary: 'Let the next signing key sign',
  description:
    'Happens by itself every 90 days. Refused with oidc/rotation-too-soon while applications may not have seen the next key, unless it is urgent.',
  tag: 'Signing keys',
  role: 'owner',
  confirm: true,
  body: z
    .strictObject({
      urgent: z
        .boolean()
        .default(false)
        .meta({ description: 'At once. Applications that keep keys may refuse tokens until they ask again.' }),
      withdraw: z
        .boolean()
        .default(false)
        .meta({
          description:
            'A private key may be known to others: every key that exists is withdrawn, and new ones take their place. What ' +
            'they have signed is valid no more as soon as applications ask for the keys again. Urgent in any case.',
        }),
    })
    .meta({ title: 'Rotation of signing keys', examples: [{ urgent: false }] }),
  responses: { 200: SigningKeys },
})

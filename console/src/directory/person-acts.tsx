/** What can be done to a person as a whole. Each act is asked about, with what it does, before it happens. */
import { deleteUser, restoreUser, signOutUser, updateUser, type User } from '@muster/contracts'
import { DownOutlined } from '@ant-design/icons'
import { Button, Dropdown, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { useMay, useSession } from '../shell/session.tsx'
import { ActDialog } from './act-dialog.tsx'
import { EditUserDialog } from './edit-user.tsx'
import { PasswordDialog } from './password-dialog.tsx'
import { mayChange, protectionOf } from './user-facts.ts'

type Act = 'disable' | 'enable' | 'signOut' | 'delete' | 'restore' | 'protect' | 'unprotect'

export function PersonActs({ user, onDone }: { user: User; onDone: (text: string) => void }) {
  const { t } = useTranslation('directory')
  const { data: session } = useSession()
  const isOwner = useMay('owner')
  const [asked, setAsked] = useState<Act>()
  const [isOpen, setOpen] = useState(false)
  const [form, setForm] = useState<'edit' | 'password'>()
  const act = useAct(user, (done) => {
    setOpen(false)
    onDone(t(`act.${done}.done`))
  })
  if (session === undefined || session.role === 'auditor') return null
  if (!mayChange(user, session.role)) {
    const reason = protectionOf(user)
    return reason === null ? null : (
      <Typography.Text type="secondary">{t(`protection.onlyOwner.${reason}`)}</Typography.Text>
    )
  }

  const ask = (which: Act) => {
    setAsked(which)
    setOpen(true)
  }
  const isDeleted = user.status === 'deleted'
  const more = [
    { key: 'password', label: t('act.password') },
    { key: 'signOut', label: t('act.signOut.name') },
    ...(isOwner && user.origin === 'built_in'
      ? [
          user.breakGlass
            ? { key: 'unprotect', label: t('act.unprotect.name') }
            : { key: 'protect', label: t('act.protect.name') },
        ]
      : []),
    { type: 'divider' as const },
    { key: 'delete', label: t('act.delete.name'), danger: true },
  ]
  return (
    <>
      {isDeleted ? (
        <Button type="primary" onClick={() => ask('restore')}>
          {t('act.restore.name')}
        </Button>
      ) : (
        <>
          <Button onClick={() => setForm('edit')}>{t('act.edit')}</Button>
          {user.status === 'active' ? (
            <Button danger onClick={() => ask('disable')}>
              {t('act.disable.name')}
            </Button>
          ) : (
            <Button type="primary" onClick={() => ask('enable')}>
              {t('act.enable.name')}
            </Button>
          )}
          <Dropdown
            trigger={['click']}
            menu={{ items: more, onClick: ({ key }) => (key === 'password' ? setForm('password') : ask(key as Act)) }}
          >
            <Button icon={<DownOutlined aria-hidden />} iconPlacement="end">
              {t('act.more')}
            </Button>
          </Dropdown>
        </>
      )}
      <ActDialog
        isOpen={isOpen}
        title={asked === undefined ? '' : t(`act.${asked}.title`, { name: nameText(user.displayName) })}
        consequences={
          asked === undefined ? [] : consequencesOf(asked, user).map((sentence) => t(`consequence.${sentence}`))
        }
        go={asked === undefined ? '' : t(`act.${asked}.go`)}
        isDangerous={asked === 'delete' || asked === 'disable'}
        isBusy={act.isPending}
        error={act.error}
        onGo={() => asked !== undefined && act.perform(asked)}
        onClose={() => setOpen(false)}
        onClosed={act.reset}
      />
      <EditUserDialog
        user={user}
        isOpen={form === 'edit'}
        onClose={() => setForm(undefined)}
        onDone={() => {
          setForm(undefined)
          onDone(t('form.saved'))
        }}
      />
      <PasswordDialog
        user={user}
        isOpen={form === 'password'}
        onClose={() => setForm(undefined)}
        onDone={(text) => {
          setForm(undefined)
          onDone(text)
        }}
      />
    </>
  )
}

function consequencesOf(act: Act, user: User) {
  const isLinked = user.links.length > 0
  const all = {
    disable: ['endsAccess', 'staysDisabled', 'keepsData'],
    enable: ['mayComeIn', ...(isLinked && user.disabledBy === 'source' ? (['comparedAgain'] as const) : [])],
    signOut: ['endsAccess', 'mayComeInAgain'],
    delete: [
      'endsAccess',
      'restorable',
      ...(user.role === null ? [] : (['losesRole'] as const)),
      ...(isLinked ? (['notBroughtBack'] as const) : []),
    ],
    restore: ['mayComeIn', 'withoutRole', ...(isLinked ? (['comparedAgain'] as const) : [])],
    protect: ['notTouchedBySync', 'ownersOnly'],
    unprotect: ['touchedBySync', 'operatorsToo'],
  } as const
  return all[act]
}

/** Every act by its name, as one thing that is busy, fails or is done. */
function useAct(user: User, onDone: (act: Act) => void) {
  const update = useAction(updateUser)
  const remove = useAction(deleteUser)
  const restore = useAction(restoreUser)
  const signOut = useAction(signOutUser)
  const all = [update, remove, restore, signOut]
  const params = { id: user.id }

  const send: Readonly<Record<Act, () => Promise<unknown>>> = {
    disable: () => update.mutateAsync({ params, body: { status: 'disabled' } }),
    enable: () => update.mutateAsync({ params, body: { status: 'active' } }),
    protect: () => update.mutateAsync({ params, body: { breakGlass: true } }),
    unprotect: () => update.mutateAsync({ params, body: { breakGlass: false } }),
    delete: () => remove.mutateAsync({ params }),
    restore: () => restore.mutateAsync({ params }),
    signOut: () => signOut.mutateAsync({ params }),
  }

  return {
    isPending: all.some(({ isPending }) => isPending),
    error: all.find(({ error }) => error !== null)?.error ?? null,
    perform: (act: Act) =>
      void send[act]().then(
        () => onDone(act),
        () => undefined,
      ),
    reset: () => all.forEach((one) => one.reset()),
  }
}

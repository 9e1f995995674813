/** The applications that trust Muster, and connecting one more. */
import { listApplications } from '@muster/contracts'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Input, Tag } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ListTable } from '../design/list-table.tsx'
import { Name } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { May } from '../shell/session.tsx'
import { NewApplicationDialog } from './new-application.tsx'

export function Applications() {
  const { t } = useTranslation('applications')
  const { q } = useSearch({ from: '/inside/applications' })
  const navigate = useNavigate()
  const [isAdding, setAdding] = useState(false)
  return (
    <Page
      title={t('title')}
      actions={
        <May role="owner">
          <Button type="primary" onClick={() => setAdding(true)}>
            {t('add.go')}
          </Button>
        </May>
      }
    >
      <Input.Search
        allowClear
        defaultValue={q}
        placeholder={t('search')}
        aria-label={t('search')}
        style={{ width: 280, marginBlockEnd: 16 }}
        onSearch={(text) =>
          void navigate({ to: '/applications', search: text === '' ? {} : { q: text }, replace: true })
        }
      />
      <ListTable
        endpoint={listApplications}
        request={{ query: q === undefined ? {} : { q } }}
        label={t('label')}
        width={760}
        empty={t('none')}
        columns={[
          {
            title: t('name'),
            key: 'name',
            render: (_, { id, name }) => (
              <Link to="/applications/$id" params={{ id }}>
                <Name>{name}</Name>
              </Link>
            ),
          },
          { title: t('clientId'), dataIndex: 'clientId', render: (id: string) => <code>{id}</code> },
          {
            title: t('connections'),
            dataIndex: 'connections',
            render: (connections: readonly string[]) => connections.join(', ') || '–',
          },
          {
            title: t('state'),
            dataIndex: 'enabled',
            width: 120,
            render: (isEnabled: boolean) => (
              <Tag color={isEnabled ? 'success' : 'default'}>{t(isEnabled ? 'enabled' : 'disabled')}</Tag>
            ),
          },
        ]}
      />
      {isAdding && <NewApplicationDialog onClose={() => setAdding(false)} />}
    </Page>
  )
}

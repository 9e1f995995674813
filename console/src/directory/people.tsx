/** The directory: the tree of departments on one side, the people of what is selected on the other. */
import { getDepartment, listConnections, listOrganizations } from '@muster/contracts'
import { ApartmentOutlined } from '@ant-design/icons'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Card, Drawer, Flex, Grid, Select } from 'antd'
import { useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { useRead } from '../api.ts'
import { nameText } from '../design/name.tsx'
import { Page } from '../design/page.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { May, useSession } from '../shell/session.tsx'
import { DepartmentHeader } from './department-header.tsx'
import { DepartmentSearch } from './department-search.tsx'
import { DepartmentTree } from './department-tree.tsx'
import { NewDepartmentButton } from './department-acts.tsx'
import { NewUserButton } from './new-user.tsx'
import { PeopleFilters } from './people-filters.tsx'
import { isNarrowed } from './people-search.ts'
import { PeopleTable } from './people-table.tsx'

/** What stands above and below the tree and the table. */
const AROUND_TREE = 280
const AROUND_TABLE = 310
/** What the selected department takes, in the place of the table. */
const DEPARTMENT_HEADER = 130

export function People() {
  const { t } = useTranslation('directory')
  const search = useSearch({ from: '/inside/people' })
  const navigate = useNavigate()
  const session = useSession()
  const organizations = useRead(listOrganizations, { query: { limit: 500 } })
  const connections = useRead(listConnections, { query: { limit: 500 } })
  const organizationId = search.organization ?? session.data?.organizationId ?? ''
  const selected = search.department ?? null
  const department = useRead(getDepartment, { params: { id: selected ?? '' } }, { enabled: selected !== null })
  const isWide = Grid.useBreakpoint().lg ?? true
  const [isTreeOpen, setTreeOpen] = useState(false)
  const windowHeight = useWindowHeight()

  const change = (part: Partial<typeof search>) =>
    void navigate({ to: '/people', search: { ...search, ...part }, replace: !('department' in part) })
  const select = (id: string | null) => {
    setTreeOpen(false)
    change({ department: id ?? undefined })
  }

  const tree = (height: number) => (
    <DepartmentSearch organizationId={organizationId} selected={selected} height={height} onSelect={select}>
      <DepartmentTree
        key={organizationId}
        organizationId={organizationId}
        selected={selected}
        path={department.data?.path.map(({ id }) => id) ?? []}
        height={height}
        onSelect={select}
      />
    </DepartmentSearch>
  )
  const several = organizations.data !== undefined && organizations.data.total > 1

  return (
    <Page
      title={t('people.title')}
      actions={
        <May role="operator">
          <NewDepartmentButton organizationId={organizationId} parentId={selected} onDone={({ id }) => select(id)} />
          <NewUserButton
            organization={organizations.data?.items.find(({ id }) => id === organizationId)}
            departmentId={selected}
          />
        </May>
      }
    >
      {several && (
        <Flex style={{ marginBlockEnd: 16 }}>
          <Select<string>
            aria-label={t('people.organization')}
            style={{ minWidth: 240 }}
            value={organizationId}
            options={organizations.data.items.map(({ id, name }) => ({ value: id as string, label: nameText(name) }))}
            onChange={(organization) => void navigate({ to: '/people', search: { organization } })}
          />
        </Flex>
      )}
      <Flex gap={16} align="stretch">
        {isWide ? (
          <Card size="small" style={{ width: 300, flex: 'none', alignSelf: 'flex-start' }}>
            <h2 className="visually-hidden">{t('tree.label')}</h2>
            {tree(Math.max(windowHeight - AROUND_TREE, 320))}
          </Card>
        ) : (
          <Drawer
            open={isTreeOpen}
            onClose={() => setTreeOpen(false)}
            placement="left"
            size={320}
            title={t('tree.label')}
          >
            {tree(Math.max(windowHeight - 160, 320))}
          </Drawer>
        )}
        <div style={{ flex: 1, minWidth: 0 }}>
          {!isWide && (
            <Button
              icon={<ApartmentOutlined aria-hidden />}
              style={{ marginBlockEnd: 12 }}
              onClick={() => setTreeOpen(true)}
            >
              {t('tree.label')}
            </Button>
          )}
          {department.error && <ProblemAlert error={department.error} />}
          {selected !== null && department.data && (
            <DepartmentHeader
              department={department.data}
              connections={connections.data?.items ?? []}
              isWhole={!isNarrowed(search) && search.direct !== true}
              onGo={select}
              onGone={() => select(department.data.parentId)}
            />
          )}
          <PeopleFilters search={search} connections={connections.data?.items ?? []} onChange={change} />
          <PeopleTable
            organizationId={organizationId}
            search={search}
            height={Math.max(windowHeight - AROUND_TABLE - (selected === null ? 0 : DEPARTMENT_HEADER), 320)}
            onReset={() =>
              change({ q: undefined, status: undefined, origin: undefined, connection: undefined, direct: undefined })
            }
          />
        </div>
      </Flex>
    </Page>
  )
}

function useWindowHeight(): number {
  return useSyncExternalStore(listenToSize, () => window.innerHeight)
}

function listenToSize(listener: () => void): () => void {
  window.addEventListener('resize', listener)
  return () => window.removeEventListener('resize', listener)
}

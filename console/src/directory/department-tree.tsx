/**
 * The tree of departments, for tens of thousands of them: one stop of the tab key, all keys of a tree, and only the rows in
 * sight are drawn. What is open is decided here; what is selected stands in the address.
 */
import { CaretDownOutlined, CaretRightOutlined } from '@ant-design/icons'
import { Button, Spin, theme, Typography } from 'antd'
import { useEffect, useId, useRef, useState, type CSSProperties, type KeyboardEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { Name, nameText } from '../design/name.tsx'
import { ProblemAlert } from '../design/problem.tsx'
import { numberText } from '../design/when.tsx'
import { useTree } from './tree-data.ts'
import { EVERYBODY, keyDeed, ROOTS, treeRows, typedRow, type TreeRow } from './tree-rows.ts'

const ROW_HEIGHT = 34
const INDENT = 18
/** Drawn above and below what is in sight. */
const SPARE_ROWS = 8
const TYPING_MS = 700

export function DepartmentTree({
  organizationId,
  selected,
  path,
  height,
  onSelect,
}: {
  organizationId: string
  /** null: everybody. */
  selected: string | null
  /** What stands above the selected one; it is opened. */
  path: readonly string[]
  height: number
  onSelect: (departmentId: string | null) => void
}) {
  const { t } = useTranslation('directory')
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(path))
  const pathText = path.join(' ')
  useEffect(() => {
    if (pathText !== '') setOpen((now) => new Set([...now, ...pathText.split(' ')]))
  }, [pathText])
  const { childrenOf, retry } = useTree(organizationId, open)
  const rows = treeRows(childrenOf, open)
  const roots = childrenOf.get(ROOTS)
  // A company usually has one root: what is below it is where people begin.
  const onlyRoot = roots?.total === 1 ? roots.items[0]?.id : undefined
  useEffect(() => {
    if (onlyRoot !== undefined) setOpen((now) => new Set([...now, onlyRoot]))
  }, [onlyRoot])
  if (roots?.error && roots.items.length === 0) return <ProblemAlert error={roots.error} onRetry={retry} />
  return (
    <>
      <Rows
        rows={rows}
        selected={selected ?? EVERYBODY}
        height={height}
        onToggle={(id, isOpen) =>
          setOpen((now) => {
            const next = new Set(now)
            if (isOpen) next.add(id)
            else next.delete(id)
            return next
          })
        }
        onTake={(id) => onSelect(id === EVERYBODY ? null : id)}
        onRetry={retry}
      />
      {roots !== undefined && !roots.isLoading && roots.total === 0 && (
        <Typography.Paragraph type="secondary">{t('tree.none')}</Typography.Paragraph>
      )}
      {roots !== undefined && roots.total > 0 && (
        <Typography.Text type="secondary" style={{ display: 'block', fontSize: 12, marginBlockStart: 8 }}>
          {t('tree.numbers')}
        </Typography.Text>
      )}
    </>
  )
}

function Rows({
  rows,
  selected,
  height,
  onToggle,
  onTake,
  onRetry,
}: {
  rows: readonly TreeRow[]
  selected: string
  height: number
  onToggle: (id: string, isOpen: boolean) => void
  onTake: (id: string) => void
  onRetry: () => void
}) {
  const { t } = useTranslation('directory')
  const { token } = theme.useToken()
  const treeId = useId()
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [hasFocus, setFocus] = useState(false)
  const [active, setActive] = useState<string>(selected)
  const typing = useRef({ text: '', at: 0 })
  const selectedAt = rows.findIndex(({ id }) => id === selected)
  const at = Math.max(rows.findIndex(({ id }) => id === active) ?? selectedAt, 0)

  // The selected one comes into sight once its row is there: after a search, or when the page was opened at it.
  const shown = useRef<string>(undefined)
  useEffect(() => {
    if (selectedAt === -1 || shown.current === selected) return
    shown.current = selected
    setActive(selected)
    bringIntoSight(box.current, selectedAt)
  }, [selected, selectedAt])

  const first = Math.max(Math.floor(top / ROW_HEIGHT) - SPARE_ROWS, 0)
  const drawn = rows.slice(first, first + Math.ceil(height / ROW_HEIGHT) + 2 * SPARE_ROWS)
  const idOf = (row: TreeRow) => `${treeId}-${row.id.replaceAll(' ', '-')}`

  function go(index: number): void {
    const row = rows[index]
    if (row === undefined) return
    setActive(row.id)
    bringIntoSight(box.current, index)
  }

  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const deed = keyDeed(rows, at, event.key, Math.max(Math.floor(height / ROW_HEIGHT) - 1, 1))
    if (deed !== undefined) {
      event.preventDefault()
      if ('go' in deed) go(deed.go)
      else if ('take' in deed) onTake(deed.take)
      else if ('open' in deed) onToggle(deed.open, true)
      else onToggle(deed.close, false)
    } else if (event.key.length === 1) {
      const isLater = event.timeStamp - typing.current.at > TYPING_MS
      typing.current = { text: (isLater ? '' : typing.current.text) + event.key, at: event.timeStamp }
      const found = typedRow(rows, isLater ? at : at - 1, typing.current.text)
      if (found !== undefined) go(found)
    }
  }

  return (
    <div
      ref={box}
      role="tree"
      aria-label={t('tree.label')}
      tabIndex={0}
      {...(drawn.includes(rows[at]!) ? { 'aria-activedescendant': idOf(rows[at]!) } : {})}
      onKeyDown={press}
      onFocus={() => setFocus(true)}
      onBlur={() => setFocus(false)}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      style={{ height, overflow: 'auto', outline: 'none', position: 'relative' }}
    >
      <div role="presentation" style={{ height: rows.length * ROW_HEIGHT, position: 'relative' }}>
        {drawn.map((row, index) => (
          <Row
            key={row.id}
            id={idOf(row)}
            row={row}
            isSelected={row.id === selected}
            onToggle={onToggle}
            onTake={() => {
              setActive(row.id)
              onTake(row.id)
            }}
            onRetry={onRetry}
            style={{
              position: 'absolute',
              insetBlockStart: (first + index) * ROW_HEIGHT,
              insetInline: 0,
              height: ROW_HEIGHT,
              display: 'flex',
              alignItems: 'center',
              gap: 4,
              paddingInlineEnd: 8,
              paddingInlineStart: 4 + (row.level - 1) * INDENT,
              boxSizing: 'border-box',
              cursor: 'pointer',
              borderRadius: token.borderRadius,
              color: token.colorText,
              ...(row.id === selected ? { background: token.controlItemBgActive } : {}),
              ...(hasFocus && row === rows[at]
                ? { outline: `2px solid ${token.colorPrimary}`, outlineOffset: -2 }
                : {}),
            }}
          />
        ))}
      </div>
    </div>
  )
}

function Row({
  id,
  row,
  isSelected,
  style,
  onToggle,
  onTake,
  onRetry,
}: {
  id: string
  row: TreeRow
  isSelected: boolean
  style: CSSProperties
  onToggle: (id: string, isOpen: boolean) => void
  onTake: () => void
  onRetry: () => void
}) {
  const { t } = useTranslation('directory')
  const common = { id, role: 'treeitem', 'aria-level': row.level, style } as const
  if (row.kind === 'everybody') {
    return (
      <div {...common} aria-selected={isSelected} onClick={onTake}>
        <Toggle />
        <strong>{t('tree.everybody')}</strong>
      </div>
    )
  }
  if (row.kind === 'loading') {
    return (
      <div {...common} aria-busy>
        <Toggle />
        <Spin size="small" /> <Typography.Text type="secondary">{t('tree.loading')}</Typography.Text>
      </div>
    )
  }
  if (row.kind === 'failed') {
    return (
      <div {...common}>
        <Toggle />
        <Typography.Text type="danger" ellipsis>
          {t('tree.failed')}
        </Typography.Text>
        <Button size="small" type="link" tabIndex={-1} onClick={onRetry}>
          {t('tree.retry')}
        </Button>
      </div>
    )
  }
  const { department, isOpen, hasChildren, position, siblings } = row
  return (
    <div
      {...common}
      aria-selected={isSelected}
      aria-setsize={siblings}
      aria-posinset={position}
      {...(hasChildren ? { 'aria-expanded': isOpen } : {})}
      title={nameText(department.name)}
      onClick={onTake}
      onDoubleClick={() => hasChildren && onToggle(row.id, !isOpen)}
    >
      <Toggle {...(hasChildren ? { isOpen } : {})} onToggle={() => onToggle(row.id, !isOpen)} />
      <span style={{ flex: 1, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>
        <Name>{department.name}</Name>
      </span>
      {department.userCount > 0 && (
        <Typography.Text type="secondary" style={{ fontSize: 12 }} title={t('tree.directly')}>
          {numberText(department.userCount)}
        </Typography.Text>
      )}
    </div>
  )
}

/** For the mouse; with the keyboard it is the arrow keys. */
function Toggle({ isOpen, onToggle }: { isOpen?: boolean; onToggle?: () => void }) {
  return (
    <span
      aria-hidden
      style={{
        width: 20,
        height: 20,
        display: 'inline-flex',
        alignItems: 'center',
        justifyContent: 'center',
        flex: 'none',
      }}
      onClick={(event) => {
        if (isOpen === undefined) return
        event.stopPropagation()
        onToggle?.()
      }}
    >
      {isOpen === true && <CaretDownOutlined aria-hidden />}
      {isOpen === false && <CaretRightOutlined aria-hidden />}
    </span>
  )
}

function bringIntoSight(box: HTMLDivElement | null, index: number): void {
  if (box === null) return
  const start = index * ROW_HEIGHT
  if (start < box.scrollTop) box.scrollTop = start
  else if (start + ROW_HEIGHT > box.scrollTop + box.clientHeight) box.scrollTop = start + ROW_HEIGHT - box.clientHeight
}

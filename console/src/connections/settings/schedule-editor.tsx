/** When directory sync runs by itself, with its next three runs in the time zone of the connection. */
import { previewSchedule, startRun, type Connection, type Schedule } from '@muster/contracts'
import { Alert, Button, Flex, Form, Input, InputNumber, Select, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAction, useRead } from '../../api.ts'
import { ProblemAlert } from '../../design/problem.tsx'
import { momentText } from '../../design/when.tsx'
import { RunStarted } from '../run-started.tsx'
import { fieldsOf, isSameSchedule, KINDS, scheduleOf, WEEKDAYS, type ScheduleFields } from './schedule-form.ts'
import { SettingsSection } from './settings-section.tsx'

interface Values extends ScheduleFields {
  readonly timeZone: string
}

export function ScheduleEditor({ connection }: { connection: Connection }) {
  const { t } = useTranslation('connections')
  const [isOffered, setOffered] = useState(false)
  const { sync } = connection
  return (
    <SettingsSection<Values>
      title={t('settings.schedule.title')}
      why={t('settings.schedule.why')}
      connection={connection}
      initial={{ ...fieldsOf(sync.schedule), timeZone: sync.timeZone }}
      patchOf={({ timeZone, ...fields }) => ({
        sync: { schedule: scheduleOf(fields) ?? { kind: 'manual' }, timeZone },
      })}
      onSaved={({ sync: saved }) => setOffered(!isSameSchedule(sync, saved))}
      after={isOffered && sync.enabled && <OfferRun connection={connection} onDone={() => setOffered(false)} />}
    >
      <ScheduleFieldsOfForm isOn={sync.enabled} />
    </SettingsSection>
  )
}

function ScheduleFieldsOfForm({ isOn }: { isOn: boolean }) {
  const { t } = useTranslation('connections')
  const form = Form.useFormInstance<Values>()
  // Also of fields that are not on the page now: each kind keeps its own.
  const values: Partial<Values> = Form.useWatch((all: Values) => all, { form, preserve: true }) ?? {}
  const { kind, timeZone } = values
  const schedule = scheduleOf(values)
  const invalid = {
    validator: () =>
      scheduleOf(form.getFieldsValue(true) as Values) === undefined
        ? Promise.reject(new Error(t('settings.schedule.nextInvalid')))
        : Promise.resolve(),
  }
  return (
    <>
      <Flex gap={16} wrap>
        <Form.Item name="kind" label={t('settings.schedule.kind')} style={{ flex: '1 1 200px' }}>
          <Select options={KINDS.map((value) => ({ value, label: t(`settings.schedule.kindOption.${value}`) }))} />
        </Form.Item>
        {kind === 'weekly' && (
          <Form.Item name="weekday" label={t('settings.schedule.weekday')} style={{ flex: '0 1 160px' }}>
            <Select
              options={WEEKDAYS.map((value) => ({ value, label: t(`settings.schedule.weekdayOption.${value}`) }))}
            />
          </Form.Item>
        )}
        {kind === 'monthly' && (
          <Form.Item
            name="dayOfMonth"
            label={t('settings.schedule.dayOfMonth')}
            extra={t('settings.schedule.dayOfMonthHelp')}
            style={{ flex: '0 1 200px' }}
          >
            <InputNumber min={1} max={31} precision={0} />
          </Form.Item>
        )}
        {(kind === 'daily' || kind === 'weekly' || kind === 'monthly') && (
          <Form.Item name="at" label={t('settings.schedule.at')} rules={[invalid]}>
            <Input type="time" style={{ width: 130 }} />
          </Form.Item>
        )}
        {kind === 'interval' && (
          <>
            <Form.Item
              name="every"
              label={t('settings.schedule.every')}
              extra={t('settings.schedule.everyHelp')}
              dependencies={['unit']}
              rules={[invalid]}
            >
              <InputNumber min={1} precision={0} />
            </Form.Item>
            <Form.Item name="unit" label={t('settings.schedule.unit')} style={{ flex: '0 1 120px' }}>
              <Select
                options={(['minutes', 'hours'] as const).map((value) => ({
                  value,
                  label: t(`settings.schedule.unitOption.${value}`),
                }))}
              />
            </Form.Item>
          </>
        )}
      </Flex>
      <Form.Item name="timeZone" label={t('settings.schedule.timeZone')} style={{ maxWidth: 320 }}>
        <Select showSearch options={zones(timeZone).map((value) => ({ value, label: value }))} />
      </Form.Item>
      <NextRuns schedule={schedule} timeZone={timeZone ?? 'Asia/Shanghai'} isOn={isOn} />
    </>
  )
}

function zones(current: string | undefined): string[] {
  const known = Intl.supportedValuesOf('timeZone')
  return current === undefined || known.includes(current) ? known : [current, ...known]
}

function NextRuns({ schedule, timeZone, isOn }: { schedule: Schedule | undefined; timeZone: string; isOn: boolean }) {
  const { t } = useTranslation('connections')
  const isPlanned = schedule !== undefined && schedule.kind !== 'manual'
  const preview = useRead(
    previewSchedule,
    { body: { schedule: schedule ?? { kind: 'manual' }, timeZone } },
    { enabled: isPlanned },
  )
  return (
    <div style={{ marginBlockEnd: 20 }} aria-live="polite">
      <strong>{t('settings.schedule.next')}</strong>
      {schedule === undefined && <div>{t('settings.schedule.nextInvalid')}</div>}
      {schedule?.kind === 'manual' && <div>{t('settings.schedule.nextNone')}</div>}
      {preview.error && isPlanned && <ProblemAlert error={preview.error} />}
      {isPlanned && preview.data && (
        <>
          <ol style={{ marginBlock: 4, paddingInlineStart: 20 }}>
            {preview.data.next.map((at) => (
              <li key={at}>
                <time dateTime={at}>{momentText(at, timeZone)}</time>
              </li>
            ))}
          </ol>
          <Typography.Text type="secondary">
            {t('settings.schedule.nextIn', { timeZone })} {!isOn && t('settings.schedule.nextOff')}
          </Typography.Text>
        </>
      )}
    </div>
  )
}

/** A schedule says when to run next, and somebody who has just changed it may want to be up to date before. */
function OfferRun({ connection, onDone }: { connection: Connection; onDone: () => void }) {
  const { t } = useTranslation('connections')
  const start = useAction(startRun)
  if (start.data) {
    return (
      <div style={{ marginBlockStart: 16 }}>
        <RunStarted run={start.data} />
      </div>
    )
  }
  return (
    <div style={{ marginBlockStart: 16 }}>
      {start.error && <ProblemAlert error={start.error} />}
      <Alert
        type="info"
        showIcon
        role="status"
        title={t('settings.schedule.offer')}
        action={
          <Flex gap={8}>
            <Button
              size="small"
              type="primary"
              loading={start.isPending}
              onClick={() => start.mutate({ params: { id: connection.id }, body: { mode: 'apply' } })}
            >
              {t('settings.schedule.offerNow')}
            </Button>
            <Button size="small" type="text" onClick={onDone}>
              {t('settings.schedule.offerNo')}
            </Button>
          </Flex>
        }
      />
    </div>
  )
}

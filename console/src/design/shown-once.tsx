/** A secret that is shown now and never again. Goes away only when somebody says that they have it. */
import { Alert, Button, Modal } from 'antd'
import { Copyable } from './copyable.tsx'

export function ShownOnce({
  title,
  label,
  secret,
  why,
  done,
  onDone,
}: {
  title: string
  label: string
  secret: string
  why: string
  done: string
  onDone: () => void
}) {
  return (
    <Modal open title={title} closable={false} maskClosable={false} keyboard={false} footer={null}>
      <Alert type="warning" showIcon title={why} style={{ marginBlockEnd: 16 }} />
      <Copyable label={label} value={secret} />
      <Button type="primary" block style={{ marginBlockStart: 16 }} onClick={onDone}>
        {done}
      </Button>
    </Modal>
  )
}

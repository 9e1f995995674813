/** Chooses the picture of a connection: any that the browser can read becomes a small square one that fits in. */
import { iconProblem } from '@muster/contracts'
import { Button, Flex, Typography } from 'antd'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { drawInside, IconPicture } from '../icon-picture.tsx'

/** From the best on; the first that is small enough is taken. */
const SIDES = [128, 96, 64, 48]
const TYPES = ['image/webp', 'image/png']

/** A field of a form: `value` and `onChange` come from it. */
export function IconField({
  id,
  value = null,
  onChange,
  name,
  isDisabled = false,
}: {
  id?: string
  value?: string | null
  onChange?: (icon: string | null) => void
  /** For the letter that stands there without a picture. */
  name: string
  isDisabled?: boolean
}) {
  const { t } = useTranslation('connections')
  const file = useRef<HTMLInputElement>(null)
  const [isUnreadable, setUnreadable] = useState(false)

  async function choose(chosen: File | undefined): Promise<void> {
    if (chosen === undefined) return
    const icon = await smallIcon(chosen)
    setUnreadable(icon === undefined)
    if (icon !== undefined) onChange?.(icon)
  }

  return (
    <Flex gap={12} align="center" wrap>
      <IconPicture icon={value} name={name} size={48} />
      {!isDisabled && (
        <>
          <input
            ref={file}
            type="file"
            accept="image/png,image/jpeg,image/webp"
            style={{ display: 'none' }}
            data-testid="icon-file"
            onChange={({ target }) => {
              void choose(target.files?.[0])
              target.value = '' // the same file once more is a choice, too
            }}
          />
          <Button {...(id === undefined ? {} : { id })} onClick={() => file.current?.click()}>
            {t('wizard.identity.iconChoose')}
          </Button>
          {value !== null && (
            <Button type="text" onClick={() => onChange?.(null)}>
              {t('wizard.identity.iconRemove')}
            </Button>
          )}
        </>
      )}
      {isUnreadable && (
        <Typography.Text type="danger" role="alert">
          {t('wizard.identity.iconUnreadable')}
        </Typography.Text>
      )}
    </Flex>
  )
}

/** @returns undefined when it is no picture */
async function smallIcon(file: File): Promise<string | undefined> {
  const picture = await createImageBitmap(file).catch(() => undefined)
  if (picture === undefined) return undefined
  try {
    for (const side of SIDES) {
      for (const type of TYPES) {
        const canvas = document.createElement('canvas')
        canvas.width = side
        canvas.height = side
        drawInside(canvas, picture)
        const icon = canvas.toDataURL(type, 0.9)
        if (iconProblem(icon) === null) return icon
      }
    }
    return undefined
  } finally {
    picture.close()
  }
}

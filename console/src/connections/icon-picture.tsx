/**
 * The picture of a connection, or the first letter of its name. Drawn from its bytes onto a canvas: the policy of the page
 * allows no data: addresses, and so nothing that somebody stored is ever an address here.
 */
import { readIcon } from '@muster/contracts'
import { Avatar } from 'antd'
import { useEffect, useRef } from 'react'

export function IconPicture({ icon, name, size = 32 }: { icon: string | null; name: string; size?: number }) {
  if (icon !== null) return <Drawing key={icon} icon={icon} size={size} />
  // Marks and controls are no letters, and some of them turn what stands beside them.
  const letter = /[\p{L}\p{N}]/u.exec(name)?.[0] ?? '?'
  return (
    <Avatar shape="square" size={size} aria-hidden style={{ background: '#0958d9', color: '#fff', flex: 'none' }}>
      {letter.toUpperCase()}
    </Avatar>
  )
}

function Drawing({ icon, size }: { icon: string; size: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const read = readIcon(icon)
    let isGone = false
    const draw = async () => {
      if (read === null) return
      const picture = await createImageBitmap(new Blob([read.bytes], { type: read.type }))
      if (!isGone) drawInside(canvas.current, picture)
      picture.close()
    }
    // What no browser can read stays an empty square.
    draw().catch(() => undefined)
    return () => {
      isGone = true
    }
  }, [icon])
  return (
    <canvas
      ref={canvas}
      width={size * 2}
      height={size * 2}
      aria-hidden
      style={{ width: size, height: size, borderRadius: 6, flex: 'none' }}
    />
  )
}

/** As large as fits, in the middle. */
export function drawInside(canvas: HTMLCanvasElement | null, picture: ImageBitmap): void {
  const context = canvas?.getContext('2d')
  if (!canvas || !context) return
  const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height)
  const [width, height] = [picture.width * scale, picture.height * scale]
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height)
}

/** Words first, then the page. */
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { alwaysThere } from './areas.ts'
import { guideFocusOfDialogs } from './shell/dialog-focus.ts'
import { startTexts } from './texts.ts'
import './main.css'

guideFocusOfDialogs()
await startTexts(alwaysThere)
createRoot(document.querySelector('#console')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

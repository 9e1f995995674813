/** How the console becomes files: for browsers that know modules, below /console/, in pieces that are loaded when needed. */
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [react()],
  logLevel: 'warn',
  build: {
    target: 'es2022',
    outDir: 'dist',
    // The server writes the document itself, with a nonce; what belongs into it stands in the manifest.
    manifest: 'manifest.json',
    rolldownOptions: { input: 'src/main.ts' },
    // Everything is a file of its own: the policy of the page allows no data: addresses.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_500,
  },
})

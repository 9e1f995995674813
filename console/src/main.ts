/** The entry of the console: what the policy asks first, then everything else. */
import './policy.ts'

await import('./start.tsx')

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { serviceWorker } from './scripts/service-worker.ts'

/** Where `npm run dev` finds the server; the built page always talks to the server that served it. */
const server = process.env.AFTERMAP_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [svelte(), serviceWorker()],
  build: {
    target: ['es2020', 'chrome89', 'firefox90', 'safari15'],
    // With Safari 15 here, logical properties would be rewritten to depend on the language instead of the direction;
    // Safari 15 knows them all the same.
    cssTarget: ['chrome89', 'firefox90', 'safari16'],
    // The page's security policy allows no inline script, and every browser above preloads modules itself.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    manifest: true,
  },
  server: { proxy: { '/api': server, '/tiles': server } },
  test: { include: ['src/**/*.test.ts'], environment: 'node', setupFiles: ['src/messages/english.setup.ts'] },
})

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

// While developing (scripts/serve-dev), where inkling serve listens.
const { INKLING_API: api = 'http://127.0.0.1:5050' } = loadEnv('', '.', 'INKLING_');
// The server refuses what comes from another origin than its own: to it, the proxy is the page.
const headers = { origin: api };
const proxied = { target: api, changeOrigin: true, headers };

// assetsInlineLimit 0: the page's content security policy allows no data: scripts or styles.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    outDir: '../src/inkling/server/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { host: '127.0.0.1', proxy: { '/api': proxied, '/v1': proxied } },
});

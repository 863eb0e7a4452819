import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

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
  server: { proxy: { '/api': 'http://127.0.0.1:5050' } },
});

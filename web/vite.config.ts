// How the page is built: one Svelte bundle under /assets with hashed names, precompressed so that the
// server can embed and send .br and .gz as they are. In development the API is the real server
// (BALIE_SERVER, by default the one that `make run` starts).
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { compress } from './build/compress.ts';

const server = process.env.BALIE_SERVER ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte(), compress()],
  build: {
    target: ['chrome123', 'edge123', 'firefox125', 'safari17.5'],
    // The content security policy has no data: URIs, so nothing may be inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': { target: server, ws: true, changeOrigin: true, headers: { origin: server } } } },
  resolve: process.env.VITEST ? { conditions: ['browser'] } : {},
  test: { include: ['src/**/*.test.ts', 'widget/src/**/*.test.ts'], environment: 'node' },
});

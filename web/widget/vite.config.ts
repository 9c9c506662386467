// The widget, built beside the page: the loader as one plain script (`widget.js`, asked for by its name on other people's
// sites), the frame as a page with hashed files. Twice, because one script for everywhere and modules do not mix:
// `vite build -c widget/vite.config.ts` and the same with `--mode loader`. Together they stay below 30 kB gzipped.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { compress } from '../build/compress.ts';

const root = dirname(fileURLToPath(import.meta.url));
const outDir = join(root, '../dist/widget');

/** What a visitor's browser fetches, in bytes: a promise, so the build fails when it is broken. */
const LOADER = 8_000;
const WHOLE = 30_000;

function weigh(): Plugin {
  return {
    name: 'balie-weigh',
    apply: 'build',
    closeBundle() {
      const packed = (path: string): number => gzipSync(readFileSync(path), { level: 9 }).length;
      const loader = packed(join(outDir, 'widget.js'));
      const assets = join(outDir, 'assets');
      const whole = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name)).reduce((sum, name) => sum + packed(join(assets, name)), loader);
      console.log(`widget: loader ${loader} B, with the frame ${whole} B gzipped`);
      if (loader > LOADER || whole > WHOLE) throw new Error(`the widget is too heavy: at most ${LOADER} B for the loader and ${WHOLE} B for all`);
    },
  };
}

const target = ['chrome123', 'edge123', 'firefox125', 'safari17.5'];

export default defineConfig(({ mode }) =>
  mode === 'loader'
    ? {
        root,
        publicDir: false,
        plugins: [compress(outDir), weigh()],
        build: {
          target,
          outDir,
          emptyOutDir: false,
          reportCompressedSize: false,
          lib: { entry: join(root, 'src/loader/main.ts'), formats: ['iife'], name: 'balieLoader', fileName: () => 'widget.js' },
        },
      }
    : {
        root,
        base: '/widget/',
        publicDir: false,
        build: {
          target,
          outDir,
          emptyOutDir: true,
          assetsInlineLimit: 0,
          modulePreload: { polyfill: false },
          reportCompressedSize: false,
          rollupOptions: { input: join(root, 'frame.html') },
        },
      },
);

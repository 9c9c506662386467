// Writes a .gz and a .br beside every text asset of the build, when that makes it smaller.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const TEXT = /\.(js|css|html|svg|json|txt|webmanifest)$/;

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

/** `folder`: where the build went, when it is not the `outDir` below the root. */
export function compress(folder?: string): Plugin {
  let out = folder ?? 'dist';
  return {
    name: 'balie-compress',
    apply: 'build',
    configResolved(config) {
      out = folder ?? join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const path of files(out).filter((name) => TEXT.test(name))) {
        const raw = readFileSync(path);
        const forms = {
          '.gz': gzipSync(raw, { level: 9 }),
          '.br': brotliCompressSync(raw, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: 11,
              [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
            },
          }),
        };
        for (const [ending, bytes] of Object.entries(forms)) {
          if (bytes.length < raw.length) writeFileSync(path + ending, bytes);
        }
      }
    },
  };
}

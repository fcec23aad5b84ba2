// SPDX-License-Identifier: Apache-2.0
// Builds the page to dist/page: relative addresses, so that it works below any folder; no inline scripts, which the page's
// policy forbids; and the generated interpreter as a file, which spares each start the half second of making it.

import { readFileSync } from 'node:fs';
import { interpreterBytes } from '@plinth/machine';
import { defineConfig, type Plugin } from 'vite';

const INTERPRETER = 'virtual:plinth-interpreter';

/** The interpreter of the very code that is bundled. */
function generatedInterpreter(): Plugin {
  return {
    name: 'plinth-interpreter',
    resolveId: (id) => (id === INTERPRETER ? `\0${INTERPRETER}` : undefined),
    load(id) {
      if (id !== `\0${INTERPRETER}`) return undefined;
      const file = this.emitFile({ type: 'asset', name: 'interpreter.wasm', source: interpreterBytes() });
      return `export default import.meta.ROLLUP_FILE_URL_${file};`;
    },
  };
}

/** The terms of what is bundled and not ours. */
function licences(): Plugin {
  return {
    name: 'plinth-licences',
    generateBundle() {
      const texts = ['@xterm/xterm', '@xterm/addon-fit'].map((name) => {
        const text = readFileSync(new URL(`../../node_modules/${name}/LICENSE`, import.meta.url), 'utf8');
        return `${name}\n\n${text.trim()}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n\n') });
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: 'public',
  plugins: [licences()],
  worker: {
    format: 'es',
    plugins: () => [generatedInterpreter()],
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  build: {
    outDir: 'dist/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});

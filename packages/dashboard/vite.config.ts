import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The font is asked for beside the styles, not after them. */
const preloadFont: Plugin = {
  name: 'preload-font',
  transformIndexHtml: {
    order: 'post',
    handler: (_, { bundle = {} }) =>
      Object.keys(bundle)
        .filter((name) => name.endsWith('.woff2'))
        .map((name) => ({
          tag: 'link',
          attrs: { rel: 'preload', href: `./${name}`, as: 'font', type: 'font/woff2', crossorigin: '' },
          injectTo: 'head',
        })),
  },
};

/** Vite finds the licences of the pages' modules; the font is a file of a stylesheet, and the others are in a worker. */
const unseen = ['@fontsource-variable/inter', '@dagrejs/dagre', '@dagrejs/graphlib'];
const moreLicenses: Plugin = {
  name: 'more-licenses',
  async generateBundle() {
    for (const name of unseen) {
      const file = new URL(`../../node_modules/${name}/LICENSE`, import.meta.url);
      const fileName = `licenses/${name.replace('/', '-').slice(1)}.txt`;
      this.emitFile({ type: 'asset', fileName, source: await readFile(file) });
    }
  },
};

/** Addresses are relative, so that the pages work behind any prefix. */
export default defineConfig({
  root: fileURLToPath(new URL('app', import.meta.url)),
  base: './',
  publicDir: 'static',
  plugins: [react(), preloadFont, moreLicenses],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    // The policy of the pages allows no `data:` address.
    assetsInlineLimit: 0,
    // A browser of this target needs no polyfill, and the policy would refuse its inline script.
    modulePreload: { polyfill: false },
    // The files have code of others, whose licences ask for their texts beside it.
    license: { fileName: 'licenses/modules.md' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } },
  },
});

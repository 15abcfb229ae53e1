import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Addresses are relative, so that the pages work behind any prefix. */
export default defineConfig({
  root: new URL('app', import.meta.url).pathname,
  base: './',
  publicDir: 'static',
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    // The policy of the pages allows no `data:` address.
    assetsInlineLimit: 0,
    // A browser of this target needs no polyfill, and the policy would refuse its inline script.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } },
  },
});

// Builds the pages of the dashboard into packages/dashboard/public: `node scripts/dashboard.ts`, and by scripts/setup.mjs
// whenever a file of theirs is newer.
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const folder = fileURLToPath(new URL('../packages/dashboard/', import.meta.url));
const target = join(folder, 'public');
const work = mkdtempSync(join(folder, '.build-'));
try {
  await build({
    configFile: join(folder, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: join(work, 'public'), emptyOutDir: true },
  });
  // A server that runs meanwhile finds the old pages, none, or the new ones.
  rmSync(target, { recursive: true, force: true });
  renameSync(join(work, 'public'), target);
} finally {
  rmSync(work, { recursive: true, force: true });
}

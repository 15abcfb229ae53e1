// Makes every command work alone on a fresh clone: installs the dependencies where node_modules does not hold what
// package-lock.json names, and builds the pages of the dashboard. Runs on whatever Node the machine has (20 or later);
// the scripts after it run on the `node` devDependency.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './setup/ensure.mjs';
import { buildPages } from './setup/pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = 'node_modules/node/bin/node';

try {
  await ensureInstalled(root, join(root, '.ojs-setup'));
  if (!existsSync(join(root, node))) {
    throw new Error(
      `${node} is missing: npm did not run the install script of \`node\`. Run: npm rebuild node --ignore-scripts=false`,
    );
  }
  buildPages(root, join(root, node));
} catch (error) {
  console.error(`ojs-ts: ${error.message}`);
  process.exitCode = 1;
}

// Makes every command work alone on a fresh clone: installs the dependencies where node_modules does not hold what
// package-lock.json names, and builds the pages of the dashboard. Runs on whatever Node the machine has (20 or later);
// the scripts after it run on the `node` devDependency.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, tidy } from './setup/install.mjs';
import { flawOf } from './setup/installed.mjs';
import { withLock } from './setup/lock.mjs';
import { buildPages } from './setup/pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = join(root, '.ojs-setup');
const node = 'node_modules/node/bin/node';

try {
  // The folder outlives a command that was killed; so does what npm had put there.
  if (existsSync(work) || flawOf(root) !== null) {
    await withLock(work, async () => {
      const flaw = flawOf(root);
      if (flaw !== null) await install(root, work, flaw);
      tidy(work);
    });
  }
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

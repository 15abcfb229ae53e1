import { existsSync } from 'node:fs';
import { install, tidy } from './install.mjs';
import { flawOf } from './installed.mjs';
import { withLock } from './lock.mjs';

/** Installs what the lock file in the folder `root` names, unless it is there. `work` is a folder for what is unfinished. */
export async function ensureInstalled(root, work) {
  // The folder outlives a command that was killed; so does what npm had put there.
  if (!existsSync(work) && flawOf(root) === null) return;
  await withLock(work, async () => {
    const flaw = flawOf(root);
    if (flaw !== null) await install(root, work, flaw);
    tidy(work);
  });
}

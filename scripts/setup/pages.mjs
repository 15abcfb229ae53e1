import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the pages of the dashboard are made of. */
const sources = [
  'packages/dashboard/app',
  'packages/dashboard/vite.config.ts',
  'packages/core/src',
  'package-lock.json',
];
const built = 'packages/dashboard/public/index.html';

/**
 * Builds the pages of the dashboard where a source is newer: half a second.
 * @param {string} root of the repository.
 * @param {string} program Node's own file, of a version that runs TypeScript.
 */
export function buildPages(root, program) {
  const builtAt = modifiedAt(join(root, built));
  if (sources.every((source) => newest(join(root, source)) <= builtAt)) return;
  execFileSync(program, ['scripts/dashboard.ts'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}

function newest(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  const inside = readdirSync(path, { withFileTypes: true }).map((entry) => newest(join(path, entry.name)));
  return Math.max(status.mtimeMs, ...inside);
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

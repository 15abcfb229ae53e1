// Makes `npm start` and `npm test` work alone on a fresh clone: installs when node_modules is missing or older than the lock file.
// Runs on whatever Node the machine has (20 or later); the scripts after it run on the `node` devDependency.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const stamp = new URL('node_modules/.ojs-setup', root);
const read = (url) => {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return null;
  }
};

const wanted = read(new URL('package-lock.json', root));
if (wanted === null || read(stamp) !== wanted) {
  console.error('Installing dependencies (once)…');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, ...rest] = npm ? [process.execPath, npm, ...args] : ['npm', ...args];
  const done = spawnSync(command, rest, { cwd: root, stdio: 'inherit' });
  if (done.status !== 0) {
    console.error('ojs-ts: npm ci failed; the messages above say why.');
    process.exit(done.status ?? 1);
  }
  writeFileSync(stamp, wanted ?? '');
}

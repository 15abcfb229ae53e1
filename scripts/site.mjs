// Builds the documentation site: `npm run site`, with the options of site/build.ts. Its tools have a lock file of their
// own, so no other command installs them: TypeDoc needs an older TypeScript than ours.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './setup/ensure.mjs';

const site = fileURLToPath(new URL('../site', import.meta.url));

try {
  await ensureInstalled(site, join(site, '.ojs-setup'));
  const child = spawn(process.execPath, [join(site, 'build.ts'), ...process.argv.slice(2)], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} catch (error) {
  console.error(`ojs-ts: ${error.message}`);
  process.exitCode = 1;
}

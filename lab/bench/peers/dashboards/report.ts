import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Opened } from '../../src/dashboards/peer.ts';

/** Carries out `open` with the arguments of the process, a store and a number of jobs, and sends what came of it. */
export async function report(
  open: (storage: string, jobs: number) => Promise<Omit<Opened, 'versions'>>,
): Promise<void> {
  const [storage = '', jobs = ''] = process.argv.slice(2);
  // Nobody else ends this process.
  process.once('disconnect', () => process.exit());
  try {
    process.send?.({ opened: { ...(await open(storage, Number(jobs))), versions: versions() } });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) });
  }
}

/** What is installed here. */
function versions(): Readonly<Record<string, string>> {
  const path = fileURLToPath(new URL('package.json', import.meta.url));
  return JSON.parse(readFileSync(path, 'utf8')).dependencies;
}

import type { Backup } from '../storage.ts';
import { clear } from './clear.ts';
import { dump } from './dump.ts';
import { Restoration } from './restore.ts';
import { listOf, text } from './rows.ts';
import type { Scripts } from './scripts.ts';

/** Keys that a store has from its start. */
const own: ReadonlySet<string> = new Set(['layout', 'leases']);

/**
 * A dump goes script by script (see {@link dump}), and so does a restore: it takes back what it wrote where it fails, but not where its process is killed.
 * @param onSeed told the seed that a restore has brought.
 */
export function backup(scripts: Scripts, name: string, onSeed: (seed: number) => void): Backup {
  return {
    async *dump() {
      for await (const page of dump(scripts)) if (page.length > 0) yield page;
    },

    async restore(pages) {
      if (!(await isEmpty(scripts)))
        throw new Error(`${name} is not empty; a dump is restored into an empty store only.`);
      const restoration = new Restoration(scripts);
      try {
        for await (const page of pages) await restoration.add(page);
        onSeed(await restoration.end());
      } catch (error) {
        await clear(scripts, false).catch(() => {});
        throw error;
      }
    },
  };
}

async function isEmpty(scripts: Scripts): Promise<boolean> {
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, names] = listOf(await scripts.exchange('dump_scan', cursor));
    cursor = text(next);
    if (listOf(names).some((name) => !own.has(text(name)))) return false;
  }
  return true;
}

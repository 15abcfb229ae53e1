import { randomUUID } from 'node:crypto';
import { notEmpty } from '../dump.ts';
import type { Backup, StoreOwn } from '../storage.ts';
import { listOf, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { dump } from './dump.ts';
import { OtherRestore, Restoration } from './restore.ts';

/** Keys that a store has from its start. */
const own: ReadonlySet<string> = new Set(['layout', 'leases', 'probe']);

/**
 * A dump goes script by script (see {@link dump}), and so does a restore. A restore that fails removes what it wrote.
 * One whose process is killed leaves its mark, with which no server uses the store, and the next restore begins with an
 * empty one.
 * @param onOwn gets what a restore has brought.
 */
export function backup(scripts: Scripts, name: string, onOwn: (own: StoreOwn) => void): Backup {
  return {
    async *dump() {
      for await (const page of dump(scripts)) if (page.length > 0) yield page;
    },

    async restore(pages) {
      const id = randomUUID();
      const empty = await isEmpty(scripts);
      if ((await scripts.exchange('restore_begin', { id, empty })) !== true) throw notEmpty(name);
      if (!empty) await clear(scripts, false);
      const restoration = new Restoration(scripts, name, id);
      try {
        for await (const page of pages) await restoration.add(page);
        onOwn(await restoration.end());
      } catch (error) {
        if (!(error instanceof OtherRestore))
          await clear(scripts, false)
            .then(() => scripts.exchange('restore_end', { id }))
            .catch(() => {});
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

/**
 * Removes the keys of the namespace, in pieces, so that the server answers others in between. A caller that writes to
 * the namespace at the same time may lose a part.
 * @param all removes the layout too, which says that the namespace is a store.
 */
export async function clear(scripts: Scripts, all: boolean): Promise<void> {
  let cursor = '0';
  do cursor = text(await scripts.exchange('clear', { cursor, all }));
  while (cursor !== '0');
}

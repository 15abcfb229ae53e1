import type { Backup } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { dump } from './dump.ts';
import { isEmpty, Restoration } from './restore.ts';

/** A dump shows one moment of the schema; a restore is one transaction. */
export function backup(database: Database): Backup {
  return {
    async *dump() {
      await using snapshot = await database.snapshot();
      for await (const page of dump(snapshot.read)) if (page.length > 0) yield page;
    },

    async restore(pages) {
      let begun = false;
      await database.transact(0, async (tx) => {
        if (!(await isEmpty(tx)))
          throw new Error(`${database.address.name} is not empty; restore a dump into an empty store.`);
        // The pages can be read only once, so the transaction cannot be run again.
        if (begun)
          throw new Error(`${database.address.name} is in use; stop all servers on it before you restore a dump.`);
        begun = true;
        await tx.script('SET LOCAL idle_in_transaction_session_timeout = 0');
        const restoration = new Restoration(tx);
        for await (const page of pages) await restoration.add(page);
        await restoration.end();
      });
    },
  };
}

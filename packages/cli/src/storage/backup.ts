import type { BackupSummary } from '@ojs-ts/server';
import { Command } from 'commander';
import { reported, type StorageFlags, takesStorage, withStorage } from './storage.ts';

/** `ojs backup`: the store as lines of JSON, while servers keep running. */
export function backupCommand(): Command {
  return takesStorage(new Command('backup'))
    .description('write a backup, which any kind of storage can restore; servers may keep running')
    .argument('[file]', 'output file, compressed if the name ends in .gz (default standard output)')
    .action((file: string | undefined, flags: StorageFlags) =>
      reported('backup', () =>
        withStorage(flags, true, async (storage) => {
          const { writeBackup } = await import('@ojs-ts/server');
          const summary = await writeBackup(storage, file ?? null);
          console.error(`${describe(summary)} written to ${file ?? 'standard output'}`);
        }),
      ),
    );
}

/** `ojs restore`: fills an empty store. */
export function restoreCommand(): Command {
  return takesStorage(new Command('restore'))
    .description('restore a backup into an empty storage; start its servers afterwards')
    .argument('<file>', 'a file that ojs backup wrote')
    .action((file: string, flags: StorageFlags) =>
      reported('restore', async () => {
        const { readBackup } = await import('@ojs-ts/server');
        const backup = await readBackup(file);
        await withStorage(flags, false, async (storage) => {
          await storage.migrate();
          await storage.backup.restore(backup.pages());
          console.error(`${describe(backup)} restored from ${file}`);
        });
      }),
    );
}

function describe({ header, counts }: BackupSummary): string {
  const { job = 0, workflow = 0, cron = 0 } = counts;
  const records = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const parts = [counted(job, 'job'), counted(workflow, 'workflow'), counted(cron, 'cron job')].join(', ');
  return `${records} records of ${header.storage} (${parts})`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

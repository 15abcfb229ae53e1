import { Command } from 'commander';
import { reported, type StorageFlags, takesStorage, withStorage } from './storage.ts';

/** `ojs migrate`: what a server does when it starts, at a time of the operator's choice. */
export function migrateCommand(): Command {
  return takesStorage(new Command('migrate'))
    .description('upgrade the layout of a storage, as a server does when it starts')
    .option('--dry-run', 'print the steps and change nothing')
    .action((flags: StorageFlags & { readonly dryRun?: true }) =>
      reported('migrate', () =>
        withStorage(flags, flags.dryRun === true, async (storage) => {
          const { name } = storage.traits;
          const { from, to, steps } = await storage.layout();
          if (from > to)
            throw new Error(`the store has layout ${from}; this version knows ${to}. Use the newer version.`);
          if (from === to) return console.log(`${name}: layout ${to}, up to date`);
          console.log(`${name}: layout ${from} to ${to}`);
          for (const step of steps) console.log(`  ${step}`);
          if (flags.dryRun) return console.log('dry run: nothing was changed');
          await storage.migrate();
          console.log('done');
        }),
      ),
    );
}

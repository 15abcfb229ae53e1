import type { BackupSummary, Storage } from '@ojs-ts/server';
import type { Command } from 'commander';
import { counted } from '../output/cells.ts';
import { table, view } from '../output/table.ts';
import { type Args, command, fullName, group } from './command.ts';
import { flag, on, type Values } from './flags.ts';

const location = 'URL of the storage, as for ojs serve (OJS_STORAGE; default sqlite:./ojs.db)';
const flags = {
  storage: flag('--storage <url>', location, String),
  dry_run: on('--dry-run', 'print the steps and change nothing'),
  json: on('--json', 'one JSON document instead of a table'),
};
type StorageFlags = Partial<Values<typeof flags>>;

/** A command beside the servers of a storage. Before its work come warnings about the environment. */
function storageCommand(
  name: string,
  about: string,
  { args = {}, ...more }: { readonly args?: Args } & Partial<typeof flags>,
  work: (values: StorageFlags, file?: string) => Promise<void>,
): Command {
  const own: Partial<typeof flags> = { storage: flags.storage, ...more };
  return command(name, about, { args, flags: own }, async function (values, file) {
    const { checkEnvironment } = await import('@ojs-ts/server');
    for (const { event, fields } of checkEnvironment())
      console.error(`${fullName(this)}: ${event} ${JSON.stringify(fields)}`);
    await work(values, file);
  });
}

/** Opens the storage for the work, and closes it. @param existing true makes no file where there is none. */
async function withStorage(
  { storage: url }: StorageFlags,
  existing: boolean,
  work: (storage: Storage) => Promise<void>,
): Promise<void> {
  const { openStorage, storageUrl } = await import('@ojs-ts/server');
  await using storage = await openStorage(storageUrl(url), { existing });
  await work(storage);
}

export function storageCommands(): readonly Command[] {
  const backups = 'write a backup, which any kind of storage can restore; servers may keep running';
  const target = { '[file]': 'output file, compressed if the name ends in .gz (default standard output)' };
  const source = { file: 'a file that ojs backup wrote' };
  const reports = 'count the keys of a Redis storage by kind, and the bytes that they use';
  const { dry_run, json } = flags;
  return [
    storageCommand('migrate', 'upgrade the layout of a storage, as a server does when it starts', { dry_run }, migrate),
    storageCommand('backup', backups, { args: target }, backup),
    storageCommand(
      'restore',
      'restore a backup into an empty storage; start its servers afterwards',
      { args: source },
      restore,
    ),
    group('storage', 'inspect a storage; servers may keep running', [
      storageCommand('report', reports, { json }, report),
    ]),
  ];
}

/** A server does the same when it starts: here at a time of the operator's choice. */
function migrate(flags: StorageFlags): Promise<void> {
  return withStorage(flags, flags.dry_run === true, async (storage) => {
    const { name } = storage.traits;
    const { from, to, steps } = await storage.layout();
    if (from > to) throw new Error(`the store has layout ${from}; this version knows ${to}. Use the newer version.`);
    if (from === to) return console.log(`${name}: layout ${to}, up to date`);
    console.log(`${name}: layout ${from} to ${to}`);
    for (const step of steps) console.log(`  ${step}`);
    if (flags.dry_run) return console.log('dry run: nothing was changed');
    await storage.migrate();
    console.log('done');
  });
}

/** The store as lines of JSON, while servers keep running. */
function backup(flags: StorageFlags, file: string | undefined): Promise<void> {
  return withStorage(flags, true, async (storage) => {
    const { writeBackup } = await import('@ojs-ts/server');
    const summary = await writeBackup(storage, file ?? null);
    console.error(`${describe(summary)} written to ${file ?? 'standard output'}`);
  });
}

async function restore(flags: StorageFlags, file = ''): Promise<void> {
  const { readBackup } = await import('@ojs-ts/server');
  const backup = await readBackup(file);
  await withStorage(flags, false, async (storage) => {
    await storage.migrate();
    await storage.backup.restore(backup.pages());
    console.error(`${describe(backup)} restored from ${file}`);
  });
}

async function report({ storage, json }: StorageFlags): Promise<void> {
  const { storageReport, storageUrl } = await import('@ojs-ts/server');
  const found = await storageReport(storageUrl(storage));
  const kinds = [...found.kinds, { kind: 'all', keys: found.keys, bytes: found.bytes }].map((kind) => ({ ...kind }));
  console.log(json ? JSON.stringify(found, null, 2) : table(view`KIND | KEYS> | BYTES>`, kinds));
}

function describe({ header, counts }: BackupSummary): string {
  const { job = 0, workflow = 0, cron = 0 } = counts;
  const records = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const parts = [counted(job, 'job'), counted(workflow, 'workflow'), counted(cron, 'cron job')].join(', ');
  return `${records} records of ${header.storage} (${parts})`;
}

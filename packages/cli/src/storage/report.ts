import { type MemoryReport, storageReport, storageUrl } from '@ojs-ts/server';
import { Command } from 'commander';
import { reported, type StorageFlags, takesStorage } from './storage.ts';

/** `ojs storage`: looks at a store beside its servers. */
export function storageCommand(): Command {
  return new Command('storage').description('inspect a storage; servers may keep running').addCommand(reportCommand());
}

function reportCommand(): Command {
  return takesStorage(new Command('report'))
    .description('count the keys of a Redis storage by kind, and the bytes that they use')
    .option('--json', 'one JSON document instead of a table')
    .action(({ storage, json }: StorageFlags & { readonly json?: true }) =>
      reported('storage report', async () => {
        const report = await storageReport(storageUrl(storage));
        console.log(json ? JSON.stringify(report, null, 2) : table(report));
      }),
    );
}

function table({ kinds, keys, bytes }: MemoryReport): string {
  const rows = [...kinds, { kind: 'all', keys, bytes }].map(
    ({ kind, keys, bytes }) => [kind, String(keys), String(bytes)] as const,
  );
  const lines = [['kind', 'keys', 'bytes'] as const, ...rows];
  const width = (column: 0 | 1 | 2) => Math.max(...lines.map((line) => line[column].length));
  const [names, counts, sizes] = [width(0), width(1), width(2)];
  return lines
    .map(([kind, keys, bytes]) => `${kind.padEnd(names)}  ${keys.padStart(counts)}  ${bytes.padStart(sizes)}`)
    .join('\n');
}

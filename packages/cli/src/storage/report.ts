import type { MemoryReport } from '@ojs-ts/server';
import { Command } from 'commander';
import { group } from '../commands/command.ts';
import { type Column, table } from '../output/table.ts';
import { reported, type StorageFlags, takesStorage } from './storage.ts';

/** `ojs storage`: looks at a store beside its servers. */
export function storageCommand(): Command {
  return group('storage', 'inspect a storage; servers may keep running', [reportCommand()]);
}

function reportCommand(): Command {
  return takesStorage(new Command('report'))
    .description('count the keys of a Redis storage by kind, and the bytes that they use')
    .option('--json', 'one JSON document instead of a table')
    .action(({ storage, json }: StorageFlags & { readonly json?: true }) =>
      reported('storage report', async () => {
        const { storageReport, storageUrl } = await import('@ojs-ts/server');
        const report = await storageReport(storageUrl(storage));
        console.log(json ? JSON.stringify(report, null, 2) : shown(report));
      }),
    );
}

function shown({ kinds, keys, bytes }: MemoryReport): string {
  return table(columns, [...kinds, { kind: 'all', keys, bytes }]);
}

const columns: readonly Column<MemoryReport['kinds'][number]>[] = [
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'KEYS', cell: ({ keys }) => String(keys), align: 'right' },
  { title: 'BYTES', cell: ({ bytes }) => String(bytes), align: 'right' },
];

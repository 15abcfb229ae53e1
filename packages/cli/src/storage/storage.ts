import type { Storage } from '@ojs-ts/server';
import type { Command } from 'commander';
import { reporting } from '../commands/command.ts';

export interface StorageFlags {
  readonly storage?: string;
}

/** Adds the option that names a storage. */
export function takesStorage(command: Command): Command {
  return command.option(
    '--storage <url>',
    'URL of the storage, as for ojs serve (OJS_STORAGE; default sqlite:./ojs.db)',
  );
}

/** As other commands; before the work come warnings about the environment. */
export async function reported(command: string, work: () => Promise<void>): Promise<void> {
  await reporting(`ojs ${command}`, async () => {
    const { checkEnvironment } = await import('@ojs-ts/server');
    for (const { event, fields } of checkEnvironment())
      console.error(`ojs ${command}: ${event} ${JSON.stringify(fields)}`);
    await work();
  });
}

/**
 * Opens the storage, works with it and closes it.
 * @param existing true makes no file where there is none.
 */
export async function withStorage(
  { storage: url }: StorageFlags,
  existing: boolean,
  work: (storage: Storage) => Promise<void>,
): Promise<void> {
  const { openStorage, storageUrl } = await import('@ojs-ts/server');
  await using storage = await openStorage(storageUrl(url), { existing });
  await work(storage);
}

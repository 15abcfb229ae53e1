import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { didYouMean } from '@ojs-ts/core';
import { serverOptions } from '@ojs-ts/core/options';
import { Command } from 'commander';
import { Failure } from '../connection/failure.ts';
import { reporting } from './command.ts';
import { readerOf } from './serve.ts';
import { failStart } from './start-failure.ts';

interface DevFlags {
  readonly storage?: string;
  readonly port?: number;
  readonly open?: true;
  readonly drain?: number;
}

const drainMs = 30_000;

/** `ojs dev`: a server with its dashboard, and a worker that restarts when its files change. */
export function devCommand(): Command {
  return new Command('dev')
    .description('run a server, its dashboard and a worker that restarts when its files change')
    .argument('[worker]', 'module that starts or exports a worker, such as worker.ts')
    .option('--storage <url>', 'URL of the storage, as for ojs serve (OJS_STORAGE; default sqlite:./.ojs/dev.db)')
    .option(
      '--port <number>',
      'port, 0 for a free one (OJS_PORT; default 8080 or the next free one)',
      readerOf(serverOptions.port),
    )
    .option('--open', 'open the dashboard in a browser')
    .option(
      '--drain <duration>',
      'how long to wait for running jobs before the worker is killed (default 30s)',
      readerOf(serverOptions.closeTimeoutMs),
    )
    .action((worker: string | undefined, flags: DevFlags) =>
      reporting('ojs dev', async () => {
        const { storage, port, open = false, drain = drainMs } = flags;
        const module = worker === undefined ? null : fileOf(worker);
        const { runDevSession } = await import('../dev/session.ts');
        await runDevSession({ worker: module, storage, port, open, drainMs: drain }).catch(failStart);
      }),
    );
}

/** @throws Failure if there is no such file. */
function fileOf(worker: string): string {
  const file = resolve(worker);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw new Failure('usage', `Expected the file of a worker, found no file ${file}.${suggestion(file)}`);
}

function suggestion(file: string): string {
  try {
    return didYouMean(basename(file), readdirSync(dirname(file)));
  } catch {
    return '';
  }
}

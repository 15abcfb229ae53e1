/**
 * The process of a worker under `ojs dev`: `worker-program.ts MODULE`. It reports the files that the module imports,
 * and starts a worker that the module exports without starting it. The message `drain` ends the process as SIGTERM
 * would; Windows has no such signal.
 */
import { writeSync } from 'node:fs';
import module from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Worker } from '@ojs-ts/sdk';
import { syntaxErrors } from './syntax-error.ts';

/** How long the process may take to end by itself once its last worker has drained. Milliseconds. */
const leaveMs = 1_000;
/** Known process-wide: the worker may come from another copy of the SDK. */
const mark = Symbol.for('@ojs-ts/sdk.handlers');
const reported = new Set<string>();
/** Resolves once the parent has all reports. */
let sent = Promise.resolve();
let isDraining = false;

process.on('message', drain);
// Without its parent there is no server: a drain could deliver nothing.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();

// Node 23.4 has no such hooks: there only the module itself is watched.
if ('registerHooks' in module) module.registerHooks({ resolve: resolveAndReport });

const entry = pathToFileURL(process.argv[2] ?? '').href;
report(entry);
const loaded: object = await import(entry).catch(leave);
if (!isDraining) for (const worker of exportedWorkers(loaded)) if (isNew(worker)) await worker.start();

/** A syntax error is a line of its own; any other error has its stack. */
async function leave(error: unknown): Promise<never> {
  const lines = syntaxErrors(error, reported);
  if (lines.length === 0) throw error;
  writeSync(2, `${lines.join('\n')}\n`);
  // An exit drops what is on its way, and a file that the parent does not know of could change unseen.
  await sent;
  process.exit(1);
}

function resolveAndReport(
  specifier: string,
  context: module.ResolveHookContext,
  next: (specifier: string, context?: Partial<module.ResolveHookContext>) => module.ResolveFnOutput,
): module.ResolveFnOutput {
  try {
    const resolved = next(specifier, context);
    report(resolved.url);
    return resolved;
  } catch (error) {
    // The file that fixes the error may appear there.
    if (specifier.startsWith('.') && context.parentURL) report(new URL(specifier, context.parentURL).href);
    throw error;
  }
}

function report(url: string): void {
  if (!url.startsWith('file:') || url.includes('/node_modules/') || reported.has(url)) return;
  reported.add(url);
  if (process.send === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  sent = promise;
  process.send(url, undefined, undefined, () => resolve());
}

/** The default export and the export `worker`, of a CommonJS module too. */
function exportedWorkers(exports: object): ReadonlySet<Worker> {
  const found = new Set<Worker>();
  const look = (holder: unknown) => {
    if (typeof holder !== 'object' || holder === null) return;
    if ('worker' in holder && isWorker(holder.worker)) found.add(holder.worker);
    if (!('default' in holder)) return;
    if (isWorker(holder.default)) found.add(holder.default);
    else look(holder.default);
  };
  look(exports);
  return found;
}

function isWorker(value: unknown): value is Worker {
  return typeof value === 'object' && value !== null && mark in value;
}

function isNew(worker: Worker): boolean {
  return worker.state === 'idle' && worker.health().lastFetchAt === undefined;
}

function drain(): void {
  if (isDraining) return;
  isDraining = true;
  if (process.listenerCount('SIGTERM') === 0) process.exit(0);
  process.emit('SIGTERM', 'SIGTERM');
  // A worker stops listening once it has drained. An open pool of connections must not block the restart.
  process.on('removeListener', () => {
    if (process.listenerCount('SIGTERM') === 0) setTimeout(() => process.exit(), leaveMs).unref();
  });
}

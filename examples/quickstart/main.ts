/**
 * The quickstart: a server on a SQLite file, a worker, and real work.
 *
 *   npm start [-- FOLDER]          measures every file below a folder, then stays up
 *   npm start -- --open [FOLDER]   opens the dashboard in a browser, too
 *   npm run quickstart [-- FOLDER] does the same, then exits
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, type JobRequest, Worker } from '@ojs-ts/sdk';
import { ConfigError, type RunningServer, startServer } from '@ojs-ts/server';
import { openBrowser } from '../../packages/cli/src/dev/browser.ts';
import { filesBelow, type Measure, measure } from './files.ts';
import { Progress, type Tally } from './progress.ts';
import { summary } from './table.ts';

const queue = 'quickstart';
const batchSize = 500;

const help = `npm start [-- FOLDER]          measures every file below a folder (default: this repository), then stays up
npm start -- --open [FOLDER]   also opens the dashboard in a browser
npm run quickstart [-- FOLDER] does the same, then exits

OJS_PORT=9090 npm start        listens on port 9090; the default is 8080, or a free port if 8080 is in use
`;

/** Ctrl+C from the first moment on: the folder of the store is deleted in any case. */
const interrupted = Promise.withResolvers<'interrupted'>();
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isInterrupted = true;
    interrupted.resolve('interrupted');
  });

const { stay, open, folder } = options();
if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`quickstart: ${folder} is not a folder; name a folder with files to measure`);
  process.exit(2);
}

const home = mkdtempSync(join(tmpdir(), 'ojs-quickstart-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));
const database = join(home, 'jobs.db');
const { server, busy } = await listen(database);
const client = new Client(server.url);
// Two jobs fail on purpose, so only errors of the worker itself are printed.
const logger = { debug() {}, info() {}, warn() {}, error: console.error };
const worker = new Worker(server.url, { queues: [queue, 'default'], concurrency: 20, handleSignals: false, logger });
const tally: Tally = { done: 0, failed: 0, retried: 0 };
const counted = <T>(handler: (attempt: number, args: readonly unknown[]) => T) => {
  return (ctx: { readonly attempt: number; readonly args: readonly unknown[] }): T => {
    if (ctx.attempt > 1) tally.retried++;
    try {
      const result = handler(ctx.attempt, ctx.args);
      tally.done++;
      return result;
    } catch (error) {
      tally.failed++;
      throw error;
    }
  };
};

worker.register(
  'file.measure',
  counted((_, [path]) => measure(join(folder, String(path)))),
);
worker.register(
  'demo.flaky',
  counted((attempt) => {
    if (attempt <= 2) throw new Error(`attempt ${attempt} fails on purpose`);
    return { attempts: attempt };
  }),
);
worker.register(
  'demo.doomed',
  counted(() => {
    throw new TypeError('this job never succeeds');
  }),
);
worker.register(
  'hello',
  counted((_, args) => ({ hello: args })),
);
// Runs for the given number of seconds, reports its progress, and stops when it is cancelled.
worker.register('demo.slow', async ({ args: [seconds], progress, signal }) => {
  const steps = Math.min(60, Math.max(1, Number(seconds) || 1)) * 2;
  for (let step = 1; step <= steps; step++) {
    await setTimeout(500, undefined, { signal });
    await progress((100 * step) / steps, `step ${step} of ${steps}`);
  }
  return { steps };
});

const files = filesBelow(folder).map((path) => relative(folder, path));
const requests: JobRequest[] = [
  // Fails twice and succeeds at the third attempt.
  { type: 'demo.flaky', args: [], queue, retry: { maxAttempts: 3, initialInterval: '200ms', jitter: false } },
  // After its last attempt the job goes to the dead letter. Without onExhaustion it would be discarded.
  {
    type: 'demo.doomed',
    args: [],
    queue,
    retry: { maxAttempts: 2, initialInterval: '200ms', jitter: false, onExhaustion: 'dead_letter' },
  },
  ...files.map((path): JobRequest => ({ type: 'file.measure', args: [path], queue })),
];

const { port } = new URL(server.url);
const moved =
  busy === null
    ? ''
    : `\n            Port ${busy} is in use, so the server took port ${port}. OJS_PORT=9090 npm start uses port 9090.`;
const place = `dashboard   ${server.url}/dashboard/   (in a browser: every job of this run, live)
server      ${server.url}${moved}
store       ${database}`;
console.log(
  `${place}\nfolder      ${folder}: ${files.length} files, one job for each, and two jobs that fail on purpose\n`,
);
if (open) openBrowser(`${server.url}/dashboard/`, (line) => console.log(line));
const running = worker.start();
// A worker that is stopped before its first fetch rejects.
running.catch((error) => {
  if (!isInterrupted) throw error;
});
// Once interrupted, the calls in flight fail with the client.
if ((await Promise.race([work(), interrupted.promise])) !== 'interrupted' && stay) {
  console.log(banner(server.url, place));
  await interrupted.promise;
}
await worker.stop();
await client.close();
await server.close();

async function work(): Promise<void> {
  await worker.ready;
  const progress = new Progress(tally, requests.length - 1);
  const ids: string[] = [];
  try {
    for (let start = 0; start < requests.length; start += batchSize) {
      for (const handle of await client.enqueueBatch(requests.slice(start, start + batchSize))) ids.push(handle.id);
    }
    await drained();
  } finally {
    progress.stop();
  }
  await report(ids);
}

async function report(ids: readonly string[]): Promise<void> {
  const finished = await Promise.all(ids.slice(2).map((id) => client.getJob(id)));
  const measured = finished.flatMap((job, index) =>
    job.state === 'completed' ? [[files[index] ?? '', job.result as Measure] as const] : [],
  );
  console.log(`\n${summary(measured)}\n`);
  const [flaky] = await Promise.all(ids.slice(0, 1).map((id) => client.getJob(id)));
  console.log(
    `demo.flaky   ${flaky?.state} at attempt ${flaky?.attempt}: ${flaky?.errors.map(({ message }) => message).join(', ')}`,
  );
  for (const job of (await client.listDeadLetterJobs()).items) {
    console.log(
      `${job.type}  in the dead letter after attempt ${job.attempt}: ${job.error?.type}: ${job.error?.message} (${job.id})`,
    );
  }
  for (const job of finished)
    if (job.state !== 'completed') console.log(`${job.type} ${job.id} is ${job.state}: ${job.error?.message}`);
  console.log(`\n${tally.done} jobs done, ${tally.failed} executions failed, ${tally.retried} retried`);
}

function options(): { readonly stay: boolean; readonly open: boolean; readonly folder: string } {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      options: { stay: flag, open: flag, help: flag },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(help);
      process.exit();
    }
    return { ...values, folder: resolve(positionals[0] ?? join(import.meta.dirname, '../..')) };
  } catch (error) {
    console.error(`quickstart: ${error instanceof Error ? error.message : error}`);
    process.exit(2);
  }
}

/** Listens on the port of OJS_PORT, or 8080; if that is in use, on a free one, and then `busy` is the port in use. */
async function listen(path: string): Promise<{ readonly server: RunningServer; readonly busy: number | null }> {
  // Two jobs fail on purpose: their lines in the log would look like trouble.
  const logTo = { write: (line: string) => void (line.includes('"demo.') || process.stderr.write(line)) };
  const options = { storage: `sqlite:${path}`, log: 'warn', logTo } as const;
  try {
    return { server: await startServer(options), busy: null };
  } catch (error) {
    if (error instanceof ConfigError) return refuse(error.message);
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error)) throw error;
    if (process.env.OJS_PORT) return refuse(`port ${error.port}, which OJS_PORT names, is in use`);
    return { server: await startServer({ ...options, port: 0 }), busy: Number(error.port) };
  }
}

function refuse(reason: string): never {
  console.error(`quickstart: ${reason}`);
  process.exit(2);
}

/** Resolves when no job of the queue waits or runs. */
async function drained(): Promise<void> {
  for (;;) {
    const { available, active, scheduled, retryable } = await client.queueStats(queue);
    if (available + active + scheduled + retryable === 0) return;
    await setTimeout(50);
  }
}

/** The last lines of the output: what to try, then the addresses. Short enough for one screen. */
function banner(url: string, place: string): string {
  return `
To try:

  curl ${url}/ojs/v1/health
  curl ${url}/ojs/v1/queues/${queue}/stats
  curl -X POST ${url}/ojs/v1/jobs -H 'Content-Type: application/json' -d '{"type":"hello","args":["world"]}'
  curl ${url}/ojs/v1/jobs/ID                       (ID: from the answer to the line above)
  curl ${url}/ojs/v1/dead-letter
  curl -X POST ${url}/ojs/v1/dead-letter/ID/retry  (the job will fail again)
  curl '${url}/ojs/v1/events?types=job.failed'
  npm run ojs -- serve --help                      (a server of your own)

${place}

Server and worker run until you press Ctrl-C.`;
}

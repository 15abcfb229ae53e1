import type { RunningServer } from '@ojs-ts/server';
import { part, text } from '../output/cells.ts';
import { say } from '../output/speakers.ts';
import { openBrowser } from './browser.ts';
import { type DevServerOptions, startDevServer } from './dev-server.ts';
import { interruptKey, listenForKeys } from './keys.ts';
import { writeUrlFile } from './url-file.ts';
import { WorkerRunner } from './worker-runner.ts';

export interface DevOptions extends Pick<DevServerOptions, 'storage' | 'port'> {
  /** Path of the worker's module; null for a server alone. */
  readonly worker: string | null;
  readonly open: boolean;
  /** How long a restart and the end wait for running jobs. Milliseconds. */
  readonly drainMs: number;
}

const usualUrl = 'http://127.0.0.1:8080';

const example = `No worker was given, so the server and the dashboard run alone. A worker file is such as this worker.ts:

  import { Worker } from '@ojs-ts/sdk';

  export const worker = new Worker();
  worker.register('hello', async ({ args: [name] }) => \`Hello \${name}\`);

Then run: ojs dev worker.ts`;

const help = `o  open the dashboard in a browser
r  restart the worker once its running jobs have ended
q  quit once they have ended; Ctrl+C does the same, and a second time at once
h  this help`;

/** Runs the server and the worker until the user quits. */
export async function runDevSession({ worker, open, drainMs, storage, port }: DevOptions): Promise<void> {
  let runner: WorkerRunner | null = null;
  let isNew = false;
  const server = await startDevServer({
    storage,
    port,
    isSaid(record) {
      const message = text(record, 'message');
      if (message.startsWith('Worker registered')) runner?.registered();
      const isFirst = message === 'store layout migrated' && part(record, 'attributes').from === 0;
      isNew ||= isFirst;
      return isFirst || message === 'listening';
    },
  });
  say('ojs', isNew ? `new store ${server.storage}` : `store ${server.storage} with ${await jobsIn(server)}`);
  const removeUrlFile = writeUrlFile(server.url);
  const dashboard = `${server.url}/dashboard/`;
  const openDashboard = () => openBrowser(dashboard, (line) => say('ojs', line));
  runner = worker === null ? null : new WorkerRunner({ module: worker, url: server.url, drainMs });

  let isQuitting = false;
  const quit = (exitCode: number) => {
    if (isQuitting) process.exit(exitCode);
    isQuitting = true;
    say('ojs', 'Stopping once running jobs have ended. Again ends them at once.');
    void stop();
  };
  const stop = async () => {
    await runner?.stop();
    await server.close();
    keys[Symbol.dispose]();
  };
  const keys = listenForKeys({
    o: openDashboard,
    r: () => {
      if (runner === null) say('ojs', 'There is no worker to restart.');
      else if (!isQuitting) void runner.restart('r');
    },
    h: () => say('ojs', help),
    q: () => quit(0),
    [interruptKey]: () => quit(130),
  });
  process.on('SIGINT', () => quit(130));
  process.on('SIGTERM', () => quit(143));
  process.on('SIGHUP', () => quit(129));
  process.on('exit', () => {
    runner?.kill();
    removeUrlFile();
  });

  const seconds = (performance.now() / 1_000).toFixed(1);
  const hint = process.stdin.isTTY ? ' (h shows the keys)' : '';
  say('ojs', `${dashboard} is up in ${seconds} s${hint}`);
  if (server.url !== usualUrl)
    say('ojs', `Programs in this folder find it by themselves, others by OJS_BACKEND_URL=${server.url}`);
  if (open) openDashboard();
  if (runner === null) say('ojs', example);
  else runner.start();
}

async function jobsIn({ engine }: RunningServer): Promise<string> {
  const queues = await engine.queues.queues();
  const count = queues.flatMap(({ counts }) => Object.values(counts)).reduce((sum, one) => sum + one, 0);
  return count === 1 ? '1 job' : `${count} jobs`;
}

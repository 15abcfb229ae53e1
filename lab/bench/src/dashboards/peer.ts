import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../../packages/server/test/support/instance.ts';
import type { Scene } from '../../../dashboard/tasks.ts';

/** Ids of the few jobs that the tasks are about, beside those that fill the store. */
export interface PeerScene extends Scene {
  readonly held: string;
  readonly workflow: string;
}

/** What a child process of `lab/bench/peers/dashboards` has opened. */
export interface Opened {
  /** Of the first page. */
  readonly url: string;
  readonly scene: PeerScene;
  /** Of its packages. */
  readonly versions: Readonly<Record<string, string>>;
}

type Message = { readonly opened: Opened } | { readonly error: string };

export interface PeerStage extends Opened, AsyncDisposable {}

/** Fills a store with jobs, and starts a peer's dashboard, in a process of its own. */
export async function openPeer(entry: string, storage: string, jobs: number): Promise<PeerStage> {
  const file = fileURLToPath(new URL(`../../peers/dashboards/${entry}.ts`, import.meta.url));
  const child = fork(file, [storage, String(jobs)], {
    env: { ...process.env, NODE_ENV: 'production', PORT: String(await freePort()) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const message = await new Promise<Message>((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${entry} ended with ${signal ?? `exit code ${code}`}`)));
  });
  if ('opened' in message) return { ...message.opened, [Symbol.asyncDispose]: stop };
  await stop();
  throw new Error(message.error);
}

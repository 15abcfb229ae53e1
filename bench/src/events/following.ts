import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../child.ts';
import type { SubscriberMessage, Told } from './told.ts';

const entry = fileURLToPath(new URL('./subscriber.ts', import.meta.url));

export interface Following extends AsyncDisposable {
  /** Ends the subscriber. */
  stop(): Promise<Told>;
}

/** A subscriber of everything in a process of its own; resolves when the server has answered it. */
export async function startFollowing(url: string): Promise<Following> {
  const child = fork(entry, { env: plainEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ready = Promise.withResolvers<void>();
  const told = Promise.withResolvers<Told>();
  // Whoever did not wait for it yet will.
  told.promise.catch(() => {});
  const fail = (error: Error) => {
    ready.reject(error);
    told.reject(error);
  };
  child.on('message', (message: SubscriberMessage) => {
    if ('ready' in message) ready.resolve();
    else if ('told' in message) told.resolve(message.told);
    else fail(new Error(`the subscriber: ${message.error}`));
  });
  child.once('error', fail);
  child.once('exit', () => fail(new Error('the subscriber ended')));
  child.send(url);
  await ready.promise;
  return {
    stop() {
      child.send('stop');
      return told.promise;
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', kill);
      kill();
    },
  };
}

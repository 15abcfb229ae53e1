import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../child.ts';
import type { SubscriberCounts, SubscriberMessage } from './subscriber-counts.ts';

const entry = fileURLToPath(new URL('./subscriber.ts', import.meta.url));

export interface Subscriber extends AsyncDisposable {
  /** Ends the subscriber. */
  stop(): Promise<SubscriberCounts>;
}

/** A subscriber of everything in a process of its own; resolves when the server has answered it. */
export async function startSubscriber(url: string): Promise<Subscriber> {
  const child = fork(entry, { env: plainEnvironment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ready = Promise.withResolvers<void>();
  const counts = Promise.withResolvers<SubscriberCounts>();
  // Whoever did not wait for it yet will.
  counts.promise.catch(() => {});
  const fail = (error: Error) => {
    ready.reject(error);
    counts.reject(error);
  };
  child.on('message', (message: SubscriberMessage) => {
    if ('ready' in message) ready.resolve();
    else if ('counts' in message) counts.resolve(message.counts);
    else fail(new Error(`the subscriber: ${message.error}`));
  });
  child.once('error', fail);
  child.once('exit', () => fail(new Error('the subscriber ended')));
  child.send(url);
  await ready.promise;
  return {
    stop() {
      child.send('stop');
      return counts.promise;
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', kill);
      kill();
    },
  };
}

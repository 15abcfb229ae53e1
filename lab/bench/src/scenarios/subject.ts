import type { Transport } from '@ojs-ts/core';
import { type Client, Worker } from '@ojs-ts/sdk';
import { jobType, numberOf, queue, requestOf } from '../payload.ts';
import type { Subject } from './paced.ts';

/** Ours under a steady load. */
export function subjectOf(client: Client, target: string | Transport): Subject {
  return {
    enqueue(n) {
      const { type, args, ...options } = requestOf(n);
      return client.enqueue(type, args, options);
    },
    async work(concurrency, onStart) {
      const worker = new Worker(target, { queues: [queue], concurrency, handleSignals: false });
      worker.register(jobType, ({ args }) => onStart(numberOf(args)));
      const running = worker.start();
      await Promise.race([worker.ready, running]);
      return {
        async stop() {
          await worker.stop();
          await running;
        },
      };
    },
    async unfinished() {
      const { available, active, scheduled, retryable, pending } = await client.queueStats(queue);
      return available + active + scheduled + retryable + pending;
    },
  };
}

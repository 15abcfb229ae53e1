import type { Client } from '@ojs-ts/sdk';
import { requestOf } from '../payload.ts';
import type { Stopwatch } from '../stopwatch.ts';
import type { Rate } from '../task.ts';
import { countsOf, untilCounted } from './checks.ts';

/** Single enqueues from callers at once, each waiting for its answer: from the first call to the last answer. */
export async function enqueue(client: Client, jobs: number, callers: number, watch: Stopwatch): Promise<Rate> {
  let next = 0;
  const call = async () => {
    while (next < jobs) {
      const { type, args, ...options } = requestOf(next++);
      await client.enqueue(type, args, options);
    }
  };
  const before = await countsOf(client);
  watch.start();
  await Promise.all(Array.from({ length: callers }, call));
  const figure = watch.stop(jobs);
  await untilCounted(client, 'available', jobs, before);
  return figure;
}

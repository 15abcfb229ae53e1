import type { Client } from '@ojs-ts/sdk';
import { requestOf } from '../payload.ts';
import type { Stopwatch } from '../stopwatch.ts';
import type { Rate } from '../task.ts';
import { countsOf, untilCounted } from './checks.ts';

const batchSize = 1_000;

/** Batches of 1,000, one after the other: from the first call to the last answer. */
export async function batch(client: Client, jobs: number, watch: Stopwatch): Promise<Rate> {
  const before = await countsOf(client);
  watch.start();
  await enqueueAll(client, jobs);
  const figure = watch.stop(jobs);
  await untilCounted(client, 'available', jobs, before);
  return figure;
}

export async function enqueueAll(client: Client, jobs: number): Promise<void> {
  for (let first = 0; first < jobs; first += batchSize) {
    const size = Math.min(batchSize, jobs - first);
    await client.enqueueBatch(Array.from({ length: size }, (_, index) => requestOf(first + index)));
  }
}

import { expired as expiry, type JobRecord, type Millis } from '@ojs-ts/core';
import type { Changes } from './changes.ts';
import type { Held } from './held.ts';

/** Ends a waiting job that is past its expiry, as core decides. */
export function expired(changes: Changes, held: Held<JobRecord>, now: Millis): void {
  const verdict = changes.move(held, expiry(held.job, now));
  if (verdict !== 'moves') throw new Error(`Job ${held.job.id} has expired, but its transition was ${verdict}.`);
}

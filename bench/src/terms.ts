import { defaultRetention } from '../../packages/server/src/engine/options.ts';

const day = 86_400_000;

/** How long a contestant keeps what it has done: less kept is less written. */
export function ourRetention(): string {
  const { completedMs, discardedMs, keep, eventsMs } = defaultRetention;
  return (
    `completed jobs ${completedMs / day} days, discarded ones ${discardedMs / day}, at most the newest ${keep.toLocaleString('en-US')} of a state; ` +
    `events ${eventsMs / day} days`
  );
}

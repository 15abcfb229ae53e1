import { serverOptions, withDefaults } from '@ojs-ts/core/options';

/** The shortest: the upkeep looks every five seconds and removes what is a second old. */
export const deletingRetention = { completedMs: 1_000 };
/** The same for `ojs serve`. */
export const deletingEnvironment = { OJS_RETAIN_COMPLETED: '1s' };

const day = 86_400_000;

/** How long a contestant keeps what it has done: less kept is less written. */
export function ourRetention(): string {
  const { completedMs, discardedMs, keep, eventsMs } = withDefaults(serverOptions.engine.retention, {});
  return (
    `completed jobs ${completedMs / day} days, discarded ones ${discardedMs / day}, at most the newest ${keep.toLocaleString('en-US')} of a state; ` +
    `events ${eventsMs / day} days`
  );
}

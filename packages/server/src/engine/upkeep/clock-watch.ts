import type { Millis } from '@ojs-ts/core';
import type { Crons } from '@ojs-ts/core/cron';
import type { Storage } from '../../storage/storage.ts';
import type { EngineLog } from '../options.ts';
import type { StoreClock } from './store-clock.ts';
import type { StoreHealth } from './store-health.ts';
import type { Upkeep } from './upkeep.ts';

/** Clocks that differ by less are not worth a line. */
const clockBoundMs = 60_000;

/**
 * Reports steps of the clock, and a clock that cannot be right at the start. The time of the store is used, because no
 * server can say which clock is wrong. Crons that were due by a wrong clock are calculated again.
 * @returns a function that ends the watch.
 */
export async function watchClock(
  own: StoreClock,
  parts: {
    readonly storage: Storage;
    readonly log: EngineLog;
    readonly crons: Crons;
    readonly upkeep: Upkeep;
    readonly storeHealth: StoreHealth;
  },
): Promise<() => Promise<void>> {
  const { storage, log, crons, upkeep, storeHealth } = parts;
  const reckon = async () => crons.reckon();
  own.listen({
    seen: (by) => log.warn({ by_ms: by }, 'clock stepped'),
    followed: (by) => {
      log.warn({ by_ms: by }, 'clock step followed');
      upkeep.stepped(by);
      if (by < 0) reckon().catch((error: unknown) => log.error({ err: error }, 'crons not reckoned'));
    },
  });
  // An outage is one line.
  let isUnreadable = false;
  const follow = setInterval(() => {
    own.follow().then(
      () => {
        isUnreadable = false;
      },
      (error: unknown) => {
        if (!isUnreadable) log.warn({ err: error }, 'store clock unreadable');
        isUnreadable = true;
      },
    );
  }, 1_000);
  const now = own.now();
  if (Math.abs(own.ahead) > clockBoundMs) log.warn({ by_ms: own.ahead }, 'clocks of server and store differ');
  try {
    const newest = await newestTime(storage);
    if (newest > now + clockBoundMs) {
      storeHealth.clockBehind(newest);
      const fields = { now: new Date(now).toISOString(), newest: new Date(newest).toISOString() };
      log.error(fields, 'clock behind the store');
    }
    await reckon();
  } catch (error) {
    storeHealth.noticed(error);
    log.warn({ err: error }, 'clock not checked');
  }
  return async () => clearInterval(follow);
}

/** The latest time of an event or job in the store, or negative infinity. */
async function newestTime(storage: Storage): Promise<Millis> {
  const { newest } = await storage.events(0, 1);
  const [events, jobs] = await Promise.all([
    newest === 0 ? null : storage.events(newest - 1, 1),
    storage.jobs.list({ states: 0xff, limit: 1 }),
  ]);
  const times = [...(events?.batches ?? []).map(({ at }) => at), ...jobs.items.map(({ createdAt }) => createdAt)];
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

import type { Storage } from '../storage.ts';
import { listOf, number, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';

export function eventLog(scripts: Scripts): Pick<Storage, 'events' | 'record'> {
  return {
    async events(after, limit) {
      const [found, oldest, newest] = listOf(await scripts.exchange('events', { after, limit }));
      const batches = listOf(found).map((batch) => {
        const [position, at, count, entries] = listOf(batch);
        return { position: number(position), at: number(at), count: number(count), entries: text(entries) };
      });
      return { batches, oldest: number(oldest), newest: number(newest) };
    },

    async record(events, now) {
      if (events.length > 0) await scripts.exchange('record', { now, events });
    },
  };
}

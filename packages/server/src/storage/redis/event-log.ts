import { type EventKind, indexedOnly } from '@ojs-ts/core/events';
import type { EventsRead, Storage } from '../storage.ts';
import { listOf, number, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';

export function eventLog(scripts: Scripts): Pick<Storage, 'events' | 'eventsBefore' | 'record'> {
  return {
    async events(after, limit, kinds) {
      const { batches, isCut, ...ends } = await read(scripts, { from: after, limit }, kinds);
      const last = batches.at(-1);
      return { batches, ...ends, reached: isCut ? (last ? last.position + last.count - 1 : after) : ends.newest };
    },

    async eventsBefore(before, limit, kinds) {
      const { batches, isCut, ...ends } = await read(scripts, { from: before, limit, down: true }, kinds);
      return { batches, ...ends, reached: isCut ? (batches.at(-1)?.position ?? before) : ends.oldest };
    },

    async record(events, now) {
      if (events.length > 0) await scripts.exchange('record', { now, events });
    },
  };
}

async function read(
  scripts: Scripts,
  range: { readonly from: number; readonly limit: number; readonly down?: true },
  kinds: readonly EventKind[] | undefined,
): Promise<Omit<EventsRead, 'reached'> & { readonly isCut: boolean }> {
  const request = { ...range, kinds: indexedOnly(kinds) ?? undefined };
  const [found, oldest, newest, isCut] = listOf(await scripts.exchange('events', request));
  const batches = listOf(found).map((batch) => {
    const [position, at, count, entries] = listOf(batch);
    return { position: number(position), at: number(at), count: number(count), entries: text(entries) };
  });
  return { batches, oldest: number(oldest), newest: number(newest), isCut: isCut === true };
}

import type { Millis } from '@ojs-ts/core';
import type { MinuteRecord, Storage } from '../../storage/storage.ts';
import { turn } from '../page-size.ts';

const minute = 60_000;
/** Records of one read: 15 ms on SQLite, and 2 MB. A minute that has more is read at once. */
const most = 2_000;
/** Records of one part: 2 ms to add them up. */
const atOnce = 500;

/**
 * The figures of all queues in parts, by the minute. Some storages answer at once and a store may have many queues, so
 * other requests run between two parts.
 */
export async function* minuteParts(
  { registry }: Pick<Storage, 'registry'>,
  from: Millis,
  until: Millis,
): AsyncGenerator<readonly MinuteRecord[]> {
  for (let at = from; at < until; ) {
    const cut = (await registry.minuteBehind(most, at, until)) ?? until;
    const end = cut > at ? cut : Math.min(until, at + minute);
    const records = await registry.statistics(at, end);
    for (let from = 0; from < records.length; from += atOnce) {
      await turn();
      yield records.slice(from, from + atOnce);
    }
    await turn();
    at = end;
  }
}

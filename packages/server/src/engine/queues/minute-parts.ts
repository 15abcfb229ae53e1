import type { Millis } from '@ojs-ts/core';
import type { MinuteRecord, Storage } from '../../storage/storage.ts';
import { turn } from '../page-size.ts';

const minute = 60_000;
/** Records of one part: 15 ms on SQLite, and 2 MB. A minute that has more is a part of its own. */
const most = 2_000;

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
    yield await registry.statistics(at, end);
    await turn();
    at = end;
  }
}

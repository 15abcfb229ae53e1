import { queueEventEntry } from '@ojs-ts/core';
import type { Registry } from '../storage.ts';
import { listOf, number } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { packNumbers, readLimit, readQueue } from './rows.ts';

type Queues = Pick<
  Registry,
  'queues' | 'pauseQueue' | 'configureQueue' | 'removeQueue' | 'limits' | 'limit' | 'overrideLimit'
>;

export function queues(scripts: Scripts): Queues {
  return {
    async queues() {
      const found = listOf(await scripts.exchange('queue_list', null)).map(readQueue);
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async pauseQueue(name, paused, now) {
      const entry = queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name);
      return readQueue(await scripts.exchange('queue_pause', { now, name, paused, entry }));
    },

    async configureQueue(name, { capacity, config, limit }, now, expected) {
      const override = limit === undefined || limit === null ? limit : packNumbers(limit);
      const answer = await scripts.exchange('queue_configure', {
        now,
        name,
        capacity,
        config,
        limit: override,
        expected,
      });
      return answer === false ? null : readQueue(answer);
    },

    async removeQueue(name) {
      return (await scripts.exchange('queue_remove', name)) === true;
    },

    async limits({ after, offset = 0, limit }) {
      const [found, total] = listOf(await scripts.exchange('limit_list', { after, offset, limit }));
      const records = listOf(found).map(readLimit);
      const items = records.slice(0, limit);
      return { items, next: records.length > items.length ? (items.at(-1)?.key ?? null) : null, total: number(total) };
    },

    async limit(key) {
      const answer = await scripts.exchange('limit_get', key);
      return answer === false ? null : readLimit(answer);
    },

    async overrideLimit(key, override, now) {
      return readLimit(
        await scripts.exchange('limit_override', { now, key, override: override && packNumbers(override) }),
      );
    },
  };
}

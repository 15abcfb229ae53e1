import { queueEventEntry } from '@ojs-ts/core/events';
import { noConfig } from '@ojs-ts/core/job';
import type { OldestJob, QueueRecord, Registry } from '../storage.ts';
import type { Packed } from './connection/msgpack.ts';
import { listOf, number, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { packNumbers, readLimit, readQueue } from './rows.ts';

type Queues = Pick<
  Registry,
  'queues' | 'oldest' | 'pauseQueue' | 'configureQueue' | 'removeQueue' | 'limits' | 'limit' | 'overrideLimit'
>;

export function queues(scripts: Scripts): Queues {
  return {
    async queues(which) {
      if (typeof which === 'object') return named(scripts, [...new Set(which)]);
      const all = listOf(await scripts.exchange('queue_list', which ?? null)).map(readQueue);
      const found = all.filter(({ config }) => which === undefined || config !== noConfig);
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    oldest: (names) => oldest(scripts, names),

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

/** Queues of one script: about 5 ms. */
const atOnce = 500;

async function named(scripts: Scripts, names: readonly string[]): Promise<readonly QueueRecord[]> {
  const found: QueueRecord[] = [];
  for (let at = 0; at < names.length; at += atOnce)
    found.push(...listOf(await scripts.exchange('queue_list', names.slice(at, at + atOnce))).map(readQueue));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function oldest(scripts: Scripts, names: readonly string[]): Promise<readonly OldestJob[]> {
  const found: OldestJob[] = [];
  for (let at = 0; at < names.length; at += atOnce) {
    const queues = names.slice(at, at + atOnce);
    const answers = listOf(await scripts.exchange('oldest', queues));
    for (const [index, queue] of queues.entries()) {
      const [first, hasGroups] = listOf(answers[index] ?? []);
      const firsts = [first, ...(hasGroups === true ? await oldestInGroups(scripts, queue) : [])].flatMap(readFirst);
      const [oldest] = firsts.sort((a, b) => a.place - b.place);
      if (oldest) found.push({ queue, enqueuedAt: oldest.enqueuedAt });
    }
  }
  return found;
}

/** Reads the oldest of each part of its limit groups. */
async function oldestInGroups(scripts: Scripts, queue: string): Promise<readonly Packed[]> {
  const found: Packed[] = [];
  for (let cursor = '0'; ; ) {
    const [next, first = null] = listOf(await scripts.exchange('oldest_in_groups', { queue, cursor }));
    found.push(first);
    cursor = text(next);
    if (cursor === '0') return found;
  }
}

function readFirst(first: Packed | undefined): readonly { readonly place: number; readonly enqueuedAt: number }[] {
  if (!Array.isArray(first)) return [];
  const [place, enqueuedAt] = listOf(first);
  return [{ place: number(place), enqueuedAt: number(enqueuedAt) }];
}

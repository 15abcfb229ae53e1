import type { JobRecord } from '@ojs-ts/core/job';
import { overdueAt } from '@ojs-ts/core/lifecycle';
import { sumOf } from '../../prune.ts';
import type { Held, Page, Upkeep } from '../../storage.ts';
import { StoreUnavailable } from '../../unavailable.ts';
import type { MergedLog } from './merged-log.ts';
import type { Shards } from './shards.ts';

export function upkeep(shards: Shards, log: MergedLog): Upkeep {
  return {
    promote: async (now, limit) => (await shards.present((shard) => shard.upkeep.promote(now, limit))).flat(),

    async overdue(now, limit) {
      const found = await shards.present((shard) => shard.upkeep.overdue(now, limit));
      return found
        .flat()
        .sort((a, b) => since(a) - since(b))
        .slice(0, limit);
    },

    async nextDue(until) {
      const times = (await shards.present((shard) => shard.upkeep.nextDue(until))).filter((at) => at !== null);
      return times.length === 0 ? null : Math.min(...times);
    },

    async held(after, limit) {
      const [start = '0', ...rest] = (after ?? '').split('.');
      const items = [];
      let cursor = rest.length === 0 ? null : rest.join('.');
      for (let place = Number(start); place < shards.all.length; place++) {
        const page: Page<Held> = await shards
          .at(place)
          .upkeep.held(cursor, limit - items.length)
          .catch(nothingIfAway);
        items.push(...page.items);
        if (page.next !== null) return { items, next: `${place}.${page.next}` };
        if (items.length === limit) return { items, next: place + 1 < shards.all.length ? `${place + 1}` : null };
        cursor = null;
      }
      return { items, next: null };
    },

    async prune(rules, limit) {
      // The rest of the store must not grow because one shard cannot be read.
      const [collected] = await Promise.allSettled(rules.events ? [log.collect()] : []);
      // The home prunes the event log, which it has taken over, and workers; other shards keep no worker beyond a
      // heartbeat.
      const { events: _, workersBefore, ...own } = rules;
      const parts = await shards.present(async (shard, place) => {
        if (place === 0) return shard.upkeep.prune(rules, limit);
        if (workersBefore !== undefined)
          await shard.upkeep.prune({ jobs: [], workersBefore: Number.MAX_SAFE_INTEGER }, limit);
        return shard.upkeep.prune(own, limit);
      });
      if (collected?.status === 'rejected') throw collected.reason;
      return sumOf(parts);
    },

    lease: (name, holder, ttlMs, now) => shards.home.upkeep.lease(name, holder, ttlMs, now),
    release: (name, holder) => shards.home.upkeep.release(name, holder),
  };
}

function nothingIfAway(error: unknown): Page<Held> {
  if (error instanceof StoreUnavailable) return { items: [], next: null };
  throw error;
}

function since(job: JobRecord): number {
  return overdueAt(job) ?? job.expiresAt ?? 0;
}

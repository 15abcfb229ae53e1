import { heartbeatEntry, queueEventEntry } from '@ojs-ts/core/events';
import { type JobId, noConfig, queueLimitKey } from '@ojs-ts/core/job';
import { extended, isOwner } from '@ojs-ts/core/lifecycle';
import type { Beaten, QueueRecord, Registry, WorkerBeat } from '../store/registry.ts';
import type { Change } from './change.ts';
import type { Queue, Tables } from './tables.ts';

export function registry(open: () => Tables): Registry {
  return {
    queues(which) {
      const { queues } = open();
      const chosen =
        typeof which === 'object' ? [...new Set(which)].map((name) => queues.get(name)) : [...queues.values()];
      return chosen
        .filter((queue) => queue !== undefined)
        .filter(({ config }) => which !== 'configured' || config !== noConfig)
        .map(recordOfQueue)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    oldest(queues) {
      const tables = open();
      return queues.flatMap((queue) => {
        const enqueuedAt = tables.queues.get(queue)?.limitGroups.oldest()?.job.enqueuedAt ?? null;
        return enqueuedAt === null ? [] : [{ queue, enqueuedAt }];
      });
    },

    pauseQueue(name, paused, now) {
      const tables = open();
      const queue = tables.queue(name, now);
      if (queue.paused !== paused) {
        queue.paused = paused;
        tables.change(now, (change) =>
          change.logAll([queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name)]),
        );
        if (!paused) tables.wakes.wake(name);
      }
      return recordOfQueue(queue);
    },

    configureQueue(name, { capacity, config, limit }, now, expected) {
      const tables = open();
      if (expected !== undefined && expected !== (tables.queues.get(name)?.version ?? 0)) return null;
      const queue = tables.queue(name, now);
      queue.version += 1;
      if (capacity !== undefined) queue.capacity = capacity;
      if (config !== undefined) queue.config = config;
      if (limit !== undefined) tables.changeLimit(queueLimitKey(name), { override: limit }, now);
      return recordOfQueue(queue);
    },

    removeQueue(name) {
      const tables = open();
      const queue = tables.queues.get(name);
      if (!queue || [...queue.counts.values()].some((count) => count > 0)) return false;
      tables.queues.delete(name);
      tables.limits.delete(queueLimitKey(name));
      return true;
    },

    minuteBehind(count, since, until) {
      return open().statistics.behind(count, since, until);
    },

    statistics(since, until, queues) {
      return open().statistics.since(since, until, queues);
    },

    limits({ after, offset = 0, limit }) {
      const tables = open();
      const all = [...tables.limits.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      const rest = after === undefined ? all.slice(offset) : all.filter(({ key }) => key > after);
      const items = rest.slice(0, limit).map((one) => tables.limitRecord(one));
      return { items, next: rest.length > items.length ? (items.at(-1)?.key ?? null) : null, total: all.length };
    },

    limit(key) {
      const tables = open();
      const limit = tables.limits.get(key);
      return limit ? tables.limitRecord(limit) : null;
    },

    overrideLimit(key, override, now) {
      const tables = open();
      return tables.limitRecord(tables.changeLimit(key, { override }, now));
    },

    beat(beats, now) {
      const tables = open();
      return tables.change(now, (change) => beats.map((beat) => note(tables, beat, change)));
    },

    workers() {
      const tables = open();
      return [...tables.workers.values()].sort((a, b) => (a.worker < b.worker ? -1 : 1));
    },

    direct(worker, directive) {
      const tables = open();
      const record = tables.workers.get(worker);
      if (!record) return false;
      tables.workers.set(worker, { ...record, directive });
      return true;
    },

    forgetWorker(worker) {
      const tables = open();
      return tables.workers.delete(worker);
    },
  };
}

function recordOfQueue({ name, paused, createdAt, counts, deadLetter, capacity, config, version }: Queue): QueueRecord {
  const present = Object.fromEntries([...counts].filter(([, count]) => count > 0));
  return { name, paused, createdAt, counts: present, deadLetter, capacity, config, version };
}

function note(tables: Tables, beat: WorkerBeat, change: Change): Beaten {
  const { now } = change;
  const { worker, state, info } = beat;
  const previous = tables.workers.get(worker);
  const directive = previous?.directive ?? null;
  tables.workers.set(worker, {
    worker,
    seenAt: now,
    seenBefore: previous ? Math.min(previous.seenAt, beat.knownUntil ?? previous.seenAt) : null,
    state,
    directive,
    info,
    holds: beat.partial ? null : (beat.holds?.map(({ id }) => id) ?? null),
    heldBefore: previous?.holds ?? null,
  });
  const answer: { extended: JobId[]; lost: JobId[] } = { extended: [], lost: [] };
  for (const { id, claim } of beat.holds ?? []) {
    const row = tables.rows.get(id);
    const owned = row !== undefined && isOwner(row.job, { claim, worker });
    if (owned) {
      const leaseUntil = extended(row.job, beat.leaseMs, now);
      tables.set(row, { ...row.job, leaseUntil, beatAt: now }, now);
      change.logAll([heartbeatEntry({ ...row.job, worker }, leaseUntil)]);
    }
    answer[owned ? 'extended' : 'lost'].push(id);
  }
  return { directive, ...answer };
}

import { heartbeatEntry, type JobId, type Json, type Millis, queueEventEntry, State } from '@ojs-ts/core';
import { extended } from '../apply.ts';
import type { Beaten, QueueRecord, Registry, WorkerBeat } from '../storage.ts';
import type { Queue, Tables } from './tables.ts';

export function registry(open: () => Tables): Registry {
  return {
    async queues() {
      const tables = open();
      return [...tables.queues.values()].map(recordOfQueue).sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async pauseQueue(name, paused, now) {
      const tables = open();
      const queue = tables.queue(name, now);
      if (queue.paused !== paused) {
        queue.paused = paused;
        tables.commit([queueEventEntry(paused ? 'queue.paused' : 'queue.resumed', name)], now);
        if (!paused) tables.wakes.wake(name);
      }
      return recordOfQueue(queue);
    },

    async beat(beats, now) {
      const tables = open();
      const entries: Json[] = [];
      const answers = beats.map((beat) => note(tables, beat, now, entries));
      tables.commit(entries, now);
      return answers;
    },

    async workers() {
      const tables = open();
      return [...tables.workers.values()].sort((a, b) => (a.worker < b.worker ? -1 : 1));
    },

    async direct(worker, directive) {
      const tables = open();
      const record = tables.workers.get(worker);
      if (!record) return false;
      tables.workers.set(worker, { ...record, directive });
      return true;
    },

    async forgetWorker(worker) {
      const tables = open();
      return tables.workers.delete(worker);
    },
  };
}

function recordOfQueue({ name, paused, createdAt, counts, deadLetter }: Queue): QueueRecord {
  return { name, paused, createdAt, counts: Object.fromEntries([...counts].filter(([, count]) => count > 0)), deadLetter };
}

function note(tables: Tables, beat: WorkerBeat, now: Millis, entries: Json[]): Beaten {
  const { worker, state, info } = beat;
  const known = tables.workers.get(worker);
  const directive = known?.directive ?? null;
  tables.workers.set(worker, {
    worker,
    seenAt: now,
    seenBefore: known?.seenAt ?? null,
    state,
    directive,
    info,
    holds: beat.partial ? null : (beat.holds?.map(({ id }) => id) ?? null),
    heldBefore: known?.holds ?? null,
  });
  const answer: { extended: JobId[]; lost: JobId[] } = { extended: [], lost: [] };
  for (const { id, claim } of beat.holds ?? []) {
    const row = tables.rows.get(id);
    const owned = row?.job.state === State.active && (row.job.worker ?? worker) === worker && (claim ?? row.job.claim) === row.job.claim;
    if (row && owned) {
      const leaseUntil = extended(row.job, beat.leaseMs, now);
      tables.set(row, { ...row.job, leaseUntil });
      entries.push(heartbeatEntry({ ...row.job, worker }, leaseUntil));
    }
    answer[owned ? 'extended' : 'lost'].push(id);
  }
  return { directive, ...answer };
}

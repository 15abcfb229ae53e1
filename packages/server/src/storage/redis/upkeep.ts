import { indexedKinds } from '@ojs-ts/core/events';
import { noJobs, noOthers } from '../prune.ts';
import type { Held, Upkeep } from '../storage.ts';
import { listOf, number, numberOrNull, text } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { readJob } from './rows.ts';

/** Jobs that one script of `held` looks at, about 5 ms; between two of them other scripts run. */
const look = 2000;

export function upkeep(scripts: Scripts): Upkeep {
  return {
    async promote(now, limit) {
      const counts = listOf(await scripts.exchange('promote', { now, limit }));
      return counts.map((pair) => {
        const [queue, count] = listOf(pair);
        return { queue: text(queue), count: number(count) };
      });
    },

    async overdue(now, limit) {
      return listOf(await scripts.exchange('overdue', { now, limit })).map(readJob);
    },

    async nextDue() {
      return numberOrNull(await scripts.exchange('next_due', null));
    },

    async held(after, limit) {
      const items: Held[] = [];
      for (let from = after === null ? 0 : Number(after); ; ) {
        const [found, last] = listOf(
          await scripts.exchange('held', { after: from, limit: limit - items.length, look }),
        );
        for (const held of listOf(found)) {
          const [id, claim, worker, startedAt] = listOf(held);
          items.push({ id: text(id), claim: number(claim), worker: text(worker), startedAt: number(startedAt) });
        }
        const next = numberOrNull(last);
        if (next === null || items.length >= limit) return { items, next: next === null ? null : String(next) };
        from = next;
      }
    },

    async prune({ jobs, events, workflows, ...times }, limit) {
      if (limit <= 0) return { jobs: jobs.map(() => noJobs), others: noOthers };
      const rules = {
        jobs: jobs.map((rule) => ({ ...rule })),
        ...(events && { events: { ...events }, kinds: indexedKinds }),
        ...(workflows && { workflows: { ...workflows } }),
        ...times,
      };
      const [ofJobs, others] = listOf(await scripts.exchange('prune', { rules, limit }));
      return {
        jobs: listOf(ofJobs).map((one) => {
          const [gone, overCap, surplus, lastAt] = listOf(one);
          return {
            gone: number(gone),
            overCap: number(overCap),
            surplus: number(surplus),
            lastAt: numberOrNull(lastAt),
          };
        }),
        others: {
          ...noOthers,
          ...Object.fromEntries(
            listOf(others).map((pair) => {
              const [kind, count] = listOf(pair);
              return [text(kind), number(count)];
            }),
          ),
        },
      };
    },

    async lease(name, holder, ttlMs, now) {
      return (
        (await scripts.exchange('lease', { now, name, holder, till: now + ttlMs, most: now + 2 * ttlMs })) === true
      );
    },

    async release(name, holder) {
      await scripts.exchange('release', { name, holder });
    },
  };
}

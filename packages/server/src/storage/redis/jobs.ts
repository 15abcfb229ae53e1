import {
  ByteBudget,
  cursorOf,
  goesUp,
  type JobOrder,
  type JobRecord,
  newestFirst,
  readCursor,
  readSortCursor,
  sizeOf,
  sortCursor,
} from '@ojs-ts/core/job';
import { requestKey, sideWork } from '@ojs-ts/core/lifecycle';
import type { JobQuery, Jobs, Page } from '../storage.ts';
import { listOf, number, numberOrNull } from './connection/packed.ts';
import type { Scripts } from './connection/scripts.ts';
import { errors } from './errors.ts';
import { packGroup, packTransition, readClaims, readInserted, readJob, readMoved } from './rows.ts';

/** Jobs that one script of a list looks at, about 5 ms; between two of them other scripts run. */
const look = 2000;

export function jobs(scripts: Scripts): Jobs {
  return {
    async insert(groups, now, options) {
      if (groups.length === 0) return [];
      const request = {
        now,
        groups: groups.map(packGroup),
        options: { refusePaused: options?.refusePaused ?? false },
      };
      return listOf(await scripts.exchange('insert', request)).map((group) => listOf(group).map(readInserted));
    },

    async claim(claims, now, maxBytes = Number.MAX_SAFE_INTEGER) {
      if (claims.length === 0) return [];
      const packed = claims.map(({ request, queues, limit, worker, leaseMs, defaultLeaseMs, leaseRequired }) => ({
        key: request === null ? undefined : requestKey(request, worker),
        queues,
        limit,
        worker: worker ?? undefined,
        leaseMs: leaseMs ?? undefined,
        defaultLeaseMs,
        leaseRequired,
      }));
      const answers = listOf(await scripts.exchange('claim', { now, claims: packed, maxBytes, ...sideWork(claims) }));
      return answers.map((answer) => {
        const [jobs, again, deferred] = listOf(answer);
        const claimed = { jobs: listOf(jobs).map(readJob), again: numberOrNull(again) };
        return deferred === true ? { ...claimed, deferred } : claimed;
      });
    },

    async transition(transitions, now) {
      if (transitions.length === 0) return [];
      return listOf(await scripts.exchange('transition', { now, transitions: transitions.map(packTransition) })).map(
        readMoved,
      );
    },

    async get(ids) {
      const answers = listOf(await scripts.exchange('get', ids));
      return answers.map((answer) => (answer === false ? null : readJob(answer)));
    },

    async claimsOf(fetches) {
      const keys = fetches.map(({ request, worker }) => requestKey(request, worker));
      return listOf(await scripts.exchange('claims_of', keys)).map(readClaims);
    },

    list: (query) => list(scripts, query),

    async runs(crons, limit) {
      if (limit <= 0) return crons.map(() => []);
      const answers = listOf(await scripts.exchange('runs', { names: crons, limit }));
      return answers.map((jobs) => listOf(jobs).map(readJob));
    },

    errors: (query) => errors(scripts, query),

    async remove(ids, { from, deadLetter }, now) {
      return listOf(await scripts.exchange('remove', { now, ids, from, deadLetter })).map((gone) => gone === true);
    },
  };
}

async function list(scripts: Scripts, query: JobQuery): Promise<Page<JobRecord>> {
  const { items, cursors } = await listed(scripts, query);
  const bytes = new ByteBudget(query.maxBytes ?? Number.POSITIVE_INFINITY);
  const page = items.slice(0, query.limit).filter((job) => bytes.take(sizeOf(job)));
  return { items: page, next: items.length > page.length ? (cursors[page.length - 1] ?? null) : null };
}

/** Items of a list in their order, each with the cursor that continues after it. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly cursors: readonly string[];
}

/** Reads one job more than the limit or `maxBytes` allows, if there are so many. */
export async function listed(scripts: Scripts, query: JobQuery): Promise<Listed<JobRecord>> {
  const { states, deadLetter, queue, type, fingerprint, limit, maxBytes = Number.MAX_SAFE_INTEGER } = query;
  const { order = newestFirst } = query;
  const filter = { states, deadLetter, queue, type, fingerprint };
  const wanted = { ...filter, order: order.by, up: goesUp(order), look, maxBytes };
  let bytes = 0;
  let after = query.after === undefined ? null : positionOf(order, query.after);
  let skip = after ? 0 : (query.offset ?? 0);
  const items: JobRecord[] = [];
  const cursors: string[] = [];
  for (;;) {
    // The extra job shows whether there is a next page.
    const range = { after: after ?? undefined, skip, limit: limit + 1 - items.length };
    const [found, last, places, left] = listOf(await scripts.exchange('list', { ...wanted, ...range }));
    for (const job of listOf(found).map(readJob)) {
      items.push(job);
      bytes += sizeOf(job);
    }
    cursors.push(
      ...listOf(places).map((place) => {
        const [score, created] = listOf(place);
        return cursorIn(order, numberOrNull(score), number(created));
      }),
    );
    skip = number(left);
    // A page has at least one job of any size, and a further job shows that it is not the last page.
    if (last === false || items.length > limit || (items.length > 1 && bytes > maxBytes)) break;
    const [score, created] = listOf(last);
    after = [numberOrNull(score) ?? false, number(created)];
  }
  return { items, cursors };
}

/** A cursor as the script takes it: `false` for the time of an unfinished job. */
function positionOf(order: JobOrder, cursor: string): readonly [number | false, number] {
  if (order.by !== 'created') {
    const { first, second } = readSortCursor(order, cursor);
    return [first, second];
  }
  const { finishedAt, number } = readCursor(cursor);
  return [finishedAt ?? false, number];
}

function cursorIn(order: JobOrder, score: number | null, number: number): string {
  return order.by === 'created'
    ? cursorOf({ finishedAt: score, number })
    : sortCursor(order, { first: score ?? 0, second: number });
}

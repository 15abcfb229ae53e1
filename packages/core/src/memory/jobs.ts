import type { Millis } from '@ojs-ts/core';
import { ByteBudget, type JobQuery, newestFirst, sizeOf, sorting } from '@ojs-ts/core/job';
import { isIn, requestKey } from '@ojs-ts/core/lifecycle';
import type { Jobs } from '../store/jobs.ts';
import type { Change } from './change.ts';
import { claim } from './claim.ts';
import { insertGroup } from './insert.ts';
import { closeNode, move } from './move.ts';
import type { Row, Tables } from './tables.ts';

export function jobs(open: () => Tables): Jobs {
  const write = <T>(now: Millis, work: (tables: Tables, change: Change) => T): T => {
    const tables = open();
    return tables.change(now, (change) => work(tables, change));
  };
  return {
    insert: (groups, now, options) =>
      write(now, (tables, change) => groups.map((group) => insertGroup(tables, group, change, options))),

    claim: (claims, now, maxBytes = Number.POSITIVE_INFINITY) =>
      write(Math.max(now, open().lastStart), (tables, change) => claim(tables, claims, change, maxBytes)),

    transition: (transitions, now) =>
      write(now, (tables, change) => transitions.map((transition) => move(tables, transition, change))),

    get(ids) {
      const tables = open();
      return ids.map((id) => tables.rows.get(id)?.job ?? null);
    },

    claimsOf(fetches) {
      const { requests } = open();
      return fetches.map(({ request, worker }) => requests.get(requestKey(request, worker))?.claims ?? []);
    },

    list(query) {
      const found = select(open(), query);
      const bytes = new ByteBudget(query.maxBytes ?? Number.POSITIVE_INFINITY);
      const page = found.slice(0, query.limit).filter(({ job }) => bytes.take(sizeOf(job)));
      const last = page.at(-1);
      return {
        items: page.map((row) => row.job),
        next: last && found.length > page.length ? sorting(query.order ?? newestFirst).cursor(last) : null,
      };
    },

    runs(crons, limit) {
      const { runs } = open();
      return crons.map((name) => {
        const rows = [...(runs.get(name) ?? [])].sort((a, b) => a.number - b.number);
        return rows.slice(0, limit).map(({ job }) => job);
      });
    },

    errors: (query) => open().errors.count(query),

    remove: (ids, { from, deadLetter }, now) =>
      write(now, (tables, change) =>
        ids.map((id) => {
          const row = tables.rows.get(id);
          if (!row || !isIn(row.job.state, from) || (deadLetter && !row.job.deadLetter)) return false;
          tables.drop(row);
          closeNode(tables, row.job, change);
          return true;
        }),
      ),
  };
}

function select(tables: Tables, query: JobQuery): Row[] {
  const { states, deadLetter, queue, type, fingerprint, order = newestFirst } = query;
  const { compare, behind } = sorting(order);
  const candidates = fingerprint === undefined ? tables.rows.values() : tables.errors.with(fingerprint);
  const rows = [...candidates]
    .filter(({ job }) => isIn(job.state, states) && (!deadLetter || job.deadLetter))
    .filter(({ job }) => (queue === undefined || job.queue === queue) && (type === undefined || job.type === type))
    .sort(compare);
  return query.after === undefined ? rows.slice(query.offset ?? 0) : rows.filter(behind(query.after));
}

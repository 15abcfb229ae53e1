import { creationEvent, expired, type Json, jobEventEntry, type Millis, type NewJob, recordOf, State, type Transition } from '@ojs-ts/core';
import { claimed, groupVerdict, isExpired, isIn, moved, promoted, requestKey, sideWork, verdict } from '../apply.ts';
import { comparePlaces, cursorOf, type Place, placeOf, readCursor } from '../cursor.ts';
import type { Claim, Inserted, JobQuery, Jobs, Moved } from '../storage.ts';
import type { Row, Tables } from './tables.ts';

export function jobs(open: () => Tables): Jobs {
  return {
    async insert(groups, now) {
      const tables = open();
      const entries: Json[] = [];
      const answers = groups.map((group) => insertGroup(tables, group, now, entries));
      tables.commit(entries, now);
      return answers;
    },

    async claim(claims, now) {
      const tables = open();
      const entries: Json[] = [];
      const bound = sideWork(claims);
      promote(tables, now, bound.promoted, entries);
      const budget = { expired: bound.expired };
      const answers = claims.map((claim) => serve(tables, claim, now, budget, entries).map((row) => row.job));
      tables.commit(entries, now);
      return answers;
    },

    async transition(transitions, now) {
      const tables = open();
      const entries: Json[] = [];
      const answers = transitions.map((transition) => move(tables, transition, now, entries));
      tables.commit(entries, now);
      return answers;
    },

    async get(ids) {
      const tables = open();
      return ids.map((id) => tables.rows.get(id)?.job ?? null);
    },

    async list(query) {
      const tables = open();
      const found = select(tables, query);
      const page = found.slice(0, query.limit);
      const last = page.at(-1);
      return { items: page.map((row) => row.job), next: last && found.length > page.length ? cursorOf(place(last)) : null };
    },

    async remove(ids, { from, deadLetter }) {
      const tables = open();
      return ids.map((id) => {
        const row = tables.rows.get(id);
        if (!row || !isIn(row.job.state, from) || (deadLetter && !row.job.deadLetter)) return false;
        tables.drop(row);
        return true;
      });
    },
  };
}

function insertGroup(tables: Tables, group: readonly NewJob[], now: Millis, entries: Json[]): readonly Inserted[] {
  const fresh = new Map<string, NewJob>();
  const answers = group.map((job): Inserted => {
    const own = fresh.get(job.id);
    const there = own ? recordOf(own) : tables.rows.get(job.id)?.job;
    if (!there) {
      fresh.set(job.id, job);
      return { kind: 'inserted' };
    }
    const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
    return same ? { kind: 'already', job: there } : { kind: 'duplicate', existing: there };
  });
  const settled = groupVerdict(answers);
  if (settled.some(({ kind }) => kind !== 'inserted')) return settled;
  for (const job of fresh.values()) {
    const record = recordOf(job);
    tables.add(record, now);
    const kind = creationEvent(job.state);
    if (kind) entries.push(jobEventEntry(kind, record));
  }
  return answers;
}

function serve(tables: Tables, claim: Claim, now: Millis, budget: { expired: number }, entries: Json[]): Row[] {
  const before = claim.request === null ? undefined : tables.requests.get(requestKey(claim.request, claim.worker));
  if (before) {
    const held = before.claims.map(({ id, claim: number }) => ({ row: tables.rows.get(id), number }));
    return held.flatMap(({ row, number }) => (row && row.job.state === State.active && row.job.claim === number ? [row] : []));
  }
  const taken: Row[] = [];
  for (const name of claim.queues) {
    const queue = tables.queues.get(name);
    if (!queue || queue.paused) continue;
    while (taken.length < claim.limit) {
      const row = queue.ready.peek();
      if (!row) break;
      if (isExpired(row.job, now)) {
        if (budget.expired === 0) {
          tables.wakes.wake(name);
          break;
        }
        budget.expired -= 1;
        expire(tables, row, now, entries);
        continue;
      }
      tables.set(row, claimed(row.job, claim, now));
      entries.push(jobEventEntry('job.started', row.job));
      taken.push(row);
    }
  }
  // An empty answer is not remembered: a fetch that waits asks again under the same id.
  if (claim.request !== null && taken.length > 0) {
    tables.requests.set(requestKey(claim.request, claim.worker), {
      at: now,
      claims: taken.map(({ job }) => ({ id: job.id, claim: job.claim })),
    });
  }
  return taken;
}

/** Moves up to `limit` due jobs on: to `available`, or out where they have expired meanwhile. */
export function promote(tables: Tables, now: Millis, limit: number, entries: Json[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (let left = limit; left > 0; left--) {
    const row = tables.nextDue(now);
    if (!row) break;
    if (isExpired(row.job, now)) {
      expire(tables, row, now, entries);
      continue;
    }
    const was = row.job.state;
    tables.set(row, promoted(row.job, now));
    if (was === State.scheduled) entries.push(jobEventEntry('job.enqueued', row.job));
    counts.set(row.job.queue, (counts.get(row.job.queue) ?? 0) + 1);
  }
  return counts;
}

function expire(tables: Tables, row: Row, now: Millis, entries: Json[]): void {
  const answer = move(tables, expired(row.job, now), now, entries);
  if (answer.kind !== 'moved') throw new Error(`Job ${row.job.id} has expired, but its transition was ${answer.kind}.`);
}

function move(tables: Tables, transition: Transition, now: Millis, entries: Json[]): Moved {
  const row = tables.rows.get(transition.id);
  if (!row) return { kind: 'missing' };
  const { job } = row;
  const kind = verdict(job, transition);
  if (kind !== 'moves') return { kind, job };
  const { result = job.result, history = job.history } = transition;
  tables.set(row, { ...moved(job, transition, now), result, history });
  for (const event of transition.events) entries.push(jobEventEntry(event.kind, row.job, event.data ?? null));
  return { kind: 'moved', was: job.state };
}

function select(tables: Tables, query: JobQuery): Row[] {
  const { states, deadLetter, queue, type } = query;
  const after = query.after === undefined ? null : readCursor(query.after);
  const rows = [...tables.rows.values()]
    .filter(({ job }) => isIn(job.state, states) && (!deadLetter || job.deadLetter))
    .filter(({ job }) => (queue === undefined || job.queue === queue) && (type === undefined || job.type === type))
    .sort((a, b) => comparePlaces(place(a), place(b)));
  return after ? rows.filter((row) => comparePlaces(place(row), after) > 0) : rows.slice(query.offset ?? 0);
}

function place(row: Row): Place {
  return placeOf(row.job, row.number);
}

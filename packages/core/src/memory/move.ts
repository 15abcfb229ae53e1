import { type JobRecord, type NodeRef, Terminal, type Transition } from '@ojs-ts/core/job';
import { cancelled, eventsOf, expired, isIn, moved, textsOf, verdict } from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import { closedAs, counted } from '@ojs-ts/core/workflow';
import type { Moved } from '../store/jobs.ts';
import type { Change } from './change.ts';
import type { Row, Tables } from './tables.ts';

const none: readonly NodeRef[] = [];

export function move(tables: Tables, transition: Transition, change: Change): Moved {
  const row = tables.rows.get(transition.id);
  if (!row) return { kind: 'missing' };
  const { job } = row;
  const kind = verdict(job, transition);
  if (kind !== 'moves') return { kind, job };
  const { reopens } = transition;
  if (reopens !== undefined && !tables.workflows.reopen(reopens)) return { kind: 'refused', job };
  const after = applied(job, transition, change);
  tables.set(row, after, change.now);
  tables.statistics.add(job, sumsOf(job, after.state, change.now, transition), change.now);
  for (const event of eventsOf(transition, job.state)) change.log(event.kind, after, job.state, event.data ?? null);
  if (reopens !== undefined) change.logAll(reopens.events);
  return {
    kind: 'moved',
    was: job.state,
    ready: isIn(after.state, Terminal) ? closeNode(tables, after, change) : none,
  };
}

function applied(job: JobRecord, transition: Transition, { now }: Change): JobRecord {
  const after = moved(job, transition, now);
  return Object.assign(after, textsOf(transition, after));
}

/** Cancels a holder of a unique key in favour of another job. */
export function replace(tables: Tables, row: Row, change: Change): void {
  must(move(tables, cancelled(row.job, change.now), change), row);
}

/** Ends a waiting job that is past its expiry, as core decides. */
export function expire(tables: Tables, row: Row, change: Change): void {
  must(move(tables, expired(row.job, change.now), change), row);
}

function must(answer: Moved, { job }: Row): void {
  if (answer.kind !== 'moved') throw new Error(`A change of job ${job.id} that cannot be refused was ${answer.kind}.`);
}

/** Closes the node of a job that has ended or was removed. Answers the nodes that become ready. */
export function closeNode(tables: Tables, job: JobRecord, change: Change): readonly NodeRef[] {
  if (job.node === null) return none;
  const { workflows } = tables;
  const row = workflows.rows.get(job.node.workflow);
  const node = row?.nodes.get(job.node.index);
  if (!row || node?.state !== 'pending' || node.job !== job.id) return none;
  const state = closedAs(job.state);
  workflows.setNode(row, { ...node, state, result: job.result, closedAt: change.now });
  if (node.member) workflows.set(row, counted(row.record, state, 1));
  if (row.record.state !== 'running') return none;
  if (node.member) change.logNode(row.record, node, job, change.now);
  return workflows.lower(row, node, state === 'completed');
}

import type { Millis } from '@ojs-ts/core';
import { type JobId, type JobRecord, State, type Transition } from '@ojs-ts/core/job';
import { overtakes, type Texts } from '@ojs-ts/core/lifecycle';
import type { Moved } from '../../storage.ts';
import type { Transaction } from '../connection/transaction.ts';
import { applyCompletions, beingCompleted, takeCompletions } from '../insert/completions.ts';
import { Graph } from '../workflows/graph.ts';
import { Changes } from './changes.ts';
import type { NarrowJob } from './job-row.ts';
import { type LockedJob, lockActive, lockJobs, readEnvelopes, readJobs } from './locked-job.ts';

type Step =
  | { readonly kind: 'missing' }
  /** `end`: index among the ends of nodes in this call; null for a job without a node. */
  | { readonly kind: 'moved'; readonly was: JobRecord['state']; readonly end: number | null }
  | { readonly kind: 'already' | 'refused'; readonly job: NarrowJob; readonly texts: Partial<Texts> };

/** Ends that cannot be made under the locks of acks. */
export class NotActive extends Error {}

/**
 * Acks of different jobs, which the caller owns.
 * @throws NotActive if a job is not active any more
 */
export async function ackAll(
  tx: Transaction,
  transitions: readonly Transition[],
  now: Millis,
): Promise<readonly Moved[]> {
  const rows = await lockActive(
    tx,
    transitions.map(({ id }) => id),
  );
  if (rows === null) throw new NotActive();
  return apply(tx, transitions, rows, new Changes(tx, now), new Set());
}

/** Applies guarded transitions one after the other. */
export async function transitionAll(
  tx: Transaction,
  transitions: readonly Transition[],
  now: Millis,
): Promise<readonly Moved[]> {
  if (transitions.length === 0) return [];
  const overtaking = transitions.filter(overtakes).map(({ id }) => id);
  const [open, rows, done] = await Promise.all([
    beingCompleted(tx, overtaking),
    lockJobs(
      tx,
      transitions.map(({ id }) => id),
    ),
    takeCompletions(tx, overtaking),
  ]);
  await readEnvelopes(
    tx,
    rows,
    transitions.flatMap(({ id, envelopeWas }) => (envelopeWas === undefined ? [] : [id])),
  );
  const changes = new Changes(tx, now, await reopened(tx, transitions, rows));
  // A later ACK of the same execution changes nothing.
  const acked = transitions.flatMap(({ id, to }) =>
    to === State.completed && rows.get(id)?.completing === true ? [id] : [],
  );
  applyCompletions(changes, rows, acked.length === 0 ? done : [...done, ...(await takeCompletions(tx, acked))]);
  return apply(tx, transitions, rows, changes, open);
}

/** The workflows that retries may reopen; locked with those of all the jobs, since workflows are locked in order. */
async function reopened(
  tx: Transaction,
  transitions: readonly Transition[],
  rows: ReadonlyMap<JobId, LockedJob>,
): Promise<Graph | null> {
  const reopenings = transitions.flatMap(({ reopens }) => reopens ?? []);
  if (reopenings.length === 0) return null;
  const graph = new Graph(tx);
  const others = [...rows.values()].flatMap(({ job }) => job.node?.workflow ?? []);
  const refs = reopenings.flatMap(({ workflow, nodes }) => nodes.map(({ index }) => ({ workflow, index })));
  await graph.open(refs, { others });
  return graph;
}

/** @param open jobs that a user's transaction is completing. */
async function apply(
  tx: Transaction,
  transitions: readonly Transition[],
  rows: ReadonlyMap<JobId, LockedJob>,
  changes: Changes,
  open: ReadonlySet<JobId>,
): Promise<readonly Moved[]> {
  const steps = transitions.map((transition): Step => {
    const held = rows.get(transition.id);
    if (!held) return { kind: 'missing' };
    if (open.has(transition.id) && overtakes(transition) && held.job.state === State.active)
      return { kind: 'refused', job: held.job, texts: held.texts };
    const was = held.job.state;
    const ends = changes.ends;
    const kind = changes.move(held, transition);
    if (kind === 'moves') return { kind: 'moved', was, end: changes.ends > ends ? ends : null };
    return { kind, job: held.job, texts: held.texts };
  });
  // Only refusals return the whole job; it is read before its row changes.
  const records = await readJobs(
    tx,
    steps.flatMap((step) => ('job' in step ? [step.job.id] : [])),
  );
  changes.write();
  const ready = await changes.close();
  return steps.map((step): Moved => {
    if (step.kind === 'missing') return step;
    if (step.kind === 'moved')
      return { kind: 'moved', was: step.was, ready: step.end === null ? [] : (ready[step.end] ?? []) };
    const record = records.get(step.job.id);
    if (!record) throw new Error(`Job ${step.job.id} vanished within a transaction.`);
    return { kind: step.kind, job: { ...record.job, ...step.job, ...step.texts } };
  });
}

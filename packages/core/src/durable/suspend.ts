import { ProtocolError } from '../errors.ts';
import type { JobRecord, Transition } from '../job/job.ts';
import { State } from '../job/states.ts';
import { missingJob } from '../job-store.ts';
import { conflict } from '../lifecycle/decide.ts';
import { type FailedTry, suspended } from '../lifecycle/suspension.ts';
import { isOwner } from '../lifecycle/transition.ts';
import type { StoredRecord } from '../records.ts';
import { ask, type Steps } from '../steps.ts';
import { latestOf } from '../time/clock.ts';
import type { StepWait } from './mark.ts';
import { marking, markOf } from './marks.ts';
import { dueOf, type Merged, mergedStep, mergedTry } from './merge.ts';
import {
  busy,
  changeOf,
  checkedTally,
  count,
  joined,
  noteBefore,
  recordRounds,
  rowIn,
  type StepOwner,
  tallyOf,
} from './record.ts';
import { hasSteps, isMailed, type StepRow, stepLimits, stepsKind } from './row.ts';
import type { SentSuspension } from './sent.ts';
import type { StepStore } from './store.ts';
import { lookForMail } from './waiting.ts';

/** An accepted suspension: the job before it, and its transition; null for a repeated one. */
export interface Suspension {
  readonly job: JobRecord;
  readonly transition: Transition | null;
}

/**
 * Ends an execution that waits: its open rows and the end of the execution are one commit. The repeated call of the
 * claim that has suspended the job is answered alike, even when the job runs again.
 * @throws ProtocolError `not_found`; `conflict`; `invalid_request` for a wait without an end; what a record throws.
 */
export function* suspend(
  store: StepStore,
  owner: Omit<StepOwner, 'claim'> & { readonly claim: number | null },
  sent: SentSuspension,
): Steps<Suspension> {
  const { id } = owner;
  const names = [...new Set([...sent.steps, ...sent.tries, ...sent.waits].map(({ name }) => name))];
  const keys = names.map((name) => ({ kind: stepsKind(id), key: name }));
  for (let round = 0; round < recordRounds; round++) {
    const job = yield* ask(store.job(id));
    if (job === null) throw missingJob(id);
    if (owner.claim !== null && markOf(job)?.suspended?.by === owner.claim) return { job, transition: null };
    if (!isOwner(job, owner)) throw conflict(job, State.active);
    const { claim } = job;
    const tally = yield* tallyOf(store, job);
    const read = yield* ask(store.records(keys));
    const found = new Map(names.map((name, at) => [name, read[at] ?? null]));
    const now = latestOf(store.clock);
    const merging = { now, claim };
    const before = (name: string) => rowIn(found.get(name));
    const asked = [
      ...sent.steps.map((step) => mergedStep(step, before(step.name), merging)),
      ...sent.tries.map((one) => mergedTry(one, before(one.name), merging)),
    ];
    const sentNames = new Set(asked.map(({ name }) => name));
    const signals = sent.waits.flatMap(({ name, kind }): Merged[] => {
      const row = isMailed(kind) && !sentNames.has(name) ? before(name) : null;
      return row === null ? [] : [{ kind: 'kept', name, row, isRepeated: false }];
    });
    const { merged, changes } = yield* lookForMail(store, job, [...asked, ...signals], { now, ends: false });
    checkedTally(store, tally, merged);
    yield* noteBefore(store, id, sent.steps, tally);
    const rows = new Map<string, StepRow>(merged.map(({ name, row }) => [name, row]));
    const waits = waitsIn(sent, (name) => rows.get(name) ?? before(name), now);
    const tries = sent.tries.map(
      (one): FailedTry => ({ ...one, until: rows.get(one.name)?.until ?? now + one.retryMs }),
    );
    const transition = suspended(job, markOf(job) ?? {}, waits, tries, now);
    const records = merged.map(({ name }): StoredRecord | null => found.get(name) ?? null);
    const change = joined([changeOf({ ...owner, claim }, merged, records, now), ...changes]);
    // A job of a workflow that ends makes other steps ready, which only a transition reports.
    const isEnd = transition.to !== State.retryable;
    const markings = hasSteps(job) ? [] : [marking(job, {})];
    if ((yield* ask(store.commit({ ...change, ends: isEnd ? markings : [transition] }))) !== true) continue;
    if (isEnd) yield* ask(store.transition(transition));
    store.tallies.forget(id);
    for (const one of merged) count(store, one);
    return { job, transition };
  }
  throw busy(id);
}

/** A wait ends with its row; without one, at the time that was sent. A wait whose row is final is over. */
function waitsIn(sent: SentSuspension, rowOf: (name: string) => StepRow | null, now: number): readonly StepWait[] {
  const waits = sent.waits.map(({ name, kind, until }, index): StepWait => {
    const row = rowOf(name);
    const isOver = row !== null && (row.state !== 'open' || row.arrivedAt !== undefined);
    const end = isOver ? now : ((row === null ? null : dueOf(row)) ?? until);
    if (end === undefined && (!isMailed(kind) || row === null)) throw withoutEnd(name, kind, index);
    const { signal, token, workflow } = row ?? {};
    return {
      ...{ name, kind },
      ...(end !== undefined && { until: Math.min(end, now + stepLimits.waitMs) }),
      ...(signal !== undefined && { signal }),
      ...(token !== undefined && { token }),
      ...(workflow !== undefined && { workflow }),
    };
  });
  const named = new Set(waits.map(({ name }) => name));
  const pauses = sent.tries.filter(({ name }) => !named.has(name));
  return [
    ...waits,
    ...pauses.map(
      ({ name, retryMs }): StepWait => ({ name, kind: 'retry', until: rowOf(name)?.until ?? now + retryMs }),
    ),
  ];
}

function withoutEnd(name: string, kind: StepWait['kind'], index: number): ProtocolError {
  const step = JSON.stringify(name);
  const issue = isMailed(kind)
    ? { path: `$.waits[${index}].name`, message: `must be that of a recorded wait; the job has no row of ${step}` }
    : { path: `$.waits[${index}].until`, message: `is required, unless the row of ${step} has an end` };
  return ProtocolError.invalid([issue]);
}

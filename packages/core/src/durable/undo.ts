import { historyOf } from '../job/history.ts';
import type { JobId, JobRecord, Transition } from '../job/job.ts';
import { State, Terminal } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import { ask, type Steps } from '../steps.ts';
import type { Millis } from '../time/clock.ts';
import { marking, markOf } from './marks.ts';
import type { NamedRow } from './read-rows.ts';
import { undoPrefix } from './row.ts';
import type { StepStore } from './store.ts';

/**
 * A record for each job that may have steps to undo, and for each takeover of rows. The key is the id of the job. Upkeep
 * walks these records, so that the end of a job costs nothing more.
 */
export const undosKind = 'undos';

/** Notes a job before its first step that can be undone. A note that is there stays. */
export function* noteUndo(store: StepStore, job: JobId, now: Millis): Steps<void> {
  const key = { kind: undosKind, key: job };
  const note = { ...key, version: 1, createdAt: now, updatedAt: now, body: '{}' };
  yield* ask(store.commit({ checks: [{ ...key, version: null }], puts: [note] }));
}

/** The steps that can be undone and were not: also those that have failed, because their effect may be there. */
export function standing(rows: readonly NamedRow[]): readonly string[] {
  const undone = new Set(rows.flatMap(({ name, row }) => (row.state === 'done' ? [name] : [])));
  return rows.flatMap(({ name, row }) => (row.undo && !undone.has(undoPrefix + name) ? [name] : []));
}

/**
 * When the last execution of an ended job is surely over. A worker whose job was taken away may run a step until its
 * lease ends, and may have extended that just before; its answer ends the wait.
 * @param leaseMs of a job without a visibility timeout of its own.
 */
export function quietFrom(job: JobRecord, leaseMs: Millis): Millis {
  const { finishedAt, visibilityMs, claim } = job;
  const isOver = markOf(job)?.left === claim || !wasTakenAway(job);
  return (finishedAt ?? 0) + (isOver ? 0 : (visibilityMs ?? leaseMs));
}

function wasTakenAway(job: JobRecord): boolean {
  const last = historyOf(job).at(-1);
  if (last === undefined) return false;
  // A worker reports a timeout while the handler may still run.
  if (last.kind === 'failed' && last.error.code === 'timeout') return true;
  if (last.kind === 'failed') return last.by === 'server' && last.error.type !== 'visibility_timeout';
  return 'from' in last && last.from === State.active;
}

/**
 * The worker of this claim has answered after the job had ended: no step runs any more. Null where nothing waits for
 * that.
 */
export function leftBy(job: JobRecord, claim: number | null): Transition | null {
  const mark = markOf(job);
  const isNews = mark !== null && isIn(job.state, Terminal) && claim === job.claim && mark.left !== claim;
  return isNews ? marking(job, { ...mark, left: claim }) : null;
}

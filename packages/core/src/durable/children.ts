import { ProtocolError } from '../errors.ts';
import { lastError } from '../job/history.ts';
import type { JobRecord, Json } from '../job/job.ts';
import { Terminal } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import type { Steps } from '../steps.ts';
import { parentOf } from '../workflow/spec.ts';
import type { NodeRecord, WorkflowRecord } from '../workflow/types.ts';
import { childSignal } from './mailbox.ts';
import { sendSignal } from './signal.ts';
import type { StepStore } from './store.ts';

/** How a workflow ends. */
export type WorkflowEnd = 'completed' | 'failed' | 'cancelled';

/** Characters of a result or an error that the parent gets with the end of a single child. */
const maxText = 900_000;

/**
 * Wakes the job whose step waits for a workflow, before the workflow ends. Repeatable: the signal has the id of the
 * workflow.
 * @param only the node and the job of a workflow of one job.
 */
export function* wakeParent(
  store: StepStore,
  workflow: WorkflowRecord,
  end: WorkflowEnd,
  only: { readonly node: NodeRecord; readonly job: JobRecord | null } | null,
): Steps<void> {
  const parent = parentOf(workflow);
  if (parent === null) return;
  const to = { job: parent.job, name: childSignal(parent.step) };
  const text = summaryOf(workflow, end, only);
  try {
    yield* sendSignal(store, { to, id: workflow.id, payload: { text } }, () => {});
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function summaryOf(workflow: WorkflowRecord, state: WorkflowEnd, only: Parameters<typeof wakeParent>[3]): Json {
  const { total, completed, failed, cancelled } = workflow;
  const counts = JSON.stringify({ state, total, completed, failed, cancelled });
  const own = only === null ? '' : outcomeOf(only.node, only.job);
  return own === '' || own.length > maxText ? counts : `${counts.slice(0, -1)}${own}}`;
}

function outcomeOf({ result, error, state, job: id }: NodeRecord, job: JobRecord | null): string {
  const head = `,"job_id":${JSON.stringify(id)}`;
  if (state === 'completed') return result === null ? head : `${head},"result":${result}`;
  const last = job === null ? null : lastError(job);
  const text = last === null ? error : JSON.stringify(last);
  return text === null ? head : `${head},"error":${text}`;
}

/** Reports whether a running workflow is to be cancelled: its parent has ended, or its first child has failed. */
export function endsChildren(workflow: WorkflowRecord, parent: JobRecord | null): boolean {
  const read = parentOf(workflow);
  if (read === null || workflow.state !== 'running') return false;
  if (parent === null || isIn(parent.state, Terminal)) return read.onParentEnd === 'cancel';
  return read.onFailure === 'cancel' && workflow.failed + workflow.cancelled > 0;
}

/** The parent has ended, or was deleted. */
function isGone(error: unknown): boolean {
  return error instanceof ProtocolError && (error.code === 'job_ended' || error.code === 'not_found');
}

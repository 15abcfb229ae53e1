import type { JobId } from '../job/job.ts';
import { isObject } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { isReady, isSkipped } from '../workflow/rules.ts';
import type { NodeRecord, WorkflowRecord } from '../workflow/types.ts';
import { type Explanation, listed, plural, type Reason, type ReasonStep, verdictOf, withoutStop } from './reasons.ts';

/** A step of a workflow that has no job now: it waits, or was closed without one, or its job was removed. */
export interface StepFacts {
  readonly workflow: WorkflowRecord;
  readonly node: NodeRecord;
  /** The steps that it waits for and that have not ended; perhaps fewer than `node.open`. */
  readonly open: readonly ReasonStep[];
}

export function explainStep({ workflow, node, open }: StepFacts, now: Millis): Explanation {
  const reason = node.closedAt === null ? waiting(workflow, node, open) : closed(workflow, node);
  return {
    job: null,
    workflow: workflow.id,
    step: node.name,
    state: node.state,
    at: now,
    verdict: verdictOf(`Step ${node.name}`, node.state, [reason]),
    reasons: [reason],
    next: reason.code === 'step_due' ? now : null,
  };
}

function waiting(workflow: WorkflowRecord, node: NodeRecord, open: readonly ReasonStep[]): Reason {
  if (workflow.state !== 'running') {
    const message = `Workflow ${workflow.id} is ${workflow.state}, so its waiting steps do not start.`;
    return { code: 'workflow_ended', message, remedy: rerunRemedy(workflow.id) };
  }
  if (isReady(node)) return { code: 'step_due', message: `All steps before step ${node.name} have ended.` };
  if (node.state !== 'waiting') return { code: 'unknown', message: `The job of step ${node.name} is not there.` };
  const message = `Step ${node.name} waits for ${plural(node.open, 'step')} before it.`;
  const remedy = 'Explain the steps that it waits for.';
  return { code: 'step_waits', message, ...listed('steps', open, node.open), remedy };
}

function closed(workflow: WorkflowRecord, node: NodeRecord): Reason {
  const { name, state, closedAt } = node;
  const at = closedAt === null ? '' : ` at ${formatTimestamp(closedAt)}`;
  const since = closedAt === null ? {} : { since: closedAt };
  if (isSkipped(node))
    return {
      code: 'step_skipped',
      message: `A step before step ${name} did not complete${at}.`,
      ...since,
      remedy: `Remove the cause, then retry the workflow: ojs workflows retry ${workflow.id}.`,
    };
  const error: unknown = node.error === null ? null : JSON.parse(node.error);
  if (state === 'failed' && isObject(error)) {
    const holder = error.existing_job_id;
    const message = `The job of step ${name} was refused${at}: ${withoutStop(String(error.message))}.`;
    if (typeof holder !== 'string') return { code: 'step_failed', message, ...since };
    return { code: 'unique', message, ...since, jobs: [holderOf(holder)] };
  }
  if (state === 'cancelled' && workflow.state === 'cancelled')
    return {
      code: 'workflow_cancelled',
      message: `Workflow ${workflow.id} was cancelled${at}.`,
      ...since,
      remedy: rerunRemedy(workflow.id),
    };
  const message = `Step ${name} ended${at} as ${state}, and its job was removed since or never made.`;
  return { code: 'unknown', message, ...since };
}

/** A workflow that was cancelled does not continue. */
export function rerunRemedy(workflow: string): string {
  return `Start a new workflow with the same steps: ojs workflows rerun ${workflow}.`;
}

function holderOf(id: JobId) {
  return { id, worker: null, since: null };
}

import { lastError } from '../job/history.ts';
import type { JobId, JobRecord, Json } from '../job/job.ts';
import { State } from '../job/states.ts';
import { isObject } from '../json/json.ts';
import type { CallbackName } from './plan.ts';
import { isSkipped, runs } from './rules.ts';
import { type JobSpec, readNodeSpec } from './spec.ts';
import type { NodeRecord } from './types.ts';

/** The most errors that the end of a workflow lists. */
export const maxErrors = 100;
const maxMessage = 1_000;

/** A node whose job did not complete, or could not be made. */
export interface FailedNode {
  readonly node: NodeRecord;
  readonly spec: JobSpec;
}

/** An entry of `errors` (ojs-workflows §9.6). */
export interface StepError {
  readonly job_id: JobId | null;
  readonly step_id: string;
  readonly callback?: CallbackName;
  readonly code: string;
  readonly message: string;
  readonly attempt: number;
}

/**
 * Callbacks first, because they are why a batch failed; then jobs by index. Nodes that were only skipped are not among
 * them.
 */
export function failedNodes(nodes: readonly NodeRecord[]): readonly FailedNode[] {
  const found: FailedNode[] = [];
  for (const node of nodes) {
    if (node.job === null || (node.state !== 'failed' && node.state !== 'cancelled')) continue;
    const spec = readNodeSpec(node.spec);
    if (spec.role !== 'job') continue;
    const first = nodes[spec.parents.block?.[0] ?? -1] ?? null;
    if (node.open === 0 && runs(node, spec, first)) found.push({ node, spec });
  }
  return [...found.filter(({ spec }) => spec.callback !== null), ...found.filter(({ spec }) => spec.callback === null)];
}

/** Index of the step at which a chain failed; null where none did. */
export function failedStep(nodes: readonly NodeRecord[], top: number): number | null {
  const index = nodes
    .slice(0, top)
    .findIndex(
      (node) => node.state === 'failed' || (node.state === 'cancelled' && node.open === 0 && !isSkipped(node)),
    );
  return index === -1 ? null : index;
}

/** @param job its record; null where it is gone. */
export function stepError({ node, spec }: FailedNode, job: JobRecord | null): StepError {
  const error = node.error === null ? jobError(job, node.state) : given(node.error);
  const message = error.message.length <= maxMessage ? error.message : `${error.message.slice(0, maxMessage)}…`;
  const callback = spec.callback === null ? {} : { callback: spec.callback };
  return { job_id: isRefused(node) ? null : node.job, step_id: node.name, ...callback, ...error, message };
}

type ErrorFields = Pick<StepError, 'code' | 'message' | 'attempt'>;

function jobError(job: JobRecord | null, state: NodeRecord['state']): ErrorFields {
  if (state === 'cancelled')
    return { code: 'cancelled', message: 'The job was cancelled.', attempt: job?.attempt ?? 0 };
  const error = job === null || job.state === State.completed ? null : lastError(job);
  if (error === null) return { code: 'unknown', message: 'The job is no longer kept.', attempt: job?.attempt ?? 0 };
  return { code: error.code, message: error.message, attempt: error.attempt };
}

/** The error of a node that was closed without a job, or that the storage has kept of it. */
function given(text: Json): ErrorFields {
  const parsed: unknown = JSON.parse(text);
  const error: Readonly<Record<string, unknown>> = isObject(parsed) ? parsed : {};
  const { code, message, attempt } = error;
  return {
    code: typeof code === 'string' ? code : 'unknown',
    message: typeof message === 'string' ? message : '',
    attempt: typeof attempt === 'number' ? attempt : 0,
  };
}

/** Reports whether the node was closed because its job could not be made: then there is no such job. */
export function isRefused(node: Pick<NodeRecord, 'state' | 'error'>): boolean {
  if (node.state !== 'failed' || node.error === null) return false;
  const error: unknown = JSON.parse(node.error);
  return isObject(error) && error.job_id === null;
}

import type { NamesOf } from '@ojs-ts/core';
import type { Connection } from '../../connection/connection.ts';
import { requestOf } from '../../enqueue/request.ts';
import type { JobDef, JobRequest } from '../../job/definition.ts';
import { jobNames } from '../../job/options.ts';
import { eachOf, type JsonArray, numberOf, objectOf, textOf, type Wire, wireOf } from '../../json.ts';
import type { EnqueueMiddleware } from '../../middleware/types.ts';
import { checkNames } from '../../options/check-names.ts';
import type { StepCodec } from './codec.ts';
import { ChildError } from './errors.ts';
import type { Child, Children, ChildrenOptions } from './types.ts';

const childrenNames: NamesOf<ChildrenOptions> = { ...omitted(), onFailure: true, onParentEnd: true };

function omitted() {
  const { id: _, unique: __, pending: ___, ...names } = jobNames;
  return names;
}

/** The jobs of one step, and what becomes of them. */
export interface Family {
  readonly step: string;
  readonly requests: readonly JobRequest[];
  readonly onFailure: ChildrenOptions['onFailure'];
  readonly onParentEnd: ChildrenOptions['onParentEnd'];
}

/** @throws {OJSValidationError} for an unknown option. */
export function familyOf(
  step: string,
  job: string | JobDef,
  args: readonly JsonArray[],
  options: ChildrenOptions,
): Family {
  checkNames(options, childrenNames);
  const { onFailure, onParentEnd, ...own } = options;
  const requests = args.map((one): JobRequest => {
    const { id: _, ...request } = requestOf(job, one, own, undefined);
    return request;
  });
  return { step, requests, onFailure, onParentEnd };
}

/** Starts the jobs as a workflow with this id, unless an earlier execution has started it. */
export async function startFamily(
  connection: Connection,
  middleware: readonly EnqueueMiddleware[],
  { step, requests, onFailure, onParentEnd }: Family,
  workflow: string,
  { jobId, lease }: { readonly jobId: string; readonly lease: string },
): Promise<void> {
  const [{ group }, { startWorkflow }] = await Promise.all([
    import('../../workflow/definition.ts'),
    import('../../workflow/start.ts'),
  ]);
  const parent = { job_id: jobId, x_lease: lease, step, on_failure: onFailure, on_parent_end: onParentEnd };
  await startWorkflow(connection, middleware, group(step, requests), undefined, {}, { id: workflow, parent });
}

/** The end of a step that has started jobs: the signal of the server, and what reads it. */
export interface FamilyEnd {
  readonly workflowId: string;
  readonly codec: StepCodec;
  readonly jobId: string;
  readonly wire: Wire;
}

/** The result of the only job. @throws {ChildError} */
export async function resultOfOnly(step: string, { wire, codec, workflowId, jobId }: FamilyEnd): Promise<unknown> {
  if (textOf(wire.state) === 'completed') return decoded(wire.result, codec);
  const state = numberOf(wire.cancelled) === 1 ? 'cancelled' : 'failed';
  const child: Child = {
    index: 0,
    id: textOf(wire.job_id) ?? workflowId,
    state,
    result: undefined,
    error: wireOf(wire.error),
  };
  throw new ChildError(step, child, { jobId });
}

/** @param pages reads the results behind an index. */
export function childrenOf(
  step: string,
  { wire, codec, workflowId, jobId }: FamilyEnd,
  pages: (workflowId: string, after: number | undefined) => Promise<Wire>,
): Children {
  async function* each(): AsyncGenerator<Child> {
    for (let after: number | undefined; ; ) {
      const body = await pages(workflowId, after);
      for (const raw of eachOf(
        body.results,
        objectOf((one) => one),
      ))
        yield await childOf(raw, codec);
      after = numberOf(body.next);
      if (after === undefined) return;
    }
  }
  return {
    workflowId,
    ...{ total: numberOf(wire.total) ?? 0, completed: numberOf(wire.completed) ?? 0 },
    ...{ failed: numberOf(wire.failed) ?? 0, cancelled: numberOf(wire.cancelled) ?? 0 },
    [Symbol.asyncIterator]: each,
    async results() {
      const found: unknown[] = [];
      for await (const child of each()) {
        if (child.state !== 'completed') throw new ChildError(step, child, { jobId });
        found.push(child.result);
      }
      return found;
    },
  };
}

async function childOf(raw: Wire, codec: StepCodec): Promise<Child> {
  const told = textOf(raw.state);
  const state = told === 'completed' || told === 'cancelled' ? told : 'failed';
  return {
    ...{ index: numberOf(raw.index) ?? 0, id: textOf(raw.job_id) ?? '', state },
    result: state === 'completed' ? await decoded(raw.result, codec) : undefined,
    error: wireOf(raw.error),
  };
}

async function decoded(result: unknown, codec: StepCodec): Promise<unknown> {
  return result === undefined ? undefined : codec.decode(result);
}

import type { Millis } from '../clock.ts';
import type { Json } from '../job.ts';
import { compile } from './compile.ts';
import { digest } from './digest.ts';
import { workflowCreated } from './events.ts';
import { type ReadRequest, type ReadStep, readRequest } from './request.ts';
import { workflowSpecText } from './spec.ts';
import type { NewNode, NewWorkflow } from './types.ts';

/** A workflow ready to be created. */
export interface ReadWorkflow {
  readonly workflow: NewWorkflow;
  readonly nodes: readonly NewNode[];
  readonly events: readonly Json[];
  /** The jobs, callbacks among them, as their envelopes say: for checks that need more than the text. */
  readonly steps: readonly ReadStep[];
  readonly unknown: ReadRequest['unknown'];
}

/**
 * Reads a workflow request in any of its dialects and lays it out as nodes (digest §7, X23).
 * @param now in milliseconds: what relative times of the envelopes are checked against.
 * @param newId mints the ids of the jobs, and the workflow's where the client sent none.
 * @throws ProtocolError `invalid_payload` or `invalid_request` with JSONPaths, and what `readEnvelope` throws about one of the jobs.
 */
export function readWorkflow(text: Json, now: Millis, newId: () => string): ReadWorkflow {
  const { id, name, meta, plan, options, steps, unknown } = readRequest(text, now, newId);
  const { nodes, layout } = compile(plan);
  const spec = workflowSpecText(
    {
      top: plan.items.length,
      key: plan.key,
      nested: plan.items.some((item) => item.kind !== 'job'),
      gate: layout.gate,
      callbacks: layout.callbacks,
      listed: plan.listed,
      options,
      meta,
    },
    digest(text),
  );
  const total = nodes.reduce((count, node) => count + (node.member ? 1 : 0), 0);
  const workflow: NewWorkflow = { id, name, kind: plan.kind, spec, total };
  return { workflow, nodes, events: workflowCreated(workflow), steps, unknown };
}

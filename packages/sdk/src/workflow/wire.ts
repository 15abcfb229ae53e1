import type { WireBody } from '../job/wire.ts';
import type { CompositePlan, JobPlan, Plan } from './plan.ts';

/** The envelope of each job, as it goes out. */
export type Bodies = ReadonlyMap<JobPlan, WireBody>;

/**
 * The body of POST /workflows. A server that accepts nested workflows gets `type`, `name`, `callbacks` and `steps` or
 * `jobs` (ojs-workflows §5). Any other server gets flat steps with `depends_on` (ojs-http-binding §14), and callbacks
 * marked by `callback_type`. `depends_on` cannot express a batch inside another workflow, so that one is always sent
 * nested.
 */
export function workflowBody(
  plan: CompositePlan,
  workflowId: string,
  bodies: Bodies,
  nested: boolean,
  parent?: object,
): string {
  const head = { id: workflowId, name: plan.name, ...(parent && { parent }) };
  if (plan.kind === 'dag')
    return JSON.stringify({ ...head, ...(nested && { type: 'dag' }), steps: flatSteps(plan, bodies) });
  if (nested || hasInnerBatch(plan)) return JSON.stringify({ ...head, ...composite(plan, bodies) });
  return JSON.stringify({ ...head, steps: flatSteps(plan, bodies) });
}

function composite(plan: CompositePlan, bodies: Bodies): object {
  const list = plan.items.map((item) => {
    const { plan: inner } = item;
    return inner.kind === 'job' ? bodies.get(inner) : { name: inner.name, ...composite(inner, bodies) };
  });
  const callbacks = Object.fromEntries(plan.callbacks.map(({ name, job }) => [name, bodies.get(job)]));
  return {
    type: plan.kind,
    ...(plan.kind === 'chain' ? { steps: list } : { jobs: list }),
    ...(plan.callbacks.length > 0 && { callbacks }),
  };
}

function hasInnerBatch(plan: CompositePlan): boolean {
  return plan.items.some(({ plan: inner }) => inner.kind !== 'job' && (inner.kind === 'batch' || hasInnerBatch(inner)));
}

function flatSteps(plan: CompositePlan, bodies: Bodies): readonly object[] {
  const steps: object[] = [];
  const add = (job: JobPlan, after: readonly string[], more: object = {}): readonly string[] => {
    const body = bodies.get(job);
    steps.push({ ...body, id: job.id, depends_on: after, options: { ...body?.options, ...more } });
    return [job.id];
  };
  /** Returns the ids of its last steps. */
  const place = (one: Plan, after: readonly string[]): readonly string[] => {
    if (one.kind === 'job') return add(one, after);
    if (one.kind === 'chain') return one.items.reduce((before, item) => place(item.plan, before), after);
    return one.items.flatMap((item) => place(item.plan, one.kind === 'dag' ? item.after : after));
  };
  const ends = place(plan, []);
  for (const { name, job } of plan.callbacks) add(job, ends, { callback_type: name });
  return steps;
}

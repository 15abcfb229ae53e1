import type { NewNode, WorkflowStep } from '@ojs-ts/core/workflow';
import fc from 'fast-check';
import type { Storage, Workflows } from '../../../src/storage/storage.ts';
import { idOf, newJob, newNode, newWorkflow } from '../suite/tools.ts';
import { job, jobAt } from './jobs.ts';
import { allPages, given, optional, pageSize, type Step, step, workflowIds } from './steps.ts';

const id = fc.constantFrom(...workflowIds);
const event = (kind: string) => `["${kind}","w",null,"",null,null,0,null,null,null,{}]`;

/**
 * A diamond with a join at its end, and two steps of which the first is no member. Their jobs have the last six
 * numbers.
 */
const graphs: Readonly<Record<string, readonly NewNode[]>> = {
  v: [
    newNode(0, { next: [1, 2], job: idOf(10) }),
    newNode(1, { open: 1, next: [3], job: idOf(11) }),
    newNode(2, { open: 1, next: [3], job: idOf(12) }),
    newNode(3, { open: 2, member: false, job: idOf(13) }),
  ],
  w: [newNode(0, { next: [1], member: false, job: idOf(14) }), newNode(1, { open: 1, job: idOf(15) })],
};

const nodeRef = fc.oneof(
  { weight: 2, arbitrary: fc.record({ workflow: fc.constant('v'), index: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ workflow: fc.constant('w'), index: fc.nat({ max: 2 }) }) },
);

const start = fc.record({ kind: fc.constant('start' as const), node: nodeRef, job, plain: fc.boolean() });
const close = fc.record({
  kind: fc.constant('close' as const),
  node: nodeRef,
  state: fc.constantFrom<('completed' | 'failed' | 'cancelled')[]>('completed', 'failed', 'cancelled'),
  passes: fc.boolean(),
  result: fc.constantFrom(null, '1.0'),
  error: fc.constantFrom(null, '"e"'),
  end: fc.option(
    fc.record({
      state: fc.constantFrom<('completed' | 'failed')[]>('completed', 'failed'),
      text: fc.constantFrom(null, '{}'),
    }),
    { freq: 1 },
  ),
});
const advanceSpec = fc.oneof({ weight: 3, arbitrary: start }, { weight: 1, arbitrary: close });
type AdvanceSpec = typeof advanceSpec extends fc.Arbitrary<infer T> ? T : never;

function stepAt(spec: AdvanceSpec, now: number): WorkflowStep {
  if (spec.kind === 'close') return { ...spec, events: [event('workflow.failed')] };
  const { node } = spec;
  const number = (node.workflow === 'v' ? 10 : 14) + node.index;
  // A plain job is always taken; another one may expire, be limited, or be refused by its unique key.
  const made = spec.plain
    ? newJob(number, { queue: spec.job.queue, node, createdAt: now, runAt: now })
    : jobAt({ ...spec.job, number, node }, now);
  return { kind: 'start', node, job: made, events: [event('workflow.started')] };
}

/** Both workflows, with their first nodes started. */
export const workflowOpening: readonly Step[] = [
  ...workflowIds.map((id) => ({
    name: `open ${id}`,
    call: (storage: Storage, now: number) => create(storage, now, { id, name: 'n', kind: 'workflow' }),
  })),
  {
    name: 'start',
    call: (storage, now) =>
      storage.workflows.advance(
        [10, 14].map((number, at) => {
          const node = { workflow: workflowIds[at] ?? '', index: 0 };
          return {
            kind: 'start',
            node,
            job: newJob(number, { queue: 'a', node, createdAt: now, runAt: now }),
            events: [],
          };
        }),
        now,
      ),
  },
];

function create(
  storage: Storage,
  now: number,
  patch: { readonly id: string; readonly name: string; readonly kind: string },
) {
  const nodes = graphs[patch.id] ?? [];
  const total = nodes.filter(({ member }) => member).length;
  return storage.workflows.create(newWorkflow({ ...patch, total }), nodes, [event('workflow.created')], now);
}

export const workflowSteps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: step(
      'create',
      fc.record({
        id,
        name: fc.constantFrom('n', 'n', 'n', 'm'),
        kind: fc.constantFrom('workflow', 'workflow', 'group'),
      }),
      create,
    ),
  },
  {
    weight: 8,
    arbitrary: step('advance', fc.array(advanceSpec, { minLength: 1, maxLength: 3 }), (storage, now, specs) =>
      storage.workflows.advance(
        specs.map((spec) => stepAt(spec, now)),
        now,
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      step('cancel workflow', id, (storage, now, id) =>
        storage.workflows.cancel(id, [event('workflow.cancelled')], now),
      ),
      step('swept', id, (storage, _, id) => storage.workflows.swept(id)),
    ),
  },
);

export const workflowReads: fc.Arbitrary<Step> = fc.oneof(
  step('unfinished', pageSize, (storage, _, limit) => storage.workflows.unfinished(limit)),
  step('node', fc.array(nodeRef, { maxLength: 3 }), (storage, _, refs) => storage.workflows.node(refs)),
  step('nodes', fc.tuple(id, fc.integer({ min: -1, max: 3 }), pageSize), (storage, _, [id, after, limit]) =>
    storage.workflows.nodes(id, after, limit),
  ),
  step(
    'workflows',
    fc.record({
      states: fc.option(
        fc.subarray<'running' | 'completed' | 'failed' | 'cancelled'>(['running', 'completed', 'failed', 'cancelled']),
      ),
      offset: optional(fc.nat({ max: 2 })),
      limit: pageSize,
    }),
    (storage, _, query) => allWorkflows(storage.workflows, query),
  ),
);

export function allWorkflows(
  workflows: Workflows,
  {
    states,
    limit,
    ...rest
  }: {
    readonly states: Parameters<Workflows['list']>[0]['states'];
    readonly limit: number;
    readonly offset?: number | undefined;
  },
) {
  return allPages((after) => workflows.list({ states, limit, ...given(rest), ...(after !== null && { after }) }));
}

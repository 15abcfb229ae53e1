import { Change } from '../../../../packages/core/src/memory/change.ts';
import * as defaults from '../../../../packages/core/src/workflow/defaults.ts';
import * as graph from '../../../../packages/core/src/workflow/graph.ts';
import * as plan from '../../../../packages/core/src/workflow/plan.ts';
import * as rules from '../../../../packages/core/src/workflow/rules.ts';
import * as step from '../../../../packages/core/src/workflow/step.ts';
import type { CaseBugs } from '../bugs.ts';
import { all, bodies, without } from '../changes.ts';
import * as core from '../core.ts';
import { on, type Plant, set, stored } from '../plant.ts';

/** Changes what becomes of a ready step. */
function decided(change: (step: core.WorkflowStep) => core.WorkflowStep): Plant {
  return on(core, 'decideNode', (next, ...args) => {
    const answer = next(...args);
    return answer.kind === 'needs' ? answer : change(answer);
  });
}

export const workflows: CaseBugs = {
  'chain-starts-all': [
    'OJS-L3-CHN-001 OJS-L3-CHN-002 OJS-L3-DIA-001',
    on(graph, 'readOrdered', (next, type, steps) => ({ ...next(type, steps), after: steps.map(() => []) })),
  ],
  'chain-stops-after-one': [
    'OJS-L3-CHN-004 OJS-L3-DAG-001 OJS-L3-NST-003',
    stored('jobs', 'transition', async (next, ...args) =>
      (await next(...args)).map((moved) => (moved.kind === 'moved' ? { ...moved, ready: [] } : moved)),
    ),
  ],
  'chain-goes-on-after-failure': [
    'OJS-L3-CHN-003 OJS-L3-CHN-005 OJS-L3-DAG-002 OJS-L3-NST-002',
    on(rules, 'runs', (next, node, spec, first) => spec.callback === null || next(node, spec, first)),
  ],
  'times-count-from-creation': [
    'OJS-L3-CHN-007',
    on(core, 'decideNode', (next, workflow, node, loaded, now) =>
      next(workflow, node, loaded, now, workflow.createdAt),
    ),
  ],
  'group-in-sequence': [
    'OJS-L3-GRP-001 OJS-L3-GRP-002 OJS-L3-BAT-001',
    on(graph, 'readOrdered', (next, type, steps) => {
      const read = next(type, steps);
      return { ...read, after: read.jobs.map((_, index) => (index > 0 ? [index - 1] : [])) };
    }),
  ],
  'no-on-complete-after-failure': [
    'OJS-L3-BAT-002 OJS-L3-BAT-004 OJS-L3-DAG-003',
    on(rules, 'isDue', (next, callback, failed) =>
      callback === 'on_complete' ? failed === 0 : next(callback, failed),
    ),
  ],
  'callbacks-in-the-queue-of-jobs': [
    'OJS-L3-BAT-005',
    decided((one) =>
      one.kind === 'start' && one.events.length > 0 ? { ...one, job: { ...one.job, queue: 'default' } } : one,
    ),
  ],
  'two-levels-only': ['OJS-L3-NST-001 OJS-L3-NST-004', set(plan, 'maxNesting', 2)],
  'no-default-options': ['OJS-L3-DIA-002', on(defaults, 'requestOf', (_next, _workflow, { job }) => job)],
  'workflow-meta-dropped': [
    'OJS-L3-DIA-003',
    bodies(/workflow.create/, (body) => without(without(body, 'meta'), 'metadata')),
  ],
  'step-has-no-place': [
    'OJS-L3-VAL-001 OJS-L3-VAL-002 OJS-L3-VAL-003',
    all(
      on(plan, 'wrong', (next, path, message) => next(path.replace(/^\$\.(?:steps|jobs)\[\d+\]/, '$'), message)),
      on(core, 'readParsedEnvelope', (next, text, value, now, newId) => next(text, value, now, newId, { at: '$' })),
    ),
  ],
  'step-named-twice': [
    'OJS-L3-VAL-003',
    on(step, 'readStep', (next, source, index) => {
      const read = next(source, index);
      return { ...read, name: `${read.name}-${index}` };
    }),
  ],
  'cancel-leaves-jobs': [
    'OJS-L3-CAN-001',
    stored('jobs', 'transition', (next, transitions, now) =>
      next(
        transitions.map((one) => (one.to === core.State.cancelled ? { ...one, id: '' } : one)),
        now,
      ),
    ),
  ],
  'ended-workflow-cancelled': [
    'OJS-L3-CAN-002',
    stored('workflows', 'cancel', async (next, ...args) => (await next(...args)) || true),
  ],
  'errors-of-a-workflow-omitted': [
    'OJS-L3-CHN-003 OJS-L3-CHN-006 OJS-L3-GRP-002 OJS-L3-BAT-003',
    decided((one) =>
      one.kind === 'close' && one.end
        ? { ...one, end: { ...one.end, text: JSON.stringify({ ...JSON.parse(one.end.text ?? '{}'), errors: [] }) } }
        : one,
    ),
  ],
  'step-omitted': ['OJS-L3-EVT-001 OJS-L3-EVT-002 OJS-L3-EVT-003', on(Change.prototype, 'logNode', () => {})],
  'oldest-workflow-first': [
    'OJS-L3-LST-001',
    stored('workflows', 'list', async (next, query) => {
      const { items } = await next({ ...without(query, 'after'), offset: 0, limit: 1_000_000 });
      return { ...(await next(query)), items: items.toReversed().slice(0, query.limit) };
    }),
  ],
  'workflow-progress-counts-ends-only': ['OJS-L3-LST-002', on(core, 'progressOf', () => null)],
  'another-workflow-taken-for-it': [
    'OJS-L3-IDE-001',
    on(rules, 'isSameWorkflow', (next, one, other) => next(one, { ...other, spec: one.spec })),
  ],
};

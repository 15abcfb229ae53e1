import { Type } from '../type.ts';
import * as t from './parts.ts';

const stepState = t.oneOf(['waiting', 'pending', 'active', 'completed', 'failed', 'cancelled']);
/** The server says why the job of a step could not be made, or repeats the last error of the job. */
const fault = Type.Object(
  { code: t.maybe(t.text()), type: t.maybe(t.text()), message: t.maybe(t.text()), attempt: t.maybe(t.count()) },
  { additionalProperties: true },
);

/** A step that is a chain, a group or a batch has steps of its own. */
const inner = Type.Unsafe<unknown>({ $ref: '#/components/schemas/WorkflowStep' });
const Step = t.named('WorkflowStep', {
  index: t.maybe(t.count()),
  id: t.text(),
  type: t.text(),
  state: stepState,
  depends_on: t.list(t.text()),
  args: t.maybe(t.list(t.json())),
  job_id: t.orNull(t.text()),
  steps: t.maybe(t.list(inner)),
  jobs: t.maybe(t.list(inner)),
  callbacks: t.maybe(t.mapOf(inner)),
  started_at: t.maybe(t.time()),
  completed_at: t.maybe(t.time()),
  result: t.maybe(t.json()),
  error: t.maybe(fault),
});

const state = t.oneOf(['running', 'completed', 'failed', 'cancelled']);
const summary = {
  id: t.text(),
  type: t.text(),
  name: t.orNull(t.text()),
  state,
  ...t.each(t.count(), 'steps_total', 'steps_completed', 'jobs_total', 'jobs_completed'),
  created_at: t.time(),
  ...t.each(t.maybe(t.time()), 'started_at', 'cancelled_at', 'completed_at'),
  steps_cancelled: t.maybe(t.count()),
  steps_already_completed: t.maybe(t.count()),
  error: t.maybe(t.object({ code: t.text(), message: t.text() })),
  failed_step_index: t.maybe(t.count()),
  failed_job_ids: t.maybe(t.list(t.text())),
  errors: t.maybe(
    t.list(
      t.object({
        job_id: t.orNull(t.text()),
        step_id: t.text(),
        callback: t.maybe(t.text()),
        code: t.text(),
        message: t.text(),
        attempt: t.count(),
      }),
    ),
  ),
  x_parent: t.maybe(t.object({ job_id: t.text(), step: t.text() })),
  meta: t.maybe(t.json()),
  metadata: Type.Object(
    {
      created_at: t.time(),
      ...t.each(t.count(), 'job_count', 'completed_count', 'failed_count', 'cancelled_count'),
    },
    { additionalProperties: true, description: 'Beside what the client gave as meta.' },
  ),
};
const WorkflowSummary = t.named('WorkflowSummary', summary);
export type WorkflowSummary = t.Of<typeof WorkflowSummary>;
const workflow = {
  ...summary,
  steps: t.maybe(t.list(Step)),
  jobs: t.maybe(t.list(Step)),
  callbacks: t.maybe(t.mapOf(Step)),
};
const whole = t.answer({ workflow: t.named('Workflow', workflow), ...workflow });

const WorkflowNode = t.named('WorkflowNode', {
  index: t.count(),
  id: t.text(),
  kind: t.oneOf(['job', 'callback', 'chain', 'group', 'batch', 'gate']),
  state: stepState,
  depends_on: t.list(t.count(), { description: 'Indexes of the nodes that it waits for.' }),
  within: t.orNull(t.count('The chain, group or batch around it; null in the workflow itself.')),
  type: t.maybe(t.text('The type of a job or callback.')),
  job_id: t.maybe(t.orNull(t.text())),
  callback: t.maybe(t.text()),
  attempt: t.maybe(t.count()),
  started_at: t.maybe(t.time()),
  ended_at: t.maybe(t.time()),
  error: t.maybe(fault),
});
export type WorkflowNode = t.Of<typeof WorkflowNode>;

export const workflowAnswers = {
  'workflow.create': whole,
  'workflow.list': t.answer({
    workflows: t.list(WorkflowSummary),
    items: t.list(WorkflowSummary),
    total: t.count(),
    pagination: t.Page,
  }),
  'workflow.get': whole,
  'workflow.cancel': whole,
  'workflow.retry': whole,
  'workflow.rerun': whole,
  'workflow.results': t.answer({
    results: t.list(
      t.object({
        index: t.count(),
        job_id: t.orNull(t.text()),
        state: stepState,
        result: t.maybe(t.json()),
        error: t.maybe(fault),
      }),
    ),
    next: t.orNull(t.count('The `after` of the next page.')),
  }),
  'workflow.progress': t.answer({
    workflow_id: t.text(),
    type: t.text(),
    state,
    progress: t.number('From 0 to 1.'),
    steps_total: t.count(),
    steps_completed: t.count(),
    /** The first 100. */
    steps: t.list(
      t.object({
        job_id: t.orNull(t.text()),
        type: t.orNull(t.text()),
        state: Type.Union([stepState, t.JobState]),
        progress: t.number(),
        data: t.json(),
      }),
    ),
  }),
  'workflow.graph': t.answer({
    workflow_id: t.text(),
    type: t.text(),
    name: t.orNull(t.text()),
    state,
    nodes: t.list(WorkflowNode),
  }),
};

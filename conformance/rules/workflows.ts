import type { Section } from './rule.ts';

export const workflows: Section = {
  title: 'Workflows',
  rules: [
    {
      ref: 'ojs-workflows §4.3',
      must: 'A chain enqueues its first step only. Each ACK enqueues the next step; the last one completes the chain.',
      cases: ['OJS-L3-CHN-001', 'OJS-L3-CHN-004'],
    },
    {
      ref: 'ojs-workflows §9.2',
      must: 'A discarded step fails the chain. The server cancels later steps without enqueueing them.',
      cases: ['OJS-L3-CHN-003', 'OJS-L3-CHN-006'],
    },
    {
      ref: 'ojs-workflows §5.3',
      must: 'A group enqueues all jobs at once, and completes when all of them have.',
      cases: ['OJS-L3-GRP-001'],
    },
    {
      ref: 'ojs-workflows §9.3; deviations X44',
      must: 'A failed job does not stop the others of its group. The group fails when all have ended.',
      cases: ['OJS-L3-GRP-002'],
    },
    {
      ref: 'ojs-workflows §6.5',
      must: 'After all jobs of a batch: on_complete always runs, on_success without failures, on_failure with at least one.',
      cases: ['OJS-L3-BAT-001', 'OJS-L3-BAT-002'],
    },
    {
      ref: 'ojs-workflows §8.3',
      must: 'A batch completes even if jobs failed. A failed callback fails it.',
      cases: ['OJS-L3-BAT-002', 'OJS-L3-BAT-003'],
    },
    {
      ref: 'ojs-workflows §6.4',
      must: 'Each callback runs exactly once.',
      cases: ['OJS-L3-BAT-004', 'OJS-L3-CHN-008'],
      tests: [
        [
          'packages/core/test/workflow/model.test.ts',
          'a nested workflow ends as the text says, in any order of events',
        ],
      ],
    },
    {
      ref: 'ojs-workflows §6.3',
      must: 'A callback is an ordinary job with its own queue and policy.',
      cases: ['OJS-L3-BAT-003', 'OJS-L3-BAT-005'],
    },
    { ref: 'ojs-workflows §9.1', must: 'A cancelled member counts as failed.', cases: ['OJS-L3-CHN-005'] },
    {
      ref: 'ojs-workflows §7.1; deviations X25',
      must: 'parent_results is an array of all prior results in order, null where there is none. args stay unchanged.',
      cases: ['OJS-L3-CHN-002', 'OJS-L3-BAT-002', 'OJS-L3-RES-001'],
    },
    {
      ref: 'ojs-workflows §10.4',
      must: 'A nested workflow passes its state, results and failures to its parent.',
      cases: ['OJS-L3-NST-001', 'OJS-L3-NST-002', 'OJS-L3-NST-003'],
    },
    {
      ref: 'ojs-workflows §10.2',
      must: 'The server supports at least three levels, and refuses deeper workflows at creation.',
      cases: ['OJS-L3-NST-001', 'OJS-L3-NST-004'],
    },
    {
      ref: 'ojs-workflows §11.1; deviations X23',
      must: 'The server reads all dialects of the request: chain, group, batch, steps with depends_on, callback_type.',
      cases: ['OJS-L3-DAG-001', 'OJS-L3-DAG-002', 'OJS-L3-DAG-003', 'OJS-L3-DIA-001'],
    },
    {
      ref: 'ojs-http-binding §14.1',
      must: 'Options of the workflow are defaults for its jobs.',
      cases: ['OJS-L3-DIA-002', 'OJS-L3-DIA-003'],
    },
    {
      ref: 'ojs-workflows §11.1',
      must: 'The server checks the workflow and each of its jobs at creation, and refuses invalid ones.',
      cases: ['OJS-L3-VAL-001', 'OJS-L3-VAL-002', 'OJS-L3-VAL-003'],
    },
    {
      ref: 'ojs-workflows §11.2; deviations X23',
      must: 'The answer says running from the start, wrapped and flat, with the states of the steps.',
      cases: ['OJS-L3-CHN-001', 'OJS-L3-GRP-001'],
    },
    {
      ref: 'ojs-workflows §9.6',
      must: 'A failed workflow exposes failed_step_index, failed_job_ids and errors.',
      cases: ['OJS-L3-CHN-003', 'OJS-L3-GRP-002'],
    },
    {
      ref: 'ojs-workflows §11.3',
      must: 'Cancelling a workflow cancels its waiting jobs. Active jobs may finish and change nothing. A workflow that has ended is 409.',
      cases: ['OJS-L3-CAN-001', 'OJS-L3-CAN-002'],
    },
    {
      ref: 'ojs-workflows §4.3',
      must: 'The commit of an ACK or FAIL also advances the workflow, so a crash loses nothing.',
      cases: [],
      tests: [
        [
          'packages/server/test/engine/workflows/model.test.ts',
          'every workflow ends, every job and callback is made once',
        ],
        [
          'packages/core/test/workflow/model.test.ts',
          'a nested workflow ends as the text says, in any order of events',
        ],
      ],
      why: 'a case cannot crash the server',
    },
    {
      ref: 'ojs-workflows §9.2; ojs-unique-jobs §5.1',
      must: 'A step that its unique policy refuses fails the workflow.',
      cases: ['OJS-L3-UNQ-001'],
    },
    {
      ref: 'docs/http.md; ojs-progress §6',
      must: 'Workflows can be listed and have a progress.',
      cases: ['OJS-L3-LST-001', 'OJS-L3-LST-002'],
    },
    {
      ref: 'ojs-workflows §7.1',
      must: 'The job context has parent_results and workflow_id.',
      cases: [],
      tests: [['packages/sdk/test/worker/worker.test.ts', 'parentResults']],
      why: 'a rule for workers',
    },
  ],
};

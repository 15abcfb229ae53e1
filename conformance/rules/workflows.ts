import type { Section } from './rule.ts';

export const workflows: Section = {
  title: 'Workflows',
  rules: [
    {
      ref: 'ojs-workflows §4.3',
      must: 'Only the first step is enqueued; each next one follows the ACK; the last one completes it.',
      cases: ['OJS-L3-CHN-001', 'OJS-L3-CHN-004'],
    },
    {
      ref: 'ojs-workflows §9.2',
      must: 'A discarded step fails it, later ones are cancelled and not enqueued.',
      cases: ['OJS-L3-CHN-003', 'OJS-L3-CHN-006'],
    },
    { ref: 'ojs-workflows §5.3', must: 'All jobs at once; completed when all are.', cases: ['OJS-L3-GRP-001'] },
    {
      ref: 'ojs-workflows §9.3; deviations X44',
      must: 'A failure leaves the siblings; it fails when all have ended.',
      cases: ['OJS-L3-GRP-002'],
    },
    {
      ref: 'ojs-workflows §6.5',
      must: 'on_complete always, on_success without failures, on_failure with one; after all jobs.',
      cases: ['OJS-L3-BAT-001', 'OJS-L3-BAT-002'],
    },
    {
      ref: 'ojs-workflows §8.3',
      must: 'It is completed even where jobs failed, and fails with a callback.',
      cases: ['OJS-L3-BAT-002', 'OJS-L3-BAT-003'],
    },
    {
      ref: 'ojs-workflows §6.4',
      must: 'Callbacks exactly once.',
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
      must: 'parent_results is an array of all prior results in order, null for none; args are untouched.',
      cases: ['OJS-L3-CHN-002', 'OJS-L3-BAT-002', 'OJS-L3-RES-001'],
    },
    {
      ref: 'ojs-workflows §10.4',
      must: 'Nested composites: states, results and failures go up.',
      cases: ['OJS-L3-NST-001', 'OJS-L3-NST-002', 'OJS-L3-NST-003'],
    },
    {
      ref: 'ojs-workflows §10.2',
      must: 'At least three levels; deeper than supported is refused at creation.',
      cases: ['OJS-L3-NST-001', 'OJS-L3-NST-004'],
    },
    {
      ref: 'ojs-workflows §11.1; deviations X23',
      must: 'All dialects of the request: chain, group, batch, steps with depends_on, callback_type.',
      cases: ['OJS-L3-DAG-001', 'OJS-L3-DAG-002', 'OJS-L3-DAG-003', 'OJS-L3-DIA-001'],
    },
    {
      ref: 'ojs-http-binding §14.1',
      must: 'Options of the workflow are defaults.',
      cases: ['OJS-L3-DIA-002', 'OJS-L3-DIA-003'],
    },
    {
      ref: 'ojs-workflows §11.1',
      must: 'What makes no sense is refused at creation, every job of it checked.',
      cases: ['OJS-L3-VAL-001', 'OJS-L3-VAL-002', 'OJS-L3-VAL-003'],
    },
    {
      ref: 'ojs-workflows §11.2; deviations X23',
      must: 'The answer: running from the start, wrapped and flat, steps with their states.',
      cases: ['OJS-L3-CHN-001', 'OJS-L3-GRP-001'],
    },
    {
      ref: 'ojs-workflows §9.6',
      must: 'A failed workflow exposes failed_step_index, failed_job_ids and errors.',
      cases: ['OJS-L3-CHN-003', 'OJS-L3-GRP-002'],
    },
    {
      ref: 'ojs-workflows §11.3',
      must: 'What waits is cancelled, what is active may finish and changes nothing; an ended one is 409.',
      cases: ['OJS-L3-CAN-001', 'OJS-L3-CAN-002'],
    },
    {
      ref: 'ojs-workflows §4.3',
      must: 'An advance is in the commit of its ACK or FAIL, so a crash loses nothing.',
      cases: [],
      tests: [
        [
          'packages/server/test/engine/workflow-model.test.ts',
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
      must: 'A step whose unique policy refuses it fails its workflow.',
      cases: ['OJS-L3-UNQ-001'],
    },
    {
      ref: 'docs/http.md; ojs-progress §6',
      must: 'Workflows are listed, and tell their progress.',
      cases: ['OJS-L3-LST-001', 'OJS-L3-LST-002'],
    },
    {
      ref: 'ojs-workflows §7.1',
      must: 'The job context has parent_results and workflow_id.',
      cases: [],
      tests: [['packages/sdk/test/worker.test.ts', 'parentResults']],
      why: 'a rule for workers',
    },
  ],
};

import type { Section } from './rule.ts';

export const retry: Section = {
  title: 'Retry',
  rules: [
    {
      ref: 'ojs-retry RET-09',
      must: 'The default policy has 3 attempts, PT1S, ×2, at most PT5M, jitter, discard.',
      cases: ['OJS-L1-RTR-008'],
    },
    {
      ref: 'ojs-retry RET-10',
      must: 'The server merges a partial policy with the defaults and ignores unknown fields.',
      cases: ['OJS-L1-RTR-009'],
    },
    {
      ref: 'ojs-retry §2.1; deviations X6',
      must: 'The server reads every spelling of the fields, camelCase included.',
      cases: ['OJS-L1-RTR-010', 'OJS-L3-DIA-002'],
    },
    {
      ref: 'ojs-retry RET-01',
      must: 'max_attempts is the exact number of executions. 0 means 1.',
      cases: ['OJS-L1-RTR-012', 'OJS-L1-RTR-013'],
    },
    { ref: 'ojs-retry RET-19', must: 'The server checks the policy at enqueue.', cases: ['OJS-L1-RTR-011'] },
    {
      ref: 'ojs-retry RET-04; deviations X39',
      must: 'Delays are exponential, linear, polynomial or constant, by the attempt that failed.',
      cases: ['OJS-L1-RTR-001', 'OJS-L1-RTR-002', 'OJS-L1-RTR-003', 'OJS-L1-RTR-004', 'OJS-L1-RTR-006'],
    },
    {
      ref: 'ojs-retry RET-05, RET-06',
      must: 'The server caps delays before and after jitter. Jitter multiplies by 0.5 to 1.5.',
      cases: ['OJS-L1-RTR-005', 'OJS-L1-RTR-007'],
      tests: [['packages/core/test/lifecycle/retry.test.ts', 'jitter is 0.5 to 1.5 of the capped delay']],
    },
    { ref: 'ojs-retry RET-11', must: 'No attempt starts before its delay has passed.', cases: ['OJS-L1-RTR-019'] },
    {
      ref: 'ojs-retry RET-07, RET-18',
      must: 'The server does not retry listed errors, matched by type, code, error_class or prefix.*. retryable: true does not override the list.',
      cases: ['OJS-L1-RTR-015', 'OJS-L1-RTR-016', 'OJS-L1-RTR-017'],
    },
    {
      ref: 'ojs-retry RET-08; deviations X7',
      must: 'DISCARD, FAIL and DEAD_LETTER override the policy; RETRY follows it.',
      cases: ['OJS-L1-RTR-018'],
    },
    {
      ref: 'ojs-retry §16; deviations X16',
      must: 'Only on_exhaustion dead_letter or the response code DEAD_LETTER puts a job into the dead letter.',
      cases: ['OJS-L1-RTR-013', 'OJS-L1-RTR-014', 'OJS-L1-VIS-003'],
    },
    {
      ref: 'ojs-timeouts §9.1',
      must: 'The server does not retry a job if total_timeout leaves no time for the attempt.',
      cases: ['OJS-L1-RTR-021'],
    },
  ],
};

import type { Section } from './rule.ts';

export const rest: Section = {
  title: 'Levels, clients and decisions',
  rules: [
    {
      ref: 'ojs-conformance §2.5.4; deviations X19',
      must: 'A paused queue accepts jobs. No fetch returns them.',
      cases: ['OJS-L1-QUE-001', 'OJS-L4-PAU-001', 'OJS-L4-PAU-002'],
    },
    {
      ref: 'ojs-conformance §2.5.3',
      must: 'The server accepts batches of at least 1,000 jobs.',
      cases: ['OJS-L0-SET-015'],
    },
    {
      ref: 'ojs-conformance §2.5.6',
      must: 'The server enforces rate limits.',
      cases: ['OJS-L4-RLM-001', 'OJS-L4-RLM-008'],
    },
    {
      ref: 'ojs-conformance §2.5.6',
      must: 'The last max_per_second that a job sends counts for its queue.',
      cases: ['OJS-L4-RLM-001', 'OJS-L4-RLM-005'],
    },
    {
      ref: 'ojs-rate-limiting',
      must: 'A concurrency limit counts by key and holds back no other job. An operator can override limits and limit a whole queue.',
      cases: ['OJS-L4-RLM-002', 'OJS-L4-RLM-003', 'OJS-L4-RLM-004', 'OJS-L4-RLM-006', 'OJS-L4-RLM-007'],
    },
    {
      ref: 'official EXT-BP-001; ojs-backpressure',
      must: 'A full queue refuses jobs with QUEUE_FULL, or warns.',
      cases: ['OJS-L4-BPR-001', 'OJS-L4-BPR-002', 'OJS-L4-STA-002'],
    },
    {
      ref: 'ojs-bulk-operations',
      must: 'Bulk operations are partial or atomic, repeatable, and select jobs by id or filter.',
      cases: ['OJS-L4-BLK-001', 'OJS-L4-BLK-002', 'OJS-L4-BLK-003', 'OJS-L4-BLK-004'],
    },
    { ref: 'deviations quirks', must: 'The published Python SDK can read the answers.', cases: ['OJS-L0-SYS-010'] },
    {
      ref: 'published clients',
      must: 'The server understands what the published JavaScript and Python SDKs send.',
      cases: ['OJS-L3-DAG-003', 'OJS-L3-DIA-002', 'OJS-L4-UNQ-011', 'OJS-L1-HBT-002', 'OJS-L1-REP-001'],
    },
    {
      ref: 'ojs-core §5.2',
      must: 'The server accepts and then discards a job that has already expired.',
      cases: ['OJS-L2-TTL-001'],
    },
    {
      ref: 'ojs-http-binding §11.2',
      must: 'The statistics of an unknown queue are zeros.',
      cases: ['OJS-L1-QUE-003', 'OJS-L4-STA-001'],
    },
    {
      ref: 'docs/operating.md',
      must: 'The server deletes old records by age and number.',
      cases: [],
      tests: [['packages/server/test/engine/upkeep/upkeep.test.ts', 'retention: by age and by number']],
      why: 'takes days; held with a manual clock',
    },
    {
      ref: 'ojs-http-binding §17.1',
      must: 'Clients create ids, refuse values that are not JSON, and never parse cursors.',
      cases: [],
      tests: [['packages/sdk/test/client/client.test.ts', 'enqueue gives a handle']],
      why: 'rules for clients',
    },
    {
      ref: 'ojs-core §14',
      must: 'The server never executes args and never trusts meta.',
      cases: [],
      why: 'not observable: nothing reads them but fingerprints, schemas and filters',
    },
  ],
};

import type { Section } from './rule.ts';

export const rest: Section = {
  title: 'Levels, clients and decisions',
  rules: [
    {
      ref: 'ojs-conformance §2.5.4; deviations X19',
      must: 'A paused queue accepts jobs and hands out none.',
      cases: ['OJS-L1-QUE-001', 'OJS-L4-PAU-001', 'OJS-L4-PAU-002'],
    },
    { ref: 'ojs-conformance §2.5.3', must: 'Batches of at least 1,000.', cases: ['OJS-L0-SET-015'] },
    { ref: 'ojs-conformance §2.5.6', must: 'Rate limits.', cases: ['OJS-L4-RLM-001', 'OJS-L4-RLM-008'] },
    {
      ref: 'ojs-conformance §2.5.6',
      must: 'max_per_second: the last writer wins for the queue.',
      cases: ['OJS-L4-RLM-001', 'OJS-L4-RLM-005'],
    },
    {
      ref: 'ojs-rate-limiting',
      must: 'Concurrency by key; others go on; overrides; queues as a whole.',
      cases: ['OJS-L4-RLM-002', 'OJS-L4-RLM-003', 'OJS-L4-RLM-004', 'OJS-L4-RLM-006', 'OJS-L4-RLM-007'],
    },
    {
      ref: 'official EXT-BP-001; ojs-backpressure',
      must: 'A bounded queue refuses with QUEUE_FULL, or warns.',
      cases: ['OJS-L4-BPR-001', 'OJS-L4-BPR-002', 'OJS-L4-STA-002'],
    },
    {
      ref: 'ojs-bulk-operations',
      must: 'Bulk operations: partial, atomic, repeatable, by filter.',
      cases: ['OJS-L4-BLK-001', 'OJS-L4-BLK-002', 'OJS-L4-BLK-003', 'OJS-L4-BLK-004'],
    },
    { ref: 'deviations quirks', must: 'The published Python SDK can read the answers.', cases: ['OJS-L0-SYS-010'] },
    {
      ref: 'published clients',
      must: 'What the JavaScript and Python SDKs send is understood.',
      cases: ['OJS-L3-DAG-003', 'OJS-L3-DIA-002', 'OJS-L4-UNQ-011', 'OJS-L1-HBT-002', 'OJS-L1-REP-001'],
    },
    {
      ref: 'ojs-core §5.2',
      must: 'What has expired on arrival is accepted and then discarded.',
      cases: ['OJS-L2-TTL-001'],
    },
    {
      ref: 'ojs-http-binding §11.2',
      must: 'Statistics of an unknown queue are zeros.',
      cases: ['OJS-L1-QUE-003', 'OJS-L4-STA-001'],
    },
    {
      ref: 'docs/operating.md',
      must: 'Retention by age and number.',
      cases: [],
      tests: [['packages/server/test/engine/upkeep.test.ts', 'retention: by age and by number']],
      why: 'takes days; held with a manual clock',
    },
    {
      ref: 'ojs-http-binding §17.1',
      must: 'Clients mint ids, refuse what is no JSON, keep cursors opaque.',
      cases: [],
      tests: [['packages/sdk/test/client.test.ts', 'enqueue gives a handle']],
      why: 'rules for clients',
    },
    {
      ref: 'ojs-core §14',
      must: 'args are never executed, meta never trusted.',
      cases: [],
      why: 'not observable: nothing reads them but fingerprints, schemas and filters',
    },
  ],
};

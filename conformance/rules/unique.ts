import type { Section } from './rule.ts';

export const unique: Section = {
  title: 'Unique jobs',
  rules: [
    {
      ref: 'ojs-unique-jobs §3',
      must: 'keys out of type, queue, args, meta; type always counts.',
      cases: ['OJS-L4-UNQ-002'],
    },
    {
      ref: 'ojs-unique-jobs §2.2; deviations X18',
      must: 'args_keys and meta_keys choose among args and meta; one that args have not is refused.',
      cases: ['OJS-L4-UNQ-002', 'OJS-L4-UNQ-003'],
    },
    {
      ref: 'ojs-unique-jobs §2.2',
      must: 'Unknown dimensions, states, conflicts and bad periods are refused; meta needs meta_keys.',
      cases: ['OJS-L4-UNQ-010'],
    },
    { ref: 'deviations X18', must: 'The older key in all of its meanings.', cases: ['OJS-L4-UNQ-011'] },
    {
      ref: 'ojs-unique-jobs §4',
      must: 'The fingerprint is deterministic: canonical JSON, NFC, SHA-256.',
      cases: ['OJS-L4-UNQ-012'],
      tests: [['packages/core/test/policies/unique.test.ts', 'the spelling of what counts makes no difference']],
    },
    {
      ref: 'ojs-unique-jobs §7',
      must: 'A period counts from the creation of the job that is there.',
      cases: ['OJS-L4-UNQ-004'],
    },
    {
      ref: 'ojs-unique-jobs §6',
      must: 'By default what has not ended holds its key; states of the new request choose.',
      cases: ['OJS-L4-UNQ-005', 'OJS-L4-UNQ-006'],
    },
    {
      ref: 'ojs-unique-jobs §5.1',
      must: 'reject: 409 with the job that is there and the key.',
      cases: ['OJS-L4-UNQ-001'],
    },
    {
      ref: 'ojs-unique-jobs §5.4',
      must: 'ignore: 200 with the job that is there and deduplicated.',
      cases: ['OJS-L4-UNQ-007'],
    },
    {
      ref: 'ojs-unique-jobs §5.2',
      must: 'replace: the one there is cancelled, active ones too.',
      cases: ['OJS-L4-UNQ-008'],
    },
    {
      ref: 'ojs-unique-jobs §5.3',
      must: 'replace_except_schedule: a scheduled one is updated in place.',
      cases: ['OJS-L4-UNQ-009'],
    },
    {
      ref: 'ojs-unique-jobs §9.2',
      must: 'Uniqueness is checked at enqueue only.',
      cases: ['OJS-L4-UNQ-014', 'OJS-L1-DLQ-009'],
    },
    {
      ref: 'ojs-http-binding §7.2',
      must: 'In batches: all or nothing, with the index; within the batch too.',
      cases: ['OJS-L4-UNQ-013'],
    },
    {
      ref: 'ojs-unique-jobs §5.3',
      must: 'A batch changes scheduled jobs in place, its own too; not where it is refused.',
      cases: ['OJS-L4-UNQ-015'],
    },
    {
      ref: 'ojs-unique-jobs §14',
      must: 'Of many enqueues at once exactly one creates the job.',
      cases: [],
      tests: [['conformance/test/beyond.test.ts', 'exactly one creates the job']],
      why: 'cases run step by step',
    },
    {
      ref: 'ojs-unique-jobs §12',
      must: 'Fingerprints are not logged above debug.',
      cases: [],
      why: 'not observable: no statement logs one',
    },
  ],
};

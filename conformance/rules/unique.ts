import type { Section } from './rule.ts';

export const unique: Section = {
  title: '§6 Unique jobs',
  rules: [
    { ref: '§6.1', must: 'keys out of type, queue, args, meta; type always counts.', cases: ['OJS-L4-UNQ-002'] },
    {
      ref: '§6.1 X18',
      must: 'args_keys and meta_keys choose among args and meta; one that args have not is refused.',
      cases: ['OJS-L4-UNQ-002', 'OJS-L4-UNQ-003'],
    },
    {
      ref: '§6.1',
      must: 'Unknown dimensions, states, conflicts and bad periods are refused; meta needs meta_keys.',
      cases: ['OJS-L4-UNQ-010'],
    },
    { ref: '§6.1 X18', must: 'The older key in all of its meanings.', cases: ['OJS-L4-UNQ-011'] },
    {
      ref: '§6.2',
      must: 'The fingerprint is deterministic: canonical JSON, NFC, SHA-256.',
      cases: ['OJS-L4-UNQ-012'],
      tests: [['packages/core/test/policies/unique.test.ts', 'the spelling of what counts makes no difference']],
    },
    { ref: '§6.3', must: 'A period counts from the creation of the job that is there.', cases: ['OJS-L4-UNQ-004'] },
    {
      ref: '§6.1 §6.3',
      must: 'By default what has not ended holds its key; states of the new request choose.',
      cases: ['OJS-L4-UNQ-005', 'OJS-L4-UNQ-006'],
    },
    { ref: '§6.3', must: 'reject: 409 with the job that is there and the key.', cases: ['OJS-L4-UNQ-001'] },
    { ref: '§6.3', must: 'ignore: 200 with the job that is there and deduplicated.', cases: ['OJS-L4-UNQ-007'] },
    { ref: '§6.3', must: 'replace: the one there is cancelled, active ones too.', cases: ['OJS-L4-UNQ-008'] },
    { ref: '§6.3', must: 'replace_except_schedule: a scheduled one is updated in place.', cases: ['OJS-L4-UNQ-009'] },
    {
      ref: '§6.3 uniq 9.2',
      must: 'Uniqueness is checked at enqueue only.',
      cases: ['OJS-L4-UNQ-014', 'OJS-L1-DLQ-009'],
    },
    {
      ref: '§17',
      must: 'In batches: all or nothing, with the index; within the batch too.',
      cases: ['OJS-L4-UNQ-013'],
    },
    {
      ref: '§17 §6.3',
      must: 'A batch changes scheduled jobs in place, its own too; not where it is refused.',
      cases: ['OJS-L4-UNQ-015'],
    },
    {
      ref: '§6.3 uniq 14.11',
      must: 'Of many enqueues at once exactly one creates the job.',
      cases: [],
      tests: [['conformance/test/beyond.test.ts', 'exactly one creates the job']],
      why: 'cases run step by step',
    },
    {
      ref: '§6.2',
      must: 'Fingerprints are not logged above debug.',
      cases: [],
      why: 'not observable: no statement logs one',
    },
  ],
};
